# SPDX-License-Identifier: Apache-2.0
"""An L1 that is away, and one that goes back."""

import os
import time

import checks
from feed import Feed
from network import SLOW, Network

AWAY = float(os.environ.get("E2E_L1_AWAY", "15"))  # seconds; make bench takes 60


def reference(batch):
    return batch["header"]["l1Number"], batch["header"]["l1Hash"]


def newest(net, node=0):
    return net.node_rpc(node, "ten_getBatch", "latest")


def away_under_load(net, seconds):
    """Kills L1 for so long while 40 transactions a second come; what became of them, and figures."""
    feed = Feed(net.host_port, bytes.fromhex(net.node_rpc(0, "ten_health")["genesis"][2:]))
    net.wait_more(5)
    with net.load(int(seconds * 40), 40) as result:
        net.l1.end()
        net.until("the host says so", lambda: "l1-down" in net.host.log(), 20)
        net.until("the node says so", lambda: "l1-down" in net["n0"].log(), 20)
        for port in (net.host_port, net.node_ports[0]):  # the state alone would not tell: batches go on
            said = net.run([net.tenseq, "status", "--rpc", f"http://127.0.0.1:{port}"])
            assert f"L1 at {net.l1.url} is not followed: " in said, said
        before, start = newest(net), time.monotonic()
        net.pass_time(seconds)
        after, away = newest(net), time.monotonic() - start
        made = after["header"]["number"] - before["header"]["number"]
        assert reference(after) == reference(before), "nobody can know a newer one"
        net.l1.start()
        back = time.monotonic()
        net.until("a newer block is named", lambda: newest(net)["header"]["l1Number"] >
                  after["header"]["l1Number"], 30)
        back = time.monotonic() - back
    times = [b[0] for b in feed.batches if b]
    feed.close()
    gaps = [b - a for a, b in zip(times, times[1:])]
    return result, {"away_s": round(away, 1), "batches": made, "of_due": round(made * 0.2 / away, 3),
                    "longest_ms": round(max(gaps) * 1000, 1), "named_again_s": round(back, 2),
                    "transactions": len(result["hashes"])}


def test_l1_is_away_under_load():
    """Batches go on with the reference they have; when L1 is back they name newer blocks."""
    with Network(l1=True, nodes=2) as net:
        result, f = away_under_load(net, AWAY)
        print(f"note: L1 away for {AWAY:.0f} s under load: {f['batches']} batches meanwhile, the longest time between "
              f"two was {f['longest_ms']:.0f} ms at an interval of 200 ms")
        assert f["of_due"] > 0.8 / SLOW, f
        assert f["longest_ms"] < (200 + 1000) * SLOW
        assert net.host.log().count("l1-up") == 2, "it is told when it comes back"
        # What was decided meanwhile, or right after, holds.
        passive = (net.active() + 1) % 3
        net.l1.revoke(net.ids[passive])
        net.until("the list is in force",
                  lambda: net.role(passive) == "validating", 15)
        checks.chain_is_one(net)
        checks.acknowledged_are_in_one_batch(net, result["hashes"])
        checks.findings(net)


def test_reorg_within_the_confirmations():
    """Nobody sees it: no batch has named a block that is gone."""
    with Network(l1=True, nodes=1, confirmations=4) as net:
        first = net.until("a block later than the genesis'", lambda: newest(net)["header"]["l1Number"] > 4
                          and newest(net), 20)
        tip = net.l1.block(net.l1.number())
        net.l1.rpc("anvil_reorg", 2, [])
        assert net.l1.block(int(tip["number"], 16))["hash"] != tip["hash"], "it was a reorg"
        net.until("a block above the reorg is named", lambda: newest(net)["header"]["l1Number"] >
                  int(tip["number"], 16), 30)
        for name in ("host", "n0"):
            told = [line for line in net[name].log().splitlines() if " l1-reorg " in line]
            assert told and all(" info " in line and "state=followed" in line for line in told), told
        assert net.status()["state"] == "producing"
        assert net.node_rpc(0, "ten_health")["state"] == "following"
        batches = checks.all_is_well(net)
        assert batches[-1]["header"]["l1Number"] > first["header"]["l1Number"]
        for number, block in {reference(b) for b in batches}:
            assert net.l1.block(number)["hash"] == block, f"block {number} is not on L1"


def _alarm(net, name):
    """The program's own; that its follower is over is a line of its own, which may come first."""
    return next((line for line in net[name].log().splitlines() if " error " in line and " l1-reorg " in line and
                 "went back behind its confirmations" in line), None)


def test_reorg_beyond_the_confirmations():
    """An alarm and a stop at the host and at nodes, with a sentence; nobody goes on on another line."""
    with Network(l1=True, nodes=2) as net:
        net.until("some blocks", lambda: newest(net)["header"]["l1Number"] > 5, 20)
        net.l1.rpc("anvil_reorg", 3, [])
        for name in ("host", "n0", "n1"):
            net.until(f"the alarm of {name}", lambda: _alarm(net, name), 20)
        said = _alarm(net, "host")
        assert "production=stopped" in said and "remedy=" in said, said
        net.until("production stands", lambda: net.status()["state"] != "producing", 10)
        head = net.head()
        heads = [net.node_head(i) for i in range(2)]
        net.pass_time(3)
        assert net.head() == head, "no batch on another line"
        assert [net.node_head(i) for i in range(2)] == heads
        for i in range(2):
            assert net.node_rpc(i, "ten_health")["state"] == "l1-reorg"
        # Nor after a restart: until L1 answers the next batch may name the block that the chain names, no other one.
        net.host.kill()
        net.host.start()
        net.until("the host is back", lambda: net.rpc("web3_clientVersion"))
        net.until("the alarm again", lambda: net.host.log().count("production=stopped") == 2, 20)
        net.pass_time(1)
        stood = net.head()
        net.pass_time(4)
        assert net.head() == stood <= head + 2, "a restart is no way around it"
        assert net.status()["state"] != "producing"
        last = net.rpc("ten_getBatch", "latest")
        assert reference(last) == reference(net.rpc("ten_getBatch", head)), "nothing of the other line"
        assert net.l1.block(last["header"]["l1Number"])["hash"] != last["header"]["l1Hash"]
        assert [net.node_head(i) for i in range(2)] == heads, "no node takes it"
        # A node that starts now does not take what names a block that is gone either.
        late = net.add_node(start=True)
        net.pass_time(5)
        assert net.node_head(late) < head
