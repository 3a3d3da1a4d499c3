# SPDX-License-Identifier: Apache-2.0
"""Nodes: late ones, cut off ones, chains of nodes."""

import checks
from network import Network
from proxy import Proxy


def test_late_node():
    with Network(interval="50ms", nodes=1) as net:
        with net.load(200, 200) as result:
            pass
        net.wait_head(60)
        late = net.add_node(start=True)
        net.wait_node(late, net.head(), 30)
        checks.all_is_well(net, result["hashes"])


def test_node_behind_node():
    with Network(nodes=1) as net:
        second = net.add_node(peers=[f"ws://127.0.0.1:{net.node_ports[0]}/feed"], start=True)
        net.wait_node(second, net.head(), 30)
        net.wait_more(3)
        # A transaction given to the far node goes hop by hop to the host.
        a = net.accounts[2]
        net.cast("send", "--private-key", a["key"], net.accounts[3]["address"], "--value", "5",
                 port=net.node_ports[second])
        checks.all_is_well(net)


def test_node_cut_off_from_its_peer():
    with Network(nodes=1, interval="100ms") as net:
        wire = Proxy(net.host_port)
        try:
            far = net.add_node(peers=[f"ws://127.0.0.1:{wire.port}/feed"], start=True)
            net.wait_node(far, 3)
            wire.cut()
            net.pass_time(0.3)
            at = net.node_head(far)
            net.wait_more(15)
            assert net.node_head(far) <= at + 1, "it is cut off"
            assert net[f"n{far}"].alive()
            wire.join()
            net.wait_node(far, net.head(), 30)
            checks.all_is_well(net)
        finally:
            wire.close()


def test_node_killed_and_back():
    with Network(nodes=2) as net:
        node = net["n1"]
        net.wait_node(1, 3)
        node.kill()
        net.wait_more(10)
        node.start()
        net.wait_node(1, net.head(), 30)
        checks.all_is_well(net)


def test_node_outlives_host():
    with Network(nodes=1) as net:
        net.host.kill()
        head = net.node_head(0)
        assert net.node_rpc(0, "ten_getBatch", head)["header"]["number"] == head
        net.host.start()
        net.wait_node(0, head + 3, 30)
        checks.all_is_well(net)


def test_node_stops_cleanly():
    with Network(nodes=1) as net:
        assert net["n0"].stop() == 0
        net["n0"].start()
        net.wait_node(0, net.head(), 30)
        assert net["v0"].stop() == 0
        checks.all_is_well(net)


def test_health_and_registry():
    with Network(nodes=1) as net:
        net.wait_node(0, 3)
        registry = net.node_rpc(0, "ten_registry")
        assert {e["id"] for e in registry["enclaves"]} == set(net.ids)
        assert net.node_rpc(0, "ten_health")
        raw = net.node_rpc(0, "ten_getBatch", 2)["raw"]
        assert raw == net.rpc("ten_getBatch", 2)["raw"]
