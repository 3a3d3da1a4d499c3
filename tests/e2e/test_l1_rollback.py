# SPDX-License-Identifier: Apache-2.0
"""A listed enclave's key in wrong hands publishes a rollup of batches that nobody has, so that nothing can come
behind it; governance takes it back, and all go on."""

import os
import re
import signal
import subprocess

import checks
from l1 import REPORTER_KEY
from network import Network, cast_path, sign
from test_l1_rebuild import compare, published, rebuild

ROLLUP = "(uint64,uint64,bytes32,bytes32,bytes32,uint64,bytes32,bytes32)"
PUBLISH = f"publishRollup({ROLLUP},bytes,bytes)"
BACK = f"rollBackRollups({ROLLUP},{ROLLUP}[])"
NONE = "(0,0,0x" + ",0x".join(["0" * 64] * 3) + ",0,0x" + ",0x".join(["0" * 64] * 2) + ")"


def _made_up(net, key, count):
    """The next rollup, of so many batches that are not there; None: another was faster."""
    l1 = net.l1
    first = published(net) + 1
    block = l1.block(l1.number())
    rollup = (f"({first},{first + count - 1},{l1.call('lastHash()(bytes32)')},0x{'bd' * 32},0x{'be' * 32},"
              f"{int(block['number'], 16)},{block['hash']},{net.run([cast_path(), 'keccak', '0x1234']).strip()})")
    signature = sign(l1.call(f"rollupDigest({ROLLUP})(bytes32)", rollup), key)
    done = subprocess.run([cast_path(), "send", "--rpc-url", l1.url, "--private-key", REPORTER_KEY, l1.contract,
                           PUBLISH, rollup, signature, "0x1234"], capture_output=True, text=True, timeout=60)
    if count > 16384:
        selector = net.run([cast_path(), "sig", "RangeTooLong(uint64,uint64)"]).strip()
        assert done.returncode != 0 and (selector in done.stderr or "NotNext" in done.stderr), done
    taken = done.returncode == 0 and l1.call("lastHash()(bytes32)") == "0x" + "bd" * 32
    return rollup if taken else None


def _tuple(rollup):
    """One of ten_rollups, as cast takes it."""
    return "(" + ",".join(str(rollup[k]) for k in (
        "firstNumber", "lastNumber", "firstParentHash", "lastHash", "protocolRoot", "l1Number", "l1Hash",
        "dataHash")) + ")"


def _as_published(net, first):
    """The rollup out of its transaction, as docs/contracts.md says."""
    log = net.l1.rpc("eth_getLogs", {"address": net.l1.contract, "fromBlock": "0x0", "topics": [
        net.run([cast_path(), "keccak", "RollupPublished(uint64,uint64,bytes32,bytes32,bytes32,uint64,address,bytes)"])
        .strip(), f"0x{first:064x}"]})[-1]
    text = net.run([cast_path(), "decode-calldata", PUBLISH, net.l1.cast("tx", log["transactionHash"], "input")])
    return re.sub(r" \[[^]]*\]", "", text.splitlines()[0])


def _take_back(net, kept, dropped):
    net.l1.act("pause()")
    net.l1.act(BACK, kept, "[" + ",".join(dropped) + "]")
    net.l1.act("unpause()")


def _finality(net, number):
    return net.node_rpc(0, "ten_finality", hex(number))


