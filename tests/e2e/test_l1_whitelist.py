# SPDX-License-Identifier: Apache-2.0
"""Who may sequence is decided on L1, and in force within one L1 block and a batch."""

import re
import subprocess
import time

import checks
import rlp
from fakefeed import FakeFeed
from feed import Feed
from l1 import header_of, protocol_root, seal
from network import SLOW, Network, program

WHITELIST_CHANGE = 1  # type of the notice


def notices(batch):
    return [n for n in batch["protocolPayload"]["notices"] if n["type"] == WHITELIST_CHANGE]


def announcing(net, word, enclave):
    """The batch that announces that an enclave was "added" or "removed"; None: none has yet."""
    for batch in net.batches(0):
        for notice in notices(batch):
            if enclave in notice[word]:
                return batch
    return None


def second_time(net, enclave, said):
    """While the first transaction is not confirmed whoever asks again is told of it; then L1 refuses."""
    done = subprocess.run([program("tenseq"), "register", enclave, "--rpc", f"http://127.0.0.1:{net.host_port}"],
                          capture_output=True, text=True)
    if done.returncode == 0:
        assert done.stdout.strip() == said.strip(), (done.stdout, said)
        return False
    assert "registered on L1 already" in done.stderr and "AlreadyRegistered" in done.stderr, done.stderr
    return True


def test_granted_enclave_joins_by_itself():
    with Network(l1=True, enclaves=2, spares=1, nodes=1) as net:
        new = net.ids[2]
        assert net.role(2) == "validating"
        assert net.l1.call("isAttested(address)(bool)", new) == "false"
        said = net.cli("register", new)
        assert "registered on L1 in transaction 0x" in said, said
        net.until("it is registered", lambda: net.l1.call("isAttested(address)(bool)", new) == "true")
        net.until("L1 refuses a second time", lambda: second_time(net, new, said), 10)
        receipt = net.l1.grant(new)
        mined = time.monotonic()  # at the latest: it was seen a moment after
        batch = net.until("the list is announced", lambda: announcing(net, "added", new), 10)
        took = time.monotonic() - mined
        print(f"note: granted in L1 block {int(receipt['blockNumber'], 16)}, in force in batch "
              f"{batch['header']['number']} at the node {took:.2f} s later (L1 block 1 s, batch 0.2 s)")
        assert took < (1 + 0.2 + 1) * SLOW, "a block of L1, a batch, and the time to look"
        assert batch["header"]["l1Number"] >= int(receipt["blockNumber"], 16)
        net.wait_passive(2)
        assert checks.started(net, 2) == 1
        net.cli("switchover", "--to", new)
        net.wait_more(3)
        assert net.active() == 2
        checks.chain_is_one(net)
        checks.records_are_chains(net)
        checks.findings(net)
        # A node that starts now reads the same list from L1, and takes the same chain.
        late = net.add_node(start=True)
        net.wait_node(late, net.head(), 30)
        checks.chain_is_one(net)


def _resealed(net, batches, i):
    """The last of these batches as enclave i would have made it: its header names i, and i has sealed it."""
    _, txs, payload, _ = rlp.decode(bytes.fromhex(batches[-1]["raw"][2:]))
    header = header_of(batches[-1])
    header[4] = bytes.fromhex(net.ids[i][2:])
    hash_, signature = seal(net.l1, header, protocol_root(batches), net.enclave_key(i))
    return rlp.encode([header, txs, payload, bytes.fromhex(signature[2:])]), hash_


def test_revoked_active_is_replaced_under_load():
    """No batch is late beyond the failover bound, and none of the revoked one is taken after."""
    with Network(l1=True, nodes=2, interval="200ms") as net:
        feed = Feed(net.host_port, bytes.fromhex(net.node_rpc(0, "ten_health")["genesis"][2:]))
        with net.load(1200, 150) as result:
            net.wait_more(5)
            old = net.active()
            net.l1.revoke(net.ids[old])
            net.until("another is active", lambda: net.active() not in (None, old), 10)
            net.wait_more(10)
        batch = net.until("the list is announced", lambda: announcing(net, "removed", net.ids[old]))
        first = batch["header"]["number"]
        times = [b[0] for b in feed.batches if b]
        longest = max(b - a for a, b in zip(times, times[1:]))
        print(f"note: revoked while active under load; the longest time between two batches was "
              f"{longest * 1000:.0f} ms at an interval of 200 ms")
        assert longest < (0.2 + 1.0) * SLOW, "a batch later than a failover takes"
        batches = checks.chain_is_one(net)
        producers = {b["header"]["number"]: b["header"]["producer"] for b in batches}
        assert producers[first - 1] == net.ids[old], "it was active until then"
        assert net.ids[old] not in [producers[n] for n in producers if n >= first]
        checks.acknowledged_are_in_one_batch(net, result["hashes"])
        checks.findings(net)
        assert net.role(old) == "validating"
        # Its key is out of control: what it seals now, nobody takes.
        bad, hash_ = _resealed(net, batches[:first + 1], old)
        raws = [bytes.fromhex(b["raw"][2:]) for b in batches[:first]] + [bad]
        fake = FakeFeed(feed.genesis, raws, "honest", head_hash=bytes.fromhex(hash_[2:]))
        alone = net.add_node(peers=[fake.url()], start=True)
        net.wait_node(alone, first, 20)
        net.until("the batch is refused", lambda: fake.errors, 15)
        assert "V2_PRODUCER" in fake.errors[0][1], fake.errors
        assert net.node_head(alone) == first
        assert re.search(f"batch {first + 1}: [^(]+ \\(TS_E_V2_PRODUCER\\)", net[f"n{alone}"].log())
        fake.close()
        feed.close()
