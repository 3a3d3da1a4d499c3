# SPDX-License-Identifier: Apache-2.0
"""tenseq devnet --corrupt: an enclave is corrupted and replaced, from the first wrong seal to the switchover that is
refused, by real programs and without anybody's help."""

import os
import subprocess
import tempfile

from network import SLOW, program, rpc, wait_for
from test_devnet import _children, _end, _port, _start
from test_l1_devnet import _view

STAGES = ("its seals are not its own from now on", "the host marked it: ", "in its place: request 1 on L1: ",
          "governance, which is this devnet, approves it", " is in: passive", "A switchover to it is refused: ")


def _said(path):
    with open(path, errors="replace") as f:
        return [line for line in f if line.startswith("corrupt: ")]


def _status(port):
    status = rpc(port, "sequencer_status")
    return status, {e["id"]: e for e in status["enclaves"]}


def _head(port):
    return int(rpc(port, "eth_blockNumber"), 16)


def test_a_corrupted_enclave_is_replaced_by_the_spare():
    with tempfile.TemporaryDirectory(prefix="tdev-") as data, tempfile.NamedTemporaryFile() as log:
        port = _port()
        p, net = _start(data, port, "--corrupt", "1s", "--nodes", "1", l1="anvil", stderr=log)
        try:
            old, spare, l1 = net["enclaves"][0]["id"], net["spares"][0]["id"], net["l1"]
            wait_for("all of it was told", lambda: len(_said(log.name)) >= len(STAGES), 60 * SLOW)
            said = _said(log.name)
            for line, stage in zip(said, STAGES):
                assert stage in line, said
            assert len(said) == len(STAGES) and spare in said[2] and spare in said[4], said

            # What was told is so: at the host, in the contract, and in the chain as a node has it.
            status, known = _status(port)
            assert known[old]["corrupted"] and "seal" in known[old]["reason"], known[old]
            assert known[old]["role"] not in ("active", "passive") and status["active"] not in (None, old)
            assert known[old]["reason"] in said[1] and said[2].rstrip().endswith(known[old]["reason"])
            assert known[spare]["role"] in ("active", "passive")
            for enclave, listed in ((old, "false"), (spare, "true")):
                assert _view(l1, "isSequencer(address)(bool)", enclave) == listed
            done = subprocess.run([program("tenseq"), "switchover", "--to", old, "--rpc", net["host"]["rpc"]],
                                  capture_output=True, text=True)
            assert done.returncode == 1 and old in done.stderr, done
            assert "corrupted" in done.stderr or "whitelist" in done.stderr, done.stderr

            # The spare seals; the old one is accounted for no more; no one has a proof of anything.
            done = subprocess.run([program("tenseq"), "switchover", "--to", spare, "--rpc", net["host"]["rpc"]],
                                  capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            head = _head(port)
            wait_for("the node has more batches", lambda: _head(port + 10) > head + 5, 20 * SLOW)
            batch = rpc(port + 10, "ten_getBatch", "latest")
            assert batch["header"]["producer"] == spare
            payload = batch["protocolPayload"]
            named = [r["enclaveId"] for r in payload["reports"]] + payload["absent"]
            assert old not in named and spare in named
            assert rpc(port + 10, "ten_findings", 0, "proof")["findings"] == []

            # Started again: it is over.
            _end(p, _children(p.pid))
            p, net = _start(data, port, "--corrupt", "1s", "--nodes", "1", l1="anvil", stderr=log)
            wait_for("it says so", lambda: "in an earlier run" in _said(log.name)[-1], 20 * SLOW)
            head = _head(port)
            wait_for("batches go on", lambda: _head(port) > head + 3, 20 * SLOW)
            _end(p, _children(p.pid))
        finally:
            if p.poll() is None:
                p.kill()
            if os.environ.get("E2E_LOGS"):
                print("".join(_said(log.name)))


def test_corrupt_without_an_l1():
    """The others go on without it; that is all there is."""
    with tempfile.TemporaryDirectory(prefix="tdev-") as data, tempfile.NamedTemporaryFile() as log:
        port = _port()
        p, net = _start(data, port, "--corrupt", "500ms", "--nodes", "0", stderr=log)
        try:
            wait_for("all of it was told", lambda: len(_said(log.name)) >= 3, 30 * SLOW)
            assert "without an L1 nobody can take it off" in _said(log.name)[2]
            status, known = _status(port)
            assert known[net["enclaves"][0]["id"]]["corrupted"] and status["state"] == "producing"
            _end(p, _children(p.pid))
        finally:
            if p.poll() is None:
                p.kill()


def test_corrupt_needs_another_enclave():
    with tempfile.TemporaryDirectory(prefix="tdev-") as data:
        new = os.path.join(data, "new")
        done = subprocess.run([program("tenseq"), "devnet", "--corrupt", "1s", "--enclaves", "1", "--data-dir", new],
                              capture_output=True, text=True)
        assert done.returncode == 2 and "nobody is left" in done.stderr, done
        assert not os.path.exists(new)