def test_a_made_up_rollup_is_taken_back():
    with Network(l1=True, enclaves=3, nodes=1, host={"rollup-batches": 15, "rollup-every": "3s"}) as net:
        net.until("rollups", lambda: len(net.node_rpc(0, "ten_rollups")) >= 2, 30)
        key = net.enclave_key(2)
        assert _made_up(net, key, 2**64 - 1 - published(net)) is None
        assert published(net) < 2**32
        bad = net.until("it is on L1", lambda: _made_up(net, key, 5), 30)
        last = published(net)
        old = os.path.join(net.dir, "old")

        # Host, node and rebuild each see that it is none of this chain.
        net.until("the host says so", lambda: "rollup-foreign" in net.host.log(), 15)
        net.until("the node says so", lambda: any(
            f["name"] == "rollup-mismatch" for f in net.node_rpc(0, "ten_findings")["findings"]), 30)
        net.wait_more(20)
        assert published(net) == last and _finality(net, last) == "soft"
        why = rebuild(net, old, code=1)
        assert f"batches {last - 4} to {last}" in why or "rollup" in why, why
        good = [r for r in net.node_rpc(0, "ten_rollups") if r["wrong"] is None]
        assert good[-1]["lastNumber"] == last - 5

        # Evidence of it, which L1 bears out.
        proofs = os.path.join(net.dir, "proofs")
        net.run([net.tenseq, "audit", "--rpc", f"http://127.0.0.1:{net.node_ports[0]}", "--severity", "proof",
                 "--export", proofs])
        proof = os.path.join(proofs, next(f for f in os.listdir(proofs) if f.startswith("rollup-mismatch")))
        verify = [net.tenseq, "verify", "--l1", net.l1.url, proof]
        assert "L1 was asked, and says so too" in net.run(verify)

        # Taken back; the host publishes what it has, and the node finds it right.
        dropped = _as_published(net, last - 4)
        assert dropped.replace(" ", "") == bad
        _take_back(net, _as_published(net, good[-1]["firstNumber"]), [dropped])
        said = net.run(verify, code=1)
        assert re.search(f"governance took those of batches {last - 4} to {last} back in L1 block [0-9]+", said), said
        net.until("the host goes on", lambda: published(net) > last, 30)
        log = net.host.log()
        assert "rollups-rolled-back" in log and "enclave-corrupted" not in log
        at = published(net)
        net.until("the node finds it right", lambda: _finality(net, at) != "soft", 20)
        assert "rollups-rolled-back" in net["n0"].log()
        rollups = net.node_rpc(0, "ten_rollups")
        assert all(r["wrong"] is None for r in rollups)
        assert [r["firstNumber"] for r in rollups[1:]] == [r["lastNumber"] + 1 for r in rollups[:-1]]

        # The chain from L1: without it; also for the run that stood before it.
        said = rebuild(net, old)
        assert said["last"]["number"] >= at
        compare(net, old, said["last"]["number"])

        # Both from what they have kept, and a node from nothing.
        net["n0"].kill(signal.SIGTERM)
        net["n0"].popen.wait(10)
        net["n0"].start()
        net.host.stop()
        net.host.start()
        net.wait_more(20, 30)
        net.until("another rollup", lambda: published(net) > at, 30)
        at = published(net)
        fresh = net.add_node(start=True)
        net.until("the old node finds it right", lambda: _finality(net, at) != "soft", 20)
        net.until("the new one too", lambda: net.node_rpc(fresh, "ten_finality", hex(at)) != "soft", 30)
        assert not net.node_rpc(fresh, "ten_findings")["findings"] or all(
            f["name"] != "rollup-mismatch" for f in net.node_rpc(fresh, "ten_findings")["findings"])

        # A good one is taken back too: what came of it is not gone on with.
        net.l1.act("pause()")
        net.pass_time(3)
        whole = os.path.join(net.dir, "whole")
        rebuild(net, whole)
        rollups = net.until("all that is there", lambda: [
            r for r in [net.node_rpc(0, "ten_rollups")] if r[-1]["lastNumber"] == published(net)], 20)[0]
        net.l1.act(BACK, NONE, "[" + ",".join(map(_tuple, rollups)) + "]")
        assert published(net) == 0
        net.until("all is soft again", lambda: _finality(net, 3) == "soft", 20)
        why = rebuild(net, whole, code=1)
        assert "taken back" in why and "empty directory" in why, why
        net.l1.act("unpause()")
        net.until("from the first batch on", lambda: published(net) >= 15, 40)
        net.until("and found right", lambda: _finality(net, 3) != "soft", 20)
        checks.chain_is_one(net)
