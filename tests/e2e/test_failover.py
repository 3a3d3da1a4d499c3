# SPDX-License-Identifier: Apache-2.0
"""Enclaves that crash, freeze and come back."""

import os
import signal

import checks
from network import ETHER, Network


def test_transfer_by_cast():
    with Network() as net:
        a, b = net.accounts[0], net.accounts[1]["address"]
        before = net.balance(b)
        receipt = net.cast("send", "--private-key", a["key"], b, "--value", "1ether", "--json")
        import json

        receipt = json.loads(receipt)
        assert receipt["status"] == "0x1"
        net.wait_node(0, int(receipt["blockNumber"], 16))
        net.until("the balance at the node",
                  lambda: net.balance(b, net.node_ports[0]) == before + ETHER)
        assert net.balance(b) == before + ETHER
        at_node = json.loads(net.cast("receipt", receipt["transactionHash"], "--json",
                                      port=net.node_ports[0]))
        assert at_node["blockHash"] == receipt["blockHash"]
        # Sent to the node it reaches the host, and the node says so only then.
        net.cast("send", "--private-key", a["key"], b, "--value", "2ether", port=net.node_ports[0])
        net.until("the second transfer", lambda: net.balance(b) == before + 3 * ETHER)
        checks.all_is_well(net, [receipt["transactionHash"]])


def test_kill_active_ten_times_under_load():
    with Network(interval="100ms", nodes=2) as net:
        hit, result = [0, 0, 0], None
        with net.load(3000, 200) as result:
            for _ in range(10):
                active = net.active()
                hit[active] += 1
                head = net.head()
                net[f"e{active}"].kill()
                net.until("a batch by another enclave",
                          lambda: net.head() >= head + 2 and net.active() != active, 10)
                net.until("the killed one is back", lambda: net[f"e{active}"].alive(), 10)
                net.wait_passive(active)
        assert min(hit) >= 2, f"each enclave must be hit: {hit}"
        checks.all_is_well(net, result["hashes"])
        for i in range(3):
            joined = checks.joined(net, i)
            assert joined >= 1 + hit[i]
            net.until("every restart on record", lambda: checks.started(net, i) == joined, 10)


def test_freeze_active_and_thaw():
    with Network(interval="100ms") as net:
        with net.load(600, 100) as result:
            active = net.active()
            pid = net[f"e{active}"].popen.pid
            terms = len(checks.activations(net, active))
            os.kill(pid, signal.SIGSTOP)
            net.until("another takes over", lambda: net.active() != active, 10)
            net.wait_more(5)
            os.kill(pid, signal.SIGCONT)
            net.wait_passive(active)
            net.wait_more(5)
        assert len(checks.activations(net, active)) == terms
        checks.all_is_well(net, result["hashes"])


def test_freeze_passive():
    with Network(interval="100ms") as net:
        active = net.active()
        passive = (active + 1) % 3
        pid = net[f"e{passive}"].popen.pid
        os.kill(pid, signal.SIGSTOP)
        net.wait_more(20)
        assert net.active() == active, "a frozen spare is no reason to switch"
        os.kill(pid, signal.SIGCONT)
        net.wait_passive(passive)
        checks.all_is_well(net)
        assert checks.started(net, passive) == 1, "it needs no restart: its head is on the chain"


def test_kill_host_under_load():
    with Network(interval="100ms") as net:
        with net.load(1500, 200) as result:
            for _ in range(4):
                net.pass_time(1)
                net.host.kill()
                net.pass_time(0.2)
                net.host.start()
                net.until("the host is back", lambda: net.rpc("web3_clientVersion"))
                net.wait_more(3)
        checks.all_is_well(net, result["hashes"])
        for i in range(3):
            assert checks.started(net, i) == 1, "a crash of the host restarts no enclave"


def test_kill_everything():
    with Network(nodes=2) as net:
        with net.load(200, 200) as result:
            pass
        net.restart = False
        for p in net.processes.values():
            p.restart, keep = False, p.restart
            p.kill()
            p.restart = keep
        head = None
        for p in net.processes.values():
            p.start()
        net.until("the host is back", lambda: net.rpc("web3_clientVersion"))
        head = net.head()
        net.wait_head(head + 3)
        checks.all_is_well(net, result["hashes"])


def test_stop_send_start_in_turn():
    with Network() as net:
        hashes = []
        for i in (0, 1):
            e = net[f"e{i}"]
            e.restart = False
            e.stop()
            with net.load(20, 100) as result:
                pass
            hashes += result["hashes"]
            e.restart = True
            e.start()
            net.wait_passive(i)
            with net.load(20, 100) as result:
                pass
            hashes += result["hashes"]
        checks.all_is_well(net, hashes)


def test_enclave_ends_cleanly_after_a_switch():
    with Network() as net:
        active = net.active()
        e = net[f"e{active}"]
        e.restart = False
        assert e.stop() == 0
        net.until("another is active", lambda: net.active() != active)
        last = checks.activations(net, net.active())[-1]
        assert any(ev["event"]["kind"] == 3 for ev in net.lifecycle(active)), \
            "a clean end publishes Passive first"
        assert last["term"] > 1
        checks.all_is_well(net)


def test_all_down_then_one_back():
    with Network() as net:
        for i in range(3):
            net[f"e{i}"].restart = False
            net[f"e{i}"].kill()
        net.until("the host says so", lambda: net.status()["state"] == "no-candidate")
        head = net.head()
        net.pass_time(1)
        assert net.head() == head
        net["e1"].start()
        net.wait_head(head + 3)
        assert net.active() == 1
        for i in (0, 2):
            net[f"e{i}"].start()
            net.wait_passive(i)
        checks.all_is_well(net)
