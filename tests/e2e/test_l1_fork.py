# SPDX-License-Identifier: Apache-2.0
"""An enclave is forked: the same sealed key and checkpoints run twice, each under a real host of its own, from the
same batch on. Both seal, a node that hears both has the proof, and the contract takes it.

The operator pauses and stops its host between two batches and copies what lies on the disk: the host's store, and
the data directory of the active enclave. The enclave itself is not touched: it goes on in its boot, with the first
host, and nothing in its record shows the copy. The copy is another boot, which the second host feeds from its store
up to the same head and activates there. No rule is broken by either of them alone."""

import json
import os
import shutil
import tempfile

import checks
import keccak
from l1 import ETHER, GOVERNANCE, REPORTER, REPORTER_KEY, Anvil, calldata
from network import ROOT, Network, free_port, program, rpc


class Fork:
    """The copy of an enclave, and a second host with a copy of the first one's store."""

    def __init__(self, net, enclave):
        self.net = net
        self.port = free_port()
        shutil.copytree(os.path.join(net.dir, f"e{enclave}"), os.path.join(net.dir, "fork"))
        shutil.copytree(net.host_data, os.path.join(net.dir, "host2"))
        net._add("fork", net._enclave_argv("fork"), False)
        net._add("host2", [program("tenseq-host"), "--config", net.config("host2", {
            "data-dir": os.path.join(net.dir, "host2"),
            "genesis": net.genesis,
            "rpc-listen": f"127.0.0.1:{self.port}",
            "enclaves": [f"unix:{net.socket('fork')}"],
            **net.l1_config,
        })], False)

    def start(self):
        self.net["fork"].start()
        self.net["host2"].start()

    def rpc(self, method, *params):
        return rpc(self.port, method, *params)

    def head(self):
        return int(self.rpc("eth_blockNumber"), 16)


def _line(net, node, number):
    return net.node_rpc(node, "ten_getBatch", number)


def _fork(net, active):
    """The host stops, its enclave is copied, and both lines go on; the fork, and the last batch before."""
    net.cli("pause")
    net.until("it is paused", lambda: net.status()["state"] == "paused")
    assert net.host.stop() == 0
    fork = Fork(net, active)
    fork.start()
    net.host.start()
    net.until("both hosts have their enclaves",
              lambda: net.role(active) in ("active", "passive") and
              fork.rpc("sequencer_status")["enclaves"][0]["role"] == "passive", 20)
    head = net.head()
    assert fork.head() == head, "both stand at the same batch"
    assert fork.rpc("sequencer_status")["enclaves"][0]["id"] == net.ids[active]
    assert checks.started(net, active) == 1, "the record shows no copy"

    # Both go on. Each chain is valid; a node that follows one of them sees nothing wrong with it.
    net.cli("resume")
    net.run([net.tenseq, "resume", "--rpc", f"http://127.0.0.1:{fork.port}"])
    net.wait_head(head + 5)
    net.until("the fork seals too", lambda: fork.head() >= head + 5, 20)
    return fork, head


def _proof(net, lines):
    """A node that hears both lines has the proof; the exported file."""
    net.add_node(peers=[f"ws://127.0.0.1:{net.node_ports[n]}/feed" for n in lines], start=True)
    third = len(net.node_ports) - 1
    net.until("it finds the equivocation", lambda: any(
        f["name"] == "equivocation" for f in net.node_rpc(third, "ten_findings")["findings"]), 30)
    url = f"http://127.0.0.1:{net.node_ports[third]}"
    proofs = os.path.join(net.dir, "proofs")
    net.run([net.tenseq, "audit", "--rpc", url, "--severity", "proof", "--export", proofs])
    return os.path.join(proofs, next(n for n in os.listdir(proofs) if "equivocation" in n))


