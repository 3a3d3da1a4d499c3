# SPDX-License-Identifier: Apache-2.0
"""What operators do: switch, drain, pause, and what they are refused."""

import json

import checks
from network import Network


def test_switch_round_all():
    with Network(interval="100ms") as net:
        with net.load(600, 100) as result:
            for _ in range(2):
                for i in range(3):
                    if net.active() == i:
                        continue
                    r = json.loads(net.cli("switchover", "--to", net.ids[i], "--json"))
                    assert r["to"] == net.ids[i] and r["atBatch"] >= 1 and r["term"] >= 2
                    assert net.active() == i
                    net.wait_more(2)
        batches = checks.all_is_well(net, result["hashes"])
        for i in range(3):
            assert checks.started(net, i) == 1
        for batch in batches:  # each takeover was clean: the old one's Passive is in the same batch
            kinds = [t["kind"] for t in batch["protocolPayload"]["transitions"]]
            if 2 in kinds and batch["header"]["number"] > 1 and 1 not in kinds:
                assert 3 in kinds, f"batch {batch['header']['number']}: {kinds}"


def test_switch_refused():
    with Network() as net:
        active = net.active()
        other, third = (active + 1) % 3, (active + 2) % 3
        said = net.cli("switchover", "--to", net.ids[active], code=1)
        assert "active one already" in said
        said = net.cli("switchover", "--to", "0x" + "12" * 20, code=1)
        assert "no enclave with the id" in said
        net[f"e{other}"].restart = False
        net[f"e{other}"].kill()
        said = net.cli("switchover", "--to", net.ids[other], code=1)
        assert "not connected" in said or "not ready" in said, said
        assert net.cli("drain", net.ids[third]) == f"drained {net.ids[third]}\n"
        assert "not an enclave's id" in net.cli("drain", "nonsense", code=2)
        said = net.cli("switchover", "--to", net.ids[third], code=1)
        assert "drained" in said
        head = net.head()
        net.wait_head(head + 2)
        assert net.active() == active, "the service was not touched"
        assert "usage" not in net.cli("switchover", "--to", "nonsense", code=2).lower()
        assert net.cli("undrain", net.ids[third]) == f"undrained {net.ids[third]}\n"
        net.cli("switchover", "--to", net.ids[third])
        assert net.active() == third
        checks.all_is_well(net)


def test_lagging_enclave_is_no_candidate():
    with Network(interval="100ms", restart=False) as net:
        lagging = (net.active() + 1) % 3
        net[f"e{lagging}"].kill()
        net.wait_more(30)
        net[f"e{lagging}"].start()
        # From the start until it is in step every attempt is refused, or is made with it in step.
        try:
            net.rpc("sequencer_switchover", net.ids[lagging])
        except Exception as e:
            assert "cannot switch" in str(e), e
        else:
            assert net.enclave_status(lagging)["lag"] <= 1
        net.wait_passive(lagging)
        net.wait_more(2)
        checks.all_is_well(net)


def test_pause_send_resume():
    with Network() as net:
        net.cli("pause")
        net.pass_time(0.5)
        head = net.head()
        with net.load(50, 200) as result:
            pass
        assert net.head() == head
        assert net.status()["state"] == "paused"
        net.host.kill()
        net.host.start()
        net.until("the host is back", lambda: net.rpc("web3_clientVersion"))
        net.pass_time(1)
        assert net.head() == head, "pause survives a restart"
        assert "paused" in net.cli("switchover", code=1)
        net.cli("resume")
        net.wait_head(head + 2)
        checks.all_is_well(net, result["hashes"])


def test_drain_survives_and_switches_away():
    with Network() as net:
        active = net.active()
        net.cli("drain", net.ids[active])
        net.until("another is active", lambda: net.active() != active)
        net.host.kill()
        net.host.start()
        net.until("the host is back", lambda: net.rpc("web3_clientVersion"))
        net.wait_more(2)
        assert net.enclave_status(active)["drained"]
        second = net.active()
        third = 3 - active - second
        net.cli("drain", net.ids[third])
        said = net.cli("drain", net.ids[second], code=1)
        assert "no other enclave can take over" in said
        assert net.active() == second
        net.cli("undrain", net.ids[active])
        checks.all_is_well(net)


def test_host_stops_cleanly():
    with Network() as net:
        with net.load(50, 200) as result:
            pass
        assert net.host.stop() == 0
        net.host.start()
        net.until("the host is back", lambda: net.rpc("web3_clientVersion"))
        net.wait_more(2)
        checks.all_is_well(net, result["hashes"])
        for i in range(3):
            assert checks.started(net, i) == 1


def test_status_and_watch():
    with Network() as net:
        text = net.cli("status")
        for i in net.ids:
            assert i in text
        assert "producing" in text and "active" in text and "passive" in text
        status = json.loads(net.cli("status", "--json"))
        assert status["active"] in net.ids and len(status["enclaves"]) == 3
        node = json.loads(net.run([net.tenseq, "status", "--json", "--rpc",
                                   f"http://127.0.0.1:{net.node_ports[0]}"]))
        assert node
        batch = json.loads(net.cli("batch", "1", "--json"))
        assert batch["header"]["number"] == 1 and batch["raw"].startswith("0x")
        assert "there is no batch" in net.cli("batch", "100000000", code=1)
        assert "Started" in net.cli("lifecycle")
