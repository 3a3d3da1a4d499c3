# SPDX-License-Identifier: Apache-2.0
"""A node that follows a real L1: what it takes, what it waits for, where it stops."""

import http.client
import os
import signal
import subprocess
import tempfile
import time

from l1 import GOVERNANCE_KEY
from network import SLOW, cast_path, rpc, wait_for
from test_devnet import _children, _end, _port, _start


def _ready(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        return answer.status, answer.read().decode().strip()
    finally:
        connection.close()


def _head(port):
    return int(rpc(port, "eth_blockNumber"), 16)


def _goes_on(port):
    head = _head(port)
    wait_for("more batches", lambda: _head(port) > head + 5)


def _listed(port):
    return [e["id"] for e in rpc(port, "ten_registry")["enclaves"] if e["whitelisted"]]


def _nobody_is_blamed(port):
    counters = rpc(port, "ten_health")["counters"]
    assert counters["l1_mismatches"] == 0 and counters["invalid"] == 0, counters
    assert counters["peers_dropped"] == 0, counters


def test_a_node_follows_l1():
    """Its validator too; an L1 that stands still, a node that is killed, a removal, and L1 that goes back."""
    with tempfile.TemporaryDirectory(prefix="tl1n-") as data:
        port = _port()
        node, l1 = port + 10, port + 1
        p, net = _start(data, port, "--nodes", "1", "--enclaves", "2", l1="anvil")
        try:
            wait_for("a newer L1 block", lambda: rpc(node, "ten_health")["l1"]["reference"] > 3)
            health = rpc(node, "ten_health")
            assert health["l1"]["followed"] and health["l1"]["up"], health["l1"]
            wait_for("it validates", lambda: rpc(node, "ten_health")["enclave"]["state"] == "validating")
            assert rpc(node, "ten_finality", "latest") == "soft"
            assert _ready(node)[0] == 200
            _nobody_is_blamed(node)

            os.kill(net["l1"]["pid"], signal.SIGSTOP)
            _goes_on(node)  # batches name the block that all have seen
            time.sleep(3 * SLOW)
            os.kill(net["l1"]["pid"], signal.SIGCONT)
            reference = rpc(node, "ten_health")["l1"]["reference"]
            wait_for("L1 goes on", lambda: rpc(node, "ten_health")["l1"]["reference"] > reference + 1, 30)
            _nobody_is_blamed(node)

            os.kill(net["nodes"][0]["pid"], signal.SIGKILL)
            wait_for("the node is back", lambda: rpc(node, "ten_health")["state"] == "following", 30)
            _goes_on(node)

            active = rpc(port, "sequencer_status")["active"]
            passive = next(e["id"] for e in net["enclaves"] if e["id"] != active)
            done = subprocess.run([cast_path(), "send", "--rpc-url", net["l1"]["rpc"], "--private-key",
                                   GOVERNANCE_KEY, net["l1"]["registry"], "revokeSequencerEnclave(address)",
                                   passive], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            wait_for("the change is in force", lambda: _listed(node) == [active], 30)
            _goes_on(node)
            _nobody_is_blamed(node)
            found = [f["name"] for f in rpc(node, "ten_findings")["findings"]]
            assert "whitelist-mismatch" not in found and "churn" in found, found

            rpc(l1, "anvil_reorg", 5, [])
            wait_for("it says so", lambda: rpc(node, "ten_health")["state"] == "l1-reorg", 30)
            assert _ready(node) == (503, "l1-reorg")
            assert "went back" in rpc(node, "ten_health")["l1"]["reason"]
            head = _head(node)
            time.sleep(2 * SLOW)
            assert _head(node) <= head + 1, "it goes on"  # one may have been on its way to the disk
            _nobody_is_blamed(node)
            _end(p, _children(p.pid))
        finally:
            if p.poll() is None:
                p.kill()
