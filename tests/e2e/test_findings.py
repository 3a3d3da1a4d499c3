# SPDX-License-Identifier: Apache-2.0
"""What nodes find: each the same, and of crashes no proof."""

import contextlib
import os
import sqlite3

import checks
from network import Network, RpcError


def of_chain(findings):
    """Those that every node must reach alike: as far as they are over."""
    return [f for f in findings if f["serial"] is not None and f["name"] != "cadence"]


def names(findings):
    return [f["name"] for f in findings]


def test_killed_active_is_found():
    with Network(interval="100ms", nodes=2) as net:
        active = net.active()
        net[f"e{active}"].kill()
        net.until("another is active", lambda: net.active() != active, 10)
        net.until("the killed one is back", lambda: checks.started(net, active) == 2, 20)
        net.wait_passive(active)
        for i in range(2):
            net.until("both findings", lambda: {"unclean-takeover", "restart"} <=
                      set(names(checks.findings(net, i))), 10)
        late = net.add_node(start=True)
        net.wait_node(late, net.head(), 30)
        net.wait_more(5)
        found = [of_chain(checks.findings(net, i)) for i in range(3)]
        for one in found:
            takeover = next(f for f in one if f["name"] == "unclean-takeover")
            restart = next(f for f in one if f["name"] == "restart")
            assert takeover["severity"] == "omission" and takeover["enclave"] == net.ids[active]
            assert restart["severity"] == "pattern" and restart["enclave"] == net.ids[active]
            assert one[:len(found[0])] == found[0][:len(one)], "the nodes find different things"
        assert "finding" in net["n0"].log()
        # The node alone audits; the host says so.
        try:
            net.rpc("ten_findings")
            raise AssertionError("the host answers ten_findings")
        except RpcError as e:
            assert "audits" in e.message, e.message
        checks.all_is_well(net)


def test_findings_outlive_the_node():
    with Network(interval="100ms", nodes=1) as net:
        passive = (net.active() + 1) % 3
        net[f"e{passive}"].kill()
        net.until("its restart is found", lambda: "restart" in names(checks.findings(net)), 20)
        net.wait_passive(passive)
        before = of_chain(checks.findings(net))
        for end in (lambda: net["n0"].stop(), lambda: net["n0"].kill()):
            end()
            net["n0"].start()
            net.until("the node is back", lambda: net.node_rpc(0, "ten_health"))
            assert of_chain(checks.findings(net))[:len(before)] == before
        # A store that was written without an audit is read from the first batch.
        assert net["n0"].stop() == 0
        with contextlib.closing(sqlite3.connect(os.path.join(net.dir, "n0", "node.db"))) as db:
            assert db.execute("DELETE FROM meta WHERE key = 'audit'").rowcount == 1
            db.commit()
        net["n0"].start()
        net.until("the node is back", lambda: net.node_rpc(0, "ten_health"))
        assert of_chain(checks.findings(net))[:len(before)] == before
        proofs = net.node_rpc(0, "ten_findings", 0, "proof")["findings"]
        assert proofs == [], proofs
        checks.all_is_well(net)
