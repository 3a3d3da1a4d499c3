# SPDX-License-Identifier: Apache-2.0
"""Proofs, from the node that finds them to the file, its checkers and the contract."""

import json
import os
import subprocess

import checks
import feed
import rlp
from l1 import ETHER, REPORTER, REPORTER_KEY, header_of, protocol_root, seal
from network import ROOT, Network, program


def _second_batch(net, batches):
    """The newest of these batches again, a moment later, sealed by the same enclave."""
    batch = batches[-1]
    raw = rlp.decode(bytes.fromhex(batch["raw"][2:]))
    header = header_of(batch)
    header[2] = (int.from_bytes(header[2], "big") + 1).to_bytes(8, "big").lstrip(b"\0")
    producer = net.ids.index(batch["header"]["producer"])
    hash_, signature = seal(net.l1, header, protocol_root(batches), net.enclave_key(producer))
    return hash_, rlp.encode([header, raw[1], raw[2], bytes.fromhex(signature[2:])])


def _verify(*args, code=0):
    done = subprocess.run([program("tenseq"), "verify", *args], capture_output=True, text=True)
    assert done.returncode == code, (done.stdout, done.stderr)
    return done.stdout + done.stderr


def _ethers(kind, path, code=0):
    done = subprocess.run(["node", os.path.join(ROOT, "verify", kind + ".mjs"), path],
                          capture_output=True, text=True)
    assert done.returncode == code, (done.stdout, done.stderr)
    return done.stdout


def _export(net, node, directory):
    done = subprocess.run([program("tenseq"), "audit", "--rpc", f"http://127.0.0.1:{net.node_ports[node]}",
                           "--severity", "proof", "--export", directory], capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout, done.stderr)
    return sorted(os.listdir(directory))


def test_an_equivocation_goes_all_the_way():
    """Found at once, exported, checked by both, told to who joins late, recorded by the contract, once."""
    with Network(l1=True, nodes=1) as net:
        net.wait_more(4)
        batches = checks.chain_is_one(net)
        net.wait_node(0, batches[-1]["header"]["number"])
        hash_, raw = _second_batch(net, batches)
        genesis = bytes.fromhex(net.node_rpc(0, "ten_genesis")["hash"][2:])
        evil = feed.Feed(net.node_ports[0], genesis)
        before = net.node_head(0)
        evil.send(rlp.encode([feed.BATCH, raw]))

        def proofs(node=0):
            return net.node_rpc(node, "ten_findings", 0, "proof")["findings"]

        net.until("the finding", proofs, 5)
        assert net.node_head(0) <= before + 1, "it took more than one batch"
        assert [f["name"] for f in proofs()] == ["equivocation"] and proofs()[0]["hash"] == hash_
        directory = os.path.join(net.dir, "proofs")
        names = _export(net, 0, directory)
        assert len(names) == 1 and names[0].startswith("equivocation-"), names
        path = os.path.join(directory, names[0])
        assert "proven, about the operator: equivocation" in _verify(path)
        assert ": proven, about the operator: equivocation\n" in _ethers("equivocation", path)
        _verify("--network", "0x" + genesis.hex(), path)
        assert "of another network" in _verify("--network", "0x" + "11" * 32, path, code=1)
        _refused_when_altered(path)
        # Again: the file is there. Another's file is left alone.
        assert _export(net, 0, directory) == names
        with open(path, encoding="utf-8") as f:
            kept = f.read()
        with open(path, "w", encoding="utf-8") as f:
            f.write("another's")
        again = subprocess.run([program("tenseq"), "audit", "--rpc", f"http://127.0.0.1:{net.node_ports[0]}",
                                "--export", directory], capture_output=True, text=True)
        assert again.returncode == 1 and "holds something else" in again.stderr, again
        with open(path, encoding="utf-8") as f:
            assert f.read() == "another's"
        with open(path, "w", encoding="utf-8") as f:
            f.write(kept)
        # Who joins late has the same proof, to the byte.
        late = net.add_node(start=True, peers=[f"ws://127.0.0.1:{net.node_ports[0]}/feed"])
        net.wait_node(late, net.head(), 30)
        net.until("the late node has it", lambda: proofs(late), 10)
        other = os.path.join(net.dir, "late")
        assert _export(net, late, other) == names
        with open(os.path.join(other, names[0]), encoding="utf-8") as f:
            assert f.read() == kept
        _submitted_once(net, path)
        evil.close()


def _refused_when_altered(path):
    with open(path, encoding="utf-8") as f:
        evidence = json.load(f)
    evidence["material"]["other"]["header"]["time"] += 1
    altered = path + ".altered"
    with open(altered, "w", encoding="utf-8") as f:
        json.dump(evidence, f)
    assert "not proven: the seal of the other batch" in _verify(altered, code=1)
    assert ": not proven: " in _ethers("equivocation", altered, code=1)
    os.unlink(altered)


def _submitted_once(net, path):
    key = os.path.join(net.dir, "reporter.key")
    with open(os.open(key, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as f:
        f.write(REPORTER_KEY)
    bond = int(net.l1.call("bond()(uint128)").split()[0])
    submit = ["--submit", "--l1", net.l1.url, "--registry", net.l1.contract, "--key", key, path]
    assert "reported: contract" in _verify(*submit)
    assert int(net.l1.call("bond()(uint128)").split()[0]) == bond - ETHER
    assert int(net.l1.call("owed(address)(uint256)", REPORTER).split()[0]) == ETHER // 10
    assert "AlreadyProven" in _verify(*submit, code=1)
    _verify("--submit", path, code=2)
