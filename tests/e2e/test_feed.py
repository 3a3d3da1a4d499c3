# SPDX-License-Identifier: Apache-2.0
"""The peer feed between real programs: peers that lie to a node, clients that misbehave towards host and
node."""

import os
import signal
import time
import urllib.request

import checks
import rlp
from fakefeed import FakeFeed
from feed import Feed
from network import Network, RpcError

GET = 3


def _genesis(net):
    return bytes.fromhex(net.rpc("ten_health")["genesis"][2:])


def _raws(net, head):
    raws, at = [], 1
    while at <= head:
        part = net.rpc("ten_getBatches", {"from": at, "count": min(100, head - at + 1)})
        raws += [bytes.fromhex(b["raw"][2:]) for b in part]
        at += len(part)
    return raws


def _metrics(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return answer.read().decode()


def _was_dropped(net, node, peer, word):
    return any(f"peer={peer} " in line and word in line for line in net[f"n{node}"].log().splitlines()
               if "peer-dropped" in line)


def test_lying_peers_are_dropped_and_the_host_is_used():
    with Network(interval="50ms", nodes=0, validators=False) as net:
        net.wait_head(40)
        genesis, raws = _genesis(net), _raws(net, 40)
        liars = [FakeFeed(genesis, raws, mode, claim=100_000)
                 for mode in ("corrupt", "empty", "silent", "mute", "garbage")]
        liars.append(FakeFeed(os.urandom(32), raws, "honest"))  # of another network
        urls = [liar.url() for liar in liars]
        node = net.add_node(peers=urls + [f"ws://127.0.0.1:{net.host_port}/feed"], start=True)
        net.wait_node(node, 40, 30)
        net.wait_node(node, net.head() + 5, 30)
        words = ["", "gives no batch", "no answer", "no HELLO", "malformed", "another network"]
        net.until("each liar was dropped for what it did",
                  lambda: all(_was_dropped(net, node, i, word) for i, word in enumerate(words)), 30)
        assert net.node_rpc(node, "ten_health")["counters"]["peers_dropped"] >= 6
        # Nothing of it was stored or relayed.
        for number in (1, 20, 40):
            assert net.node_rpc(node, "ten_getBatch", number)["raw"] == net.rpc("ten_getBatch", number)["raw"]
        checks.all_is_well(net)


def test_a_broken_seal_is_noticed_and_told():
    with Network(interval="50ms", nodes=0, validators=False) as net:
        net.wait_head(10)
        liar = FakeFeed(_genesis(net), _raws(net, 10), "corrupt")
        node = net.add_node(peers=[liar.url()], start=True)
        net.until("it was dropped", lambda: _was_dropped(net, node, 0, "V2"))
        net.until("and told why", lambda: liar.errors and "V2" in liar.errors[0][1])
        assert net.node_head(node) == 0
        assert net.node_rpc(node, "ten_health")["counters"]["invalid"] == 1


def test_bad_frames_are_answered_and_change_nothing():
    with Network(nodes=1, validators=False) as net:
        genesis = _genesis(net)
        for port in (net.host_port, net.node_ports[0]):
            good = Feed(port, genesis)
            for bad in (b"", b"\x00", os.urandom(300), rlp.encode([99]), rlp.encode([GET, 1, 0, 1])):
                feed = Feed(port, genesis)
                feed.send(bad)
                net.until("the connection was closed", lambda f=feed: f.batches and f.batches[-1] is None)
                feed.close()
                time.sleep(0.7)  # so that the next is not refused for the ones before
            good.wait(lambda b: True)  # others see nothing of it
            good.close()
        net.wait_more(3)
        metrics = _metrics(net.node_ports[0])
        assert 'tenseq_node_feed_total{what="malformed"}' in metrics
        checks.all_is_well(net)


def test_who_offends_again_and_again_waits():
    with Network(nodes=1, validators=False) as net:
        genesis, port = _genesis(net), net.node_ports[0]
        for _ in range(12):
            try:
                feed = Feed(port, genesis)
                feed.send(b"\xff\xff")
                net.until("closed", lambda f=feed: f.batches and f.batches[-1] is None)
                feed.close()
            except (OSError, AssertionError):
                pass
        metrics = _metrics(port)
        refused = [line for line in metrics.splitlines() if 'feed_total{what="refused"}' in line]
        assert refused and int(refused[0].split()[-1]) > 0, refused
        net.until("forgiven after a while", lambda: _greets(port, genesis), 10)
        checks.all_is_well(net)


def _greets(port, genesis):
    feed = Feed(port, genesis)
    try:
        feed.wait(lambda b: True, 2)
        return True
    except AssertionError:
        return False
    finally:
        feed.close()


def test_killed_in_the_middle_of_catching_up():
    with Network(interval="20ms", nodes=0, validators=False) as net:
        net.wait_head(400, 60)
        node = net.add_node(start=True)
        for _ in range(5):
            time.sleep(0.15)
            net[f"n{node}"].kill()
            net[f"n{node}"].start()
        net.wait_node(node, net.head(), 60)
        for number in range(1, 400, 57):
            assert net.node_rpc(node, "ten_getBatch", number)["raw"] == net.rpc("ten_getBatch", number)["raw"]
        started = time.monotonic()
        assert net[f"n{node}"].stop() == 0
        assert time.monotonic() - started < 5
        net[f"n{node}"].start()
        net.wait_node(node, net.head())
        checks.all_is_well(net)


def test_without_enclave_state_is_not_made_up():
    with Network(nodes=1, validators=False) as net:
        net.wait_node(0, 2)
        try:
            net.node_rpc(0, "eth_getBalance", net.accounts[0]["address"], "latest")
            raise AssertionError("a balance from nowhere")
        except RpcError as e:
            assert "no enclave attached" in e.message, e.message
        assert net.node_rpc(0, "eth_blockNumber")
        assert net.node_rpc(0, "ten_health")["enclave"] is None


def test_enclave_that_comes_and_goes():
    with Network(nodes=1) as net:
        address = net.accounts[0]["address"]
        net.until("it validates", lambda: net.node_rpc(0, "ten_health")["enclave"]["state"] == "validating")
        assert int(net.node_rpc(0, "eth_getBalance", address, "latest"), 16) == 1000 * 10**18
        net["v0"].kill()
        net.until("the node has noticed",
                  lambda: net.node_rpc(0, "ten_health")["enclave"]["state"] != "validating")
        head = net.node_head(0)
        net.wait_node(0, head + 3)  # the chain goes on
        net.until("it is back", lambda: net.node_rpc(0, "ten_health")["enclave"]["state"] == "validating", 20)
        assert int(net.node_rpc(0, "eth_getBalance", address, "latest"), 16) == 1000 * 10**18
        net["v0"].kill(signal.SIGSTOP)
        net.until("a frozen one is noticed",
                  lambda: net.node_rpc(0, "ten_health")["enclave"]["state"] != "validating", 25)
        net["v0"].kill(signal.SIGCONT)
        net.until("and taken back",
                  lambda: net.node_rpc(0, "ten_health")["enclave"]["state"] == "validating", 40)
        checks.all_is_well(net)


def test_transaction_without_a_host():
    with Network(nodes=1, validators=False) as net:
        raw = net.cast("mktx", "--private-key", net.accounts[0]["key"], net.accounts[1]["address"],
                       "--value", "1", "--nonce", "0", "--gas-limit", "21000", "--gas-price", "2000000000",
                       "--legacy")
        net.host.kill()
        net.until("the node has noticed", lambda: net.node_rpc(0, "ten_health")["state"] == "connecting")
        try:
            net.node_rpc(0, "eth_sendRawTransaction", raw)
            raise AssertionError("accepted with no host there")
        except RpcError as e:
            assert "no peer is connected" in e.message, e.message
        net.host.start()
        net.until("the host is back", lambda: net.node_rpc(0, "ten_health")["state"] == "following", 30)
        assert net.node_rpc(0, "eth_sendRawTransaction", raw).startswith("0x")
        net.until("it is in a batch", lambda: net.rpc("eth_getTransactionCount",
                                                      net.accounts[0]["address"], "latest") == "0x1")
