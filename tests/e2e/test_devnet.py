# SPDX-License-Identifier: Apache-2.0
"""The devnet, as a newcomer meets it."""

import json
import os
import signal
import subprocess
import tempfile

from network import SLOW, free_port, program, rpc, wait_for


def _port():
    """A base port: those of anvil, of a liar and of the nodes are free, too, as far as one can know."""
    return free_port(also=(1, 2, *range(10, 20)))


def _start(data, port, *extra, l1="none", stderr=None):
    # A user's variable for the command line is no mistake of the programs that the devnet starts.
    p = subprocess.Popen([program("tenseq"), "devnet", "--data-dir", data, "--base-port", str(port),
                          "--interval", "200ms", "--json", "--l1", l1, *extra], stdout=subprocess.PIPE, stderr=stderr, text=True,
                         env=dict(os.environ, TENSEQ_RPC="http://127.0.0.1:1"))
    line = p.stdout.readline()
    assert line, f"devnet ended with {p.wait()}"
    return p, json.loads(line)


def _children(pid):
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as f:
                stat = f.read()
        except OSError:
            continue  # it has ended meanwhile
        # "pid (name) state ppid …", and a name may hold anything
        if int(stat[stat.rindex(")") + 2:].split()[1]) == pid:
            found.append(int(entry))
    return found


def _end(p, children):
    p.send_signal(signal.SIGINT)
    assert p.wait(10 * SLOW) == 0
    assert p.stdout.read() == "", "nothing but the one line is on stdout"
    for child in children:
        assert not os.path.exists(f"/proc/{child}"), f"process {child} is left behind"


def test_devnet():
    with tempfile.TemporaryDirectory(prefix="tdev-") as data:
        port = _port()
        p, net = _start(data, port)
        try:
            assert len(net["enclaves"]) == 3 and len(net["nodes"]) == 2
            assert net["host"]["rpc"] == f"http://127.0.0.1:{port}" and net["chainId"] == 443
            assert len(net["accounts"]) == 10
            active = rpc(port, "sequencer_status")["active"]
            pid = next(e["pid"] for e in net["enclaves"] if e["id"] == active)
            head = int(rpc(port, "eth_blockNumber"), 16)
            os.kill(pid, signal.SIGKILL)
            wait_for("another enclave", lambda: rpc(port, "sequencer_status")["active"] not in (None, active))
            wait_for("more batches", lambda: int(rpc(port, "eth_blockNumber"), 16) > head + 3)
            wait_for("it is back", lambda: all(
                e["role"] in ("active", "passive") for e in rpc(port, "sequencer_status")["enclaves"]))
            head = int(rpc(port, "eth_blockNumber"), 16)
            first = rpc(port, "eth_getBlockByNumber", "0x1", False)["hash"]
            _end(p, _children(p.pid))
            p, net = _start(data, port)
            assert rpc(port, "eth_getBlockByNumber", "0x1", False)["hash"] == first
            assert int(rpc(port, "eth_blockNumber"), 16) >= head
            second = subprocess.run([program("tenseq"), "devnet", "--data-dir", data, "--base-port",
                                     str(_port())], capture_output=True, text=True)
            assert second.returncode == 1 and "in use by another devnet" in second.stderr
            with tempfile.TemporaryDirectory(prefix="tdev-") as other:  # the ports are taken
                second = subprocess.run([program("tenseq"), "devnet", "--data-dir", other,
                                         "--base-port", str(port)], capture_output=True, text=True)
                assert second.returncode == 1 and f"port {port}" in second.stderr, second.stderr
                assert second.stdout == ""
            _end(p, _children(p.pid))
        finally:
            if p.poll() is None:
                p.kill()


def test_devnet_killed_leaves_nothing():
    with tempfile.TemporaryDirectory(prefix="tdev-") as data:
        p, _ = _start(data, _port(), "--nodes", "1", "--enclaves", "1")
        children = _children(p.pid)
        assert len(children) >= 4
        p.kill()
        p.wait()
        wait_for("all are gone", lambda: not any(os.path.exists(f"/proc/{c}") for c in children))


def test_devnet_tells_its_end():
    with tempfile.TemporaryDirectory(prefix="tdev-") as data, tempfile.TemporaryFile("w+") as said:
        p, _ = _start(data, _port(), "--nodes", "1", "--enclaves", "1", stderr=said)
        _end(p, _children(p.pid))
        said.seek(0)
        assert said.read() == "ended\n"


def test_devnet_that_does_not_start_says_why():
    """The host finds a store that is none: what its log ends with is told, and nothing of an attack."""
    with tempfile.TemporaryDirectory(prefix="tdev-") as data:
        os.mkdir(os.path.join(data, "host"))
        with open(os.path.join(data, "host", "host.db"), "w", encoding="ascii") as f:
            f.write("this is no store\n" * 1000)
        done = subprocess.run([program("tenseq"), "devnet", "--data-dir", data, "--base-port", str(_port()), "--l1", "none",
                               "--attack", "equivocation"], capture_output=True, text=True, timeout=60 * SLOW)
        assert done.returncode == 1, done
        assert "  host.log ends with: " in done.stderr and "host.db" in done.stderr, done.stderr
        assert "attack" not in done.stderr and "ended\n" not in done.stderr.splitlines(True), done.stderr


def test_devnet_that_cannot_be_told_of_ends():
    with tempfile.TemporaryDirectory(prefix="tdev-") as data, open("/dev/full", "w") as full:
        for extra in ((), ("--json",)):
            done = subprocess.run([program("tenseq"), "devnet", "--data-dir", data, "--base-port",
                                   str(_port()), "--l1", "none", "--nodes", "0", "--enclaves", "1", "--interval", "200ms",
                                   *extra], stdout=full, stderr=subprocess.PIPE, text=True,
                                  timeout=60 * SLOW)
            assert done.returncode == 1, done
            assert done.stderr == "error: cannot write to standard output: No space left on device\n"


def test_chaos():
    """Enclaves are killed at random, batches go on, and the nodes find restarts and no proof."""
    with tempfile.TemporaryDirectory(prefix="tseq-") as data:
        port = _port()
        p, told = _start(data, port, "--chaos", "700ms", "--nodes", "1")
        children = _children(p.pid)
        node = port + 10
        try:
            def restarts():
                found = rpc(node, "ten_findings")["findings"]
                return sum(f["name"] == "restart" for f in found)

            wait_for("three restarts on record", lambda: restarts() >= 3, 40 * SLOW)
            head = int(rpc(port, "eth_blockNumber"), 16)
            wait_for("batches go on", lambda: int(rpc(port, "eth_blockNumber"), 16) > head + 10, 30 * SLOW)
            assert rpc(node, "ten_findings", 0, "proof")["findings"] == []
            # Nobody but the enclaves of the list was killed.
            for pid in [told["host"]["pid"]] + [n["pid"] for n in told["nodes"]]:
                os.kill(pid, 0)
        finally:
            children = set(children) | set(_children(p.pid))
            _end(p, children)
