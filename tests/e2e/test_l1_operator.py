# SPDX-License-Identifier: Apache-2.0
"""Enclaves that are corrupted or out of control, and the contract that answers to it."""

import json
import subprocess
import time

import checks
import keccak
from l1 import ETHER, GOVERNANCE_KEY, HEADER, REPORTER, REPORTER_KEY, header_of, header_tuple, protocol_root, seal
from liar import Liar
from network import SLOW, Network, cast_path, program
from test_l1_whitelist import announcing

SEALED = f"({HEADER},bytes32,bytes)"


class LyingNetwork(Network):
    """Enclave 0, and the last one, are reached through a man in the middle."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.liar, self.last_liar = self._between(0), self._between(len(self.ids) - 1)
        self.liars = [self.ids[0]]

    def _between(self, i):
        path = self.socket(f"m{i}")
        self.links[i] = f"unix:{path}"
        return Liar(path, self.socket(f"e{i}"))

    def close(self):
        self.liar.close()
        self.last_liar.close()
        super().close()


def _corrupt(net):
    net.until("enclave 0 is ready", lambda: net.role(0) in ("active", "passive"))
    if net.active() != 0:
        net.cli("switchover", "--to", net.ids[0])
    net.liar.mode = "signature"
    net.until("it is marked", lambda: net.enclave_status(0)["corrupted"], 15)
    net.liar.mode = None


def _open_requests(net):
    return net.l1.call("openReplacements()((uint256,address,address,string)[])")


def _approved_and_replaced(net, new):
    """Governance approves the first request; then the old one is out and the new one in."""
    assert net.ids[0].lower() in _open_requests(net).lower()
    net.l1.act("approveReplacement(uint256)", "1")
    batch = net.until("the list is announced", lambda: announcing(net, "added", net.ids[new]), 15)
    assert announcing(net, "removed", net.ids[0])["hash"] == batch["hash"], "one transaction, one notice"
    net.wait_passive(new)
    net.wait_more(3)
    assert net.role(0) in ("absent", "validating")
    net.cli("switchover", "--to", net.ids[0], code=1)
    net.cli("switchover", "--to", net.ids[new])
    net.wait_more(3)
    batches = checks.chain_is_one(net)
    since = batch["header"]["number"]
    for b in batches[since - 1:]:
        named = [r["enclaveId"] for r in b["protocolPayload"]["reports"]] + b["protocolPayload"]["absent"]
        assert sorted(named) == sorted(net.ids[1:]), "the new one is accounted for, the old one is not"
    assert batches[-1]["header"]["producer"] == net.ids[new]
    letters = dict(zip(sorted(net.ids[:3]), "ABC")) | {net.ids[3]: "D"}  # the genesis' list, then who came
    for port in [net.host_port, *net.node_ports]:
        seen = json.loads(net.run([net.tenseq, "watch", "--once", "--rpc", f"http://127.0.0.1:{port}"]))["enclaves"]
        assert {e["id"]: e["letter"] for e in seen} == letters, seen
        assert [e["id"] for e in seen if e["state"] == "revoked"] == [net.ids[0]], seen
    checks.findings(net)


def test_replacement_asked_for_by_the_operator():
    with LyingNetwork(l1=True, enclaves=3, spares=1) as net:
        _corrupt(net)
        said = net.cli("replace", net.ids[0], "--with", net.ids[3], "--reason", "its seals are not its own")
        assert "0x" in said and "asked for on L1" in said, said
        done = subprocess.run([net.tenseq, "replace", net.ids[0], "--with", net.ids[3], "--rpc",
                               f"http://127.0.0.1:{net.host_port}", "--reason", "its seals are not its own"],
                              capture_output=True, text=True, timeout=30)
        assert "under way already" in done.stdout + done.stderr, done
        net.until("the request is on L1", lambda: "its seals are not its own" in _open_requests(net))
        again = net.cli("replace", net.ids[0], "--with", net.ids[3], "--reason", "again", code=1)
        assert "under way already" in again or "on its way to L1 already" in again, again
        _approved_and_replaced(net, 3)


def test_replacement_asked_for_by_the_host():
    with LyingNetwork(l1=True, enclaves=3, spares=1, host={"auto-replace": "true"}) as net:
        _corrupt(net)
        net.until("the request is on L1", lambda: net.ids[0].lower() in _open_requests(net).lower())
        _approved_and_replaced(net, 3)


def test_replacement_by_who_cannot_prove_its_name():
    """The host asks for nobody who has not signed for itself: anybody could be named. Later it asks again."""
    with LyingNetwork(l1=True, enclaves=3, spares=1, host={"auto-replace": "true"}) as net:
        net.last_liar.mode = "registration"
        _corrupt(net)
        net.until("it does not sign for itself", lambda: net.last_liar.lies >= 1, 15)
        net.until("nobody is asked for", lambda: "replacement-failed" in net.host.log(), 15)
        net.wait_more(5)
        assert net.ids[0].lower() not in _open_requests(net).lower()


def test_replacement_asked_for_after_a_restart():
    """The host dies with the mark on its disk and before anybody could be asked for."""
    with LyingNetwork(l1=True, enclaves=3, spares=1, host={"auto-replace": "true"}) as net:
        net["e3"].restart = False
        net["e3"].kill()
        net.until("nobody could take its place",
                  lambda: net.role(3) not in ("active", "passive", "validating"))
        _corrupt(net)
        net.wait_more(3)  # the mark is on the disk
        net.host.kill()
        net["e3"].restart = True
        net["e3"].start()
        net.host.start()
        net.until("the request is on L1", lambda: net.ids[0].lower() in _open_requests(net).lower(), 30)
        net.until("the host knows", lambda: "replacement-requested" in net.host.log())
        net.host.kill()
        net.host.start()
        net.until("the host is back", lambda: net.status()["state"] == "producing", 20)
        net.wait_more(3)
        assert net.host.log().count("replacement-failed") == 0
        assert net.host.log().count("replacement-requested") == 1, "what is asked for is not asked for again"
        _approved_and_replaced(net, 3)


def test_replacement_while_l1_is_away():
    with LyingNetwork(l1=True, enclaves=3, spares=1) as net:
        _corrupt(net)
        net.l1.end()
        ask = ("replace", net.ids[0], "--with", net.ids[3], "--reason", "while L1 is away")
        start = time.monotonic()
        said = net.cli(*ask, code=1)
        assert time.monotonic() - start < 8 * SLOW, "it does not wait for L1"
        assert "It goes on and is brought there when L1 answers" in said, said
        other = net.cli(*ask[:-1], "for another reason", code=1)
        assert "already" in other, other
        net.l1.start()
        assert "0x" in net.cli(*ask), "asked again it is the same request that is waited for"
        net.until("it is on L1", lambda: "while L1 is away" in _open_requests(net))
        assert _open_requests(net).lower().count(net.ids[0].lower()) == 1
        _approved_and_replaced(net, 3)


def test_replacement_by_calldata():
    """What tenseq replace --calldata prints, sent by the accounts that a multisig would be."""
    with Network(l1=True, enclaves=3, spares=1) as net:
        done = subprocess.run([program("tenseq"), "replace", net.ids[0], "--with", net.ids[3], "--reason",
                               "by hand", "--calldata", "--genesis", net.genesis, "--json"],
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        net.register(3)
        for t in json.loads(done.stdout)["governance"]:
            net.l1.send(t["to"], t["data"], "--value", t["value"], key=GOVERNANCE_KEY)
        net.until("the old one is out", lambda: announcing(net, "removed", net.ids[0]), 15)
        assert announcing(net, "added", net.ids[3])
        net.wait_passive(3)
        checks.chain_is_one(net)
        checks.findings(net)


def test_equivocation_is_proven_on_l1():
    """Two seals by one enclave on one parent: anyone proves it, and the bond is cut."""
    with Network(l1=True) as net:
        net.wait_more(4)
        batches = checks.chain_is_one(net)
        batch = batches[-1]
        one = header_of(batch)
        other = list(one)
        other[2] = (int.from_bytes(one[2], "big") + 1).to_bytes(8, "big").lstrip(b"\\0")  # a moment later
        producer = net.ids.index(batch["header"]["producer"])
        root = protocol_root(batches)
        their_seal = "0x" + bytes.fromhex(batch["raw"][2:])[-65:].hex()
        hash_, forged = seal(net.l1, other, root, net.enclave_key(producer))
        assert hash_ != batch["hash"]
        bond = int(net.l1.call("bond()(uint128)").split()[0])
        sides = [f"({header_tuple(one)},{root},{their_seal})", f"({header_tuple(other)},{root},{forged})"]
        signature = f"reportEquivocation({SEALED},{SEALED})"
        # The same seal twice is none.
        same = subprocess.run([cast_path(), "call", "--rpc-url", net.l1.url, net.l1.contract, signature,
                               sides[0], sides[0]], capture_output=True, text=True)
        same_seal = subprocess.run([cast_path(), "sig", "SameSeal()"], capture_output=True,
                                   text=True).stdout.strip()
        assert same.returncode != 0 and same_seal in same.stderr, same
        receipt = net.l1.act(signature, *sides, key=REPORTER_KEY)
        gas = int(receipt["gasUsed"], 16)
        print(f"note: an equivocation proven on L1 for {gas} gas")
        assert gas < 150_000
        proven = "0x" + keccak.keccak256(
            b"EquivocationProven(uint64,address,address,bytes32,bytes32,address)").hex()
        log = next(entry for entry in receipt["logs"] if entry["topics"][0] == proven)
        assert int(log["topics"][1], 16) == batch["header"]["number"]
        for h in (batch["hash"], hash_):
            assert h[2:] in log["data"]
        assert int(net.l1.call("bond()(uint128)").split()[0]) == bond - ETHER
        assert int(net.l1.call("owed(address)(uint256)", REPORTER).split()[0]) == ETHER // 10
        checks.all_is_well(net)
