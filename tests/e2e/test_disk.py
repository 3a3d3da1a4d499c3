# SPDX-License-Identifier: Apache-2.0
"""A full disk at the host: it stops acknowledging, says so, loses nothing, and goes on.

The host's data is on a file system of a few megabytes that is then filled. That takes a mount: as root, or
in a user namespace where the kernel lets everybody make one. Where neither is allowed, a limit on file size
that is lowered to nothing makes every write of the host fail; the test says so. E2E_DISK=mount, namespace
or limit asks for one of them."""

import os
import resource
import subprocess
import threading

import checks
from network import Network, RpcError, cast_path

TMPFS = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs"]


class _Mounted:
    """A mount that all processes see."""

    def __init__(self, net):
        self.net = net
        subprocess.run([*TMPFS, net.host_data], check=True, stderr=subprocess.PIPE)

    def argv(self, argv):
        return argv

    def path(self):
        return os.path.join(self.net.host_data, "filler")

    def fill(self):
        with open(self.path(), "wb", buffering=0) as f:
            for size in (1 << 20, 1 << 12, 1):
                try:
                    while True:
                        f.write(b"\0" * size)
                except OSError:
                    pass

    def free(self):
        os.unlink(self.path())

    def end(self):
        subprocess.run(["umount", self.net.host_data], check=True)


class _InNamespace(_Mounted):
    """A mount that only the host sees: it becomes the host, and the way there is through its /proc."""

    UNSHARE = ["unshare", "--user", "--map-root-user", "--mount"]

    def __init__(self, net):
        self.net = net
        subprocess.run([*self.UNSHARE, *TMPFS, net.host_data], check=True, stderr=subprocess.PIPE)

    def argv(self, argv):
        script = 'at=$1; shift; ' + " ".join(TMPFS) + ' "$at" && exec "$@"'
        return [*self.UNSHARE, "sh", "-c", script, "sh", self.net.host_data, *argv]

    def path(self):
        return f"/proc/{self.net.host.popen.pid}/root{self.net.host_data}/filler"

    def end(self):
        pass


class _Limited:
    """No file system of its own: whatever the host writes into a file fails. Its log goes through a pipe."""

    def __init__(self, net):
        self.net = net

    def argv(self, argv):
        return argv

    def _limit(self, size):
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.prlimit(self.net.host.popen.pid, resource.RLIMIT_FSIZE, (size, hard))

    def fill(self):
        self._limit(0)

    def free(self):
        self._limit(resource.getrlimit(resource.RLIMIT_FSIZE)[0])

    def end(self):
        pass


MEANS = {"mount": _Mounted, "namespace": _InNamespace, "limit": _Limited}


class SmallDisk(Network):
    def start(self):
        os.makedirs(self.host_data, exist_ok=True)
        self.disk = self._make_disk()
        return super().start()

    def _make_disk(self):
        wanted = os.environ.get("E2E_DISK")
        for name in [wanted] if wanted else MEANS:
            try:
                disk = MEANS[name](self)
            except (subprocess.CalledProcessError, FileNotFoundError) as e:
                if wanted:
                    raise AssertionError(f"E2E_DISK={name}: {e}: {e.stderr}") from e
                continue
            if name == "limit":
                print("note: no file system may be mounted here, so the full disk is a limit on the "
                      "size of the host's files")
            return disk
        raise AssertionError("not reached: a limit can always be lowered")

    def host_argv(self):
        return self.disk.argv(super().host_argv())

    def _add(self, name, argv, restart):
        super()._add(name, argv, restart)
        self.processes[name].piped = name == "host"

    def close(self):
        for p in self.processes.values():
            p.restart = False
        if "host" in self.processes and self.host.alive():
            self.host.kill()
        if hasattr(self, "disk"):
            self.disk.end()
        super().close()


def test_disk_full():
    with SmallDisk(interval="100ms") as net:
        with net.load(100, 200) as first:
            pass
        net.disk.fill()
        net.until("production stops", lambda: net.status()["state"] == "storage", 20)
        head = net.head()
        a, b = net.accounts[5], net.accounts[6]["address"]
        raw = net.run(_mktx(net, a, b)).strip()
        try:
            net.rpc("eth_sendRawTransaction", raw)
            raise AssertionError("acknowledged on a full disk")
        except RpcError as e:
            assert "disk is full" in e.message, e.message
        assert net.head() == head and net.host.alive()
        assert "disk is full" in net.host.log()
        # Load that comes meanwhile waits, and goes on when there is room.
        threading.Timer(1.5, net.disk.free).start()
        with net.load(100, 200) as second:
            pass
        assert second["waits"] > 0 and "disk is full" in second["firstRefusal"], second
        net.wait_head(head + 3)
        net.rpc("eth_sendRawTransaction", raw)
        checks.all_is_well(net, first["hashes"] + second["hashes"])


def _mktx(net, a, b):
    return [cast_path(), "mktx", "--private-key", a["key"], b, "--value", "7", "--nonce",
            str(int(net.rpc("eth_getTransactionCount", a["address"], "pending"), 16)), "--gas-limit",
            "21000", "--gas-price", "2000000000", "--legacy", "--chain", "443"]
