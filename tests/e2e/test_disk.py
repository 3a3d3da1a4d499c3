# SPDX-License-Identifier: Apache-2.0
"""A full disk at the host: it stops acknowledging, says so, loses nothing, and goes on."""

import os
import subprocess

import checks
from network import Network, RpcError


class SmallDisk(Network):
    """The host's data is on a file system of a few megabytes. Needs the right to mount (root)."""

    def start(self):
        os.makedirs(self.host_data, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", self.host_data], check=True)
        return super().start()

    def close(self):
        for p in self.processes.values():
            p.restart = False
        if "host" in self.processes and self.host.alive():
            self.host.kill()
        subprocess.run(["umount", self.host_data], check=False)
        super().close()

    def fill(self):
        path = os.path.join(self.host_data, "filler")
        with open(path, "wb", buffering=0) as f:
            for size in (1 << 20, 1 << 12, 1):
                try:
                    while True:
                        f.write(b"\0" * size)
                except OSError:
                    pass

    def free(self):
        os.unlink(os.path.join(self.host_data, "filler"))


def test_disk_full():
    with SmallDisk(interval="100ms") as net:
        with net.load(100, 200) as first:
            pass
        net.fill()
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
        net.free()
        net.wait_head(head + 3)
        net.rpc("eth_sendRawTransaction", raw)
        with net.load(100, 200) as second:
            pass
        checks.all_is_well(net, first["hashes"] + second["hashes"])


def _mktx(net, a, b):
    from network import cast_path

    return [cast_path(), "mktx", "--private-key", a["key"], b, "--value", "7", "--nonce",
            str(int(net.rpc("eth_getTransactionCount", a["address"], "pending"), 16)), "--gas-limit",
            "21000", "--gas-price", "2000000000", "--legacy", "--chain", "443"]