def test_equivocation_of_a_forked_enclave_is_proven_on_l1():
    with Network(l1=True, enclaves=3, nodes=1) as net:
        net.wait_more(10)
        active = net.active()
        fork, head = _fork(net, active)
        other = net.add_node(peers=[f"ws://127.0.0.1:{fork.port}/feed"], start=True)
        net.wait_node(other, head + 5, 30)
        one, two = _line(net, 0, head + 1), _line(net, other, head + 1)
        assert one["hash"] != two["hash"] and one["header"]["parentHash"] == two["header"]["parentHash"]
        assert one["number"] == two["number"] == head + 1
        assert two["header"]["producer"] == net.ids[active]
        boots = [{e["event"]["bootId"] for e in net.lifecycle(active, n)} for n in (0, other)]
        assert len(boots[0]) == 1 and len(boots[1]) == 2, "the fork is a boot of its own, on its line alone"
        for node in (0, other):
            assert not [f for f in net.node_rpc(node, "ten_findings")["findings"] if f["severity"] == "proof"]

        # Anyone checks the proof, and takes it to the contract.
        file = _proof(net, (0, other))
        key = os.path.join(net.dir, "reporter.key")
        with open(os.open(key, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write(REPORTER_KEY + "\n")
        bond = int(net.l1.call("bond()(uint128)").split()[0])
        before = net.l1.number()
        said = net.run([net.tenseq, "verify", file])
        assert "equivocation" in said, said
        said = net.run([net.tenseq, "verify", file, "--l1", net.l1.url, "--submit", "--key", key])
        assert "reported" in said, said
        proven = "0x" + keccak.keccak256(
            b"EquivocationProven(uint64,address,address,bytes32,bytes32,address)").hex()
        logs = net.l1.rpc("eth_getLogs", {"address": net.l1.contract, "fromBlock": hex(before), "topics": [proven]})
        assert len(logs) == 1, logs
        assert int(logs[0]["topics"][1], 16) == head + 1
        assert all(side["hash"][2:] in logs[0]["data"] for side in (one, two))
        assert net.ids[active][2:].lower() in json.dumps(logs[0]).lower()
        assert int(net.l1.call("bond()(uint128)").split()[0]) == bond - ETHER
        assert int(net.l1.call("owed(address)(uint256)", REPORTER).split()[0]) == ETHER // 10
        # Once: the same proof again is refused.
        assert "AlreadyProven" in net.run(
            [net.tenseq, "verify", file, "--l1", net.l1.url, "--submit", "--key", key], code=1)


def _replace_all(net, new):
    """Governance lists the spare and revokes all others, in one L1 block."""
    net.cli("register", net.ids[new])
    net.until("it is registered", lambda: net.l1.call("isAttested(address)(bool)", net.ids[new]) == "true")
    net.l1.rpc("evm_setIntervalMining", 0)
    made = [net.l1.submit(GOVERNANCE, net.l1.contract, calldata(f"{word}SequencerEnclave(address)", net.ids[i]))
            for word, i in [("grant", new), *(("revoke", i) for i in range(new))]]
    net.l1.mine()
    net.l1.rpc("evm_setIntervalMining", 1)
    blocks = {net.l1.mined(tx)["blockNumber"] for tx in made}
    assert len(blocks) == 1, blocks


def test_a_list_that_is_all_new_is_proven_with_l1():
    """The batch that announces it is sealed by whom it lists: only L1 tells that he was listed."""
    with Network(l1=True, enclaves=2, spares=1, nodes=1) as net:
        _replace_all(net, 2)
        net.until("the spare is active", lambda: net.role(2) == "active", 20)
        net.wait_more(5)
        net.wait_node(0, net.head())
        assert any(n["type"] == 1 and net.ids[2] in n["added"] for b in net.batches(0)
                   if b["header"]["producer"] == net.ids[2] for n in b["protocolPayload"]["notices"])
        fork, head = _fork(net, 2)
        other = net.add_node(peers=[f"ws://127.0.0.1:{fork.port}/feed"], start=True)
        net.wait_node(other, head + 5, 30)
        file = _proof(net, (0, other))
        said = net.run([net.tenseq, "verify", file])
        assert "proven if L1 says so" in said and "by which he was listed himself" in said, said
        script = os.path.join(ROOT, "verify", "equivocation.mjs")
        assert "L1 was not asked" in net.run(["node", script, file])
        said = net.run([net.tenseq, "verify", file, "--l1", net.l1.url])
        assert "L1 was asked, and says so too" in said, said
        with tempfile.TemporaryDirectory(prefix="tseq-") as directory, Anvil(directory) as elsewhere:
            elsewhere.mine(net.l1.number())
            said = net.run([net.tenseq, "verify", file, "--l1", elsewhere.url], code=1)
            assert "lists its own producer: on L1 the block that it names is another one" in said, said
