# SPDX-License-Identifier: Apache-2.0
"""The devnet with anvil as its L1."""

import json
import os
import signal
import subprocess
import tempfile

from network import cast_path, program, rpc, wait_for
from test_devnet import _children, _end, _port, _start

FEW = ("--nodes", "1", "--enclaves", "2")


def _view(l1, signature, *args):
    done = subprocess.run([cast_path(), "call", "--rpc-url", l1["rpc"], l1["registry"], signature, *args],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _reference(port):
    """Number and hash of the L1 block that the newest batch names."""
    header = rpc(port, "ten_getBatch", "latest")["header"]
    return int(header["l1Number"]), header["l1Hash"]


def _refused(data, why, *extra):
    done = subprocess.run([program("tenseq"), "devnet", "--data-dir", data, "--base-port", str(_port()),
                           "--enclaves", "2", *extra], capture_output=True, text=True)
    assert done.returncode == 1 and why in done.stderr, (done.returncode, done.stderr)
    assert done.stderr.count("\n") == 1, "one sentence: " + done.stderr


def test_devnet_with_anvil():
    """The contract, a spare; a restart and a kill leave both chains where they were."""
    with tempfile.TemporaryDirectory(prefix="tdev-") as data:
        port = _port()
        p, net = _start(data, port, *FEW, l1="anvil")
        try:
            l1 = net["l1"]
            assert l1["chainId"] == 31337 and l1["rpc"] == f"http://127.0.0.1:{port + 1}"
            assert _view(l1, "genesisHash()(bytes32)") == net["genesis"]
            spare = net["spares"][0]["id"]
            listed = [_view(l1, "isSequencer(address)(bool)", e["id"])
                      for e in net["enclaves"] + net["spares"]]
            assert listed == ["true", "true", "false"]
            wait_for("the spare is registered", lambda: _view(l1, "isAttested(address)(bool)", spare) == "true")
            known = {e["id"]: e for e in rpc(port, "sequencer_status")["enclaves"]}
            assert known[spare]["role"] == "validating" and len(known) == 3
            named, block = _reference(port + 10)
            assert rpc(port + 1, "eth_getBlockByNumber", hex(named), False)["hash"] == block
            wait_for("a newer block", lambda: _reference(port + 10)[0] > named)
            # L1 ends and is started again by the supervisor: its blocks are kept, and batches went on.
            number, head = _reference(port + 10)[0], int(rpc(port, "eth_blockNumber"), 16)
            os.kill(l1["pid"], signal.SIGTERM)
            wait_for("newer blocks of the same L1", lambda: _reference(port + 10)[0] > number + 1)
            assert rpc(port + 1, "eth_getBlockByNumber", hex(named), False)["hash"] == block
            assert rpc(port, "sequencer_status")["state"] == "producing"
            assert int(rpc(port, "eth_blockNumber"), 16) > head + 5
            children = _children(p.pid)
            _end(p, children)
            # Ended, and then killed: L1 goes on from where it was.
            for is_killed in (True, False):
                p, again = _start(data, port, *FEW, l1="anvil")
                assert again["genesis"] == net["genesis"]
                assert again["l1"]["registry"] == l1["registry"]
                assert rpc(port + 1, "eth_getBlockByNumber", hex(named), False)["hash"] == block
                last = _reference(port + 10)[0]
                wait_for("a newer block", lambda: _reference(port + 10)[0] > last)
                assert rpc(port, "sequencer_status")["state"] == "producing"
                children = _children(p.pid)
                if is_killed:
                    p.kill()
                    p.wait()
                    wait_for("all are gone",
                             lambda: not any(os.path.exists(f"/proc/{c}") for c in children))
                else:
                    _end(p, children)
            _refused(data, "has an L1", "--l1", "none")
        finally:
            if p.poll() is None:
                p.kill()


def test_devnet_on_an_l1_that_is_there():
    """A URL: with a key a contract is deployed, a second devnet goes on with it; what does not fit is told."""
    from l1 import Anvil, GOVERNANCE_KEY

    with tempfile.TemporaryDirectory(prefix="tdev-") as top, Anvil(top) as l1:
        key = os.path.join(top, "key")
        with open(os.open(key, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write(GOVERNANCE_KEY + "\n")
        data, url = os.path.join(top, "d"), l1.url
        _refused(data, "--registry ADDR, or --l1-key FILE", "--l1", url)
        assert not os.path.exists(data)
        _refused(data, "there is no contract at", "--l1", url, "--registry", "0x" + "ab" * 20)
        p, net = _start(data, _port(), *FEW, "--l1-key", key, l1=url)
        try:
            assert net["l1"]["rpc"] == url and "operator" not in net["l1"]
            assert _view(net["l1"], "genesisHash()(bytes32)") == net["genesis"]
            _end(p, _children(p.pid))
            p, again = _start(data, _port(), *FEW, "--registry", net["l1"]["registry"], l1=url)
            assert again["genesis"] == net["genesis"]
            _end(p, _children(p.pid))
        finally:
            if p.poll() is None:
                p.kill()
        _refused(os.path.join(top, "other"), "already that of the network with genesis", "--l1", url,
                 "--registry", net["l1"]["registry"])
        _refused(data, "not that of --registry", "--l1", url, "--registry", "0x" + "ab" * 20)


def test_genesis_from_the_contract():
    """The whitelist is the contract's list at an L1 block; what does not fit is told, and no file is made."""
    from l1 import Anvil

    ids = ["0x" + d * 20 for d in ("a1", "b2")]
    with tempfile.TemporaryDirectory(prefix="tgen-") as top, Anvil(top) as l1:
        out = os.path.join(top, "genesis.json")
        l1.rpc("anvil_mine", "0x3")
        l1.deploy_listing(ids)
        deployed = next(n for n in range(l1.number() + 1) if l1.rpc("eth_getCode", l1.contract, hex(n)) != "0x")
        at = l1.number()

        def make(*extra, contract=None):
            return subprocess.run([program("tenseq"), "genesis", "--out", out, "--l1", l1.url, "--registry",
                                   contract or l1.contract, *extra], capture_output=True, text=True)

        for extra, contract, why in (
                (("--enclave", "0x" + "c3" * 20), None, "is not on the contract's list"),
                (("--enclave", ids[0]), None, f"the contract lists {ids[1]}"),
                (("--l1-number", str(at + 1000)), None, "has no block"),
                ((), "0x" + "dd" * 20, "there is no contract at 0x" + "dd" * 20),
                (("--l1-number", "1"), None, f"not there yet at L1 block 1: it was deployed in block {deployed}"),
        ):
            done = make("--l1-number", str(at), *extra, contract=contract)
            assert done.returncode == 1 and why in done.stderr, (extra, done.stderr)
            assert not os.path.exists(out)
        done = make("--l1-number", str(at))
        assert done.returncode == 0, done.stderr
        with open(out) as f:
            made = json.load(f)
        assert made["whitelist"] == ids and made["l1ChainId"] == 31337 and made["l1Number"] == at
        assert made["contract"] == l1.contract.lower() and made["l1Hash"] == l1.block(at)["hash"]
        l1.end()
        os.unlink(out)
        assert "L1 does not answer" in make().stderr
