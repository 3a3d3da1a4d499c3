# SPDX-License-Identifier: Apache-2.0
"""tenseq devnet --attack: a lying operator of each provable kind among real programs. The nodes
find it, and their evidence holds for whoever checks it, with our program and with ethers alone."""

import os
import subprocess
import tempfile

from network import ROOT, SLOW, program, rpc, wait_for
from test_devnet import _children, _end, _port, _start


def _attack(name, l1):
    """Runs it until the last node has found it; returns the finding and what tenseq verify said."""
    with tempfile.TemporaryDirectory(prefix="tseq-") as data:
        port = _port()
        p, _ = _start(os.path.join(data, "net"), port, "--attack", name, l1=l1)
        children = _children(p.pid)
        last = port + 11
        try:
            found = []

            def look():
                findings = rpc(last, "ten_findings")["findings"]
                found[:] = [f for f in findings if f["name"] == name]
                return found

            wait_for(f"{name} is found", look, 60 * SLOW)
            finding = found[0]
            checked = _check(finding, last, os.path.join(data, "evidence"))
            others = {f["name"] for f in rpc(last, "ten_findings", 0, "proof")["findings"]} - {name}
            # The batches go on: what is refused is the lie.
            head = int(rpc(last, "eth_blockNumber"), 16)
            wait_for("the chain goes on", lambda: int(rpc(last, "eth_blockNumber"), 16) > head + 3, 30 * SLOW)
        finally:
            _end(p, children)
        return finding, checked, others


def _check(finding, port, directory):
    """The verdicts of tenseq verify and of the script on each exported file; [] when there is none."""
    if finding["severity"] != "proof":
        return []
    assert rpc(port, "ten_evidence", finding["evidence"]), "who asks at once is given it as well"
    done = subprocess.run([program("tenseq"), "audit", "--rpc", f"http://127.0.0.1:{port}", "--export", directory],
                          capture_output=True, text=True)
    assert done.returncode == 0, done
    files = [os.path.join(directory, f) for f in sorted(os.listdir(directory)) if finding["evidence"][2:10] in f]
    assert len(files) == 1, os.listdir(directory)
    ours = subprocess.run([program("tenseq"), "verify", files[0]], capture_output=True, text=True)
    script = os.path.join(ROOT, "verify", finding["name"] + ".mjs")
    ethers = subprocess.run(["node", script, files[0]], capture_output=True, text=True, cwd=ROOT)
    return [(done.returncode, done.stdout + done.stderr) for done in (ours, ethers)]


def _is_proven(name, l1="none", also=()):
    finding, checked, others = _attack(name, l1)
    assert finding["severity"] == "proof", finding
    assert [code for code, _ in checked] == [0, 0], checked
    assert others <= set(also), others
    return finding


def test_equivocation():
    assert _is_proven("equivocation")["about"] == "operator"


def test_equivocation_by_a_spare():
    """The enclave that came in for another is known to the liar as well."""
    with tempfile.TemporaryDirectory(prefix="tseq-") as data:
        port = _port()
        p, _ = _start(os.path.join(data, "net"), port, "--attack", "equivocation", "--corrupt", "1s", l1="anvil")
        children = _children(p.pid)
        try:
            enclaves = rpc(port, "sequencer_status")["enclaves"]
            spare = next(e["id"] for e in enclaves if not e["whitelisted"])

            def is_active():
                role = next(e["role"] for e in rpc(port, "sequencer_status")["enclaves"] if e["id"] == spare)
                if role == "passive":
                    rpc(port, "sequencer_switchover", spare)
                return role == "active"

            wait_for("the spare is active", is_active, 60 * SLOW)
            wait_for("its second line is found", lambda: any(
                f["name"] == "equivocation" and f["enclave"] == spare
                for f in rpc(port + 11, "ten_findings")["findings"]), 30 * SLOW)
        finally:
            _end(p, children)


def test_payload_edited():
    assert _is_proven("payload-edited")["about"] == "peer"


def test_whitelist_mismatch():
    # Once the chain has a batch of that number there are two, which is an equivocation as well.
    assert _is_proven("whitelist-mismatch", "anvil", also=["equivocation"])["about"] == "operator"


def test_rollup_mismatch():
    assert _is_proven("rollup-mismatch", "anvil")["about"] == "operator"


def test_mass_restart():
    finding, _, others = _attack("mass-restart", "none")
    assert finding["severity"] == "omission" and not others, (finding, others)


def test_what_cannot_be():
    def refused(*flags):
        with tempfile.TemporaryDirectory(prefix="tseq-") as data:
            directory = os.path.join(data, "net")
            done = subprocess.run([program("tenseq"), "devnet", "--data-dir", directory, "--l1", "none", *flags],
                                  capture_output=True, text=True)
            assert done.returncode == 2 and not os.path.exists(directory), done
            return done.stderr

    assert "it is about L1" in refused("--attack", "rollup-mismatch")
    assert "with one enclave" in refused("--attack", "mass-restart", "--enclaves", "1")
    assert "without a node" in refused("--attack", "equivocation", "--nodes", "0")
    assert "attack" in refused("--attack", "nonsense")
