# SPDX-License-Identifier: Apache-2.0
"""A second host, started by mistake on the enclaves of a running network."""

import os

import checks
from network import Network, free_port, program, rpc


def add_host(net, name):
    """A host of its own data directory, empty, on the same enclaves."""
    port = free_port()
    data = os.path.join(net.dir, name)
    os.makedirs(data)
    config = net.config(name, {
        "data-dir": data,
        "genesis": net.genesis,
        "rpc-listen": f"127.0.0.1:{port}",
        "enclaves": net.links,
    })
    net._add(name, [program("tenseq-host"), "--config", config], False)
    net[name].start()
    return port


def failovers(net):
    return net.host.log().count(" failover ")


def test_second_host_takes_nothing():
    with Network() as net:
        net.wait_more(5)
        term, active, lost = net.status()["term"], net.active(), failovers(net)
        port = add_host(net, "host2")
        net.until("the second host says why it does not get in",
                  lambda: net["host2"].log().count("enclave-elsewhere") == 3)
        assert "serves another host" in net["host2"].log()
        net.wait_more(25)
        assert (net.status()["term"], net.active(), failovers(net)) == (term, active, lost)
        status = rpc(port, "sequencer_status")
        assert status["state"] == "no-candidate" and status["active"] is None
        assert all("serves another host" in e["reason"] for e in status["enclaves"])
        # A restarted enclave goes back to the first, whoever comes sooner.
        for i in range(3):
            net[f"e{i}"].kill()
            net.wait_passive(i)
            net.wait_more(3)
        assert rpc(port, "sequencer_status")["head"]["number"] == 0
        assert net["host2"].log().count("enclave-elsewhere") <= 6
        for i in range(3):
            assert 1 <= net[f"e{i}"].log().count("host-refused") <= 3
        checks.all_is_well(net)


def test_second_host_makes_no_line_when_the_first_dies():
    with Network() as net:
        net.wait_more(10)
        port = add_host(net, "host2")
        net.until("the second host is refused",
                  lambda: net["host2"].log().count("enclave-elsewhere") == 3)
        net.pass_time(3)  # it has long settled
        net.host.kill()
        net.until("it finds that its store is old",
                  lambda: "store-is-behind" in net["host2"].log())
        net.pass_time(8)
        log = net["host2"].log()
        assert log.count("store-is-behind") == 1, log
        assert "store-is-accepted" not in log
        assert log.count("enclave-ahead") == 3, log
        assert len(log.splitlines()) < 40, log
        status = rpc(port, "sequencer_status")
        assert status["state"] == "storage" and status["head"]["number"] == 0
        # The first comes back beside it and goes on.
        net.host.start()
        net.until("the host is back", lambda: net.rpc("web3_clientVersion"))
        net.wait_more(10)
        for i in range(3):
            net.wait_passive(i)
            assert checks.started(net, i) == 1, "nobody had to restart"
        assert net["host2"].log().count("store-is-behind") == 1
        checks.all_is_well(net)


def test_host_restart_loses_no_time():
    with Network(nodes=1) as net:
        net.wait_more(5)
        for _ in range(3):
            net.host.kill()
            net.host.start()
            net.until("the host is back", lambda: net.rpc("web3_clientVersion"))
            net.wait_more(3)
        for i in range(3):
            assert "host-refused" not in net[f"e{i}"].log()
        assert "elsewhere" not in net.host.log()
        checks.all_is_well(net)
