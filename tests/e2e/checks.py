# SPDX-License-Identifier: Apache-2.0
"""What must hold after every test, read from the nodes and the host."""


def chain_is_one(net):
    """Every node and the host have the same chain, link by link; no number has two hashes. Returns the batches
    of node 0 as far as all have them."""
    net.until("all nodes at the host's head",
              lambda: all(net.node_head(i) >= net.head() - 1 for i in range(len(net.node_ports))), 30)
    chains = [net.batches(i) for i in range(len(net.node_ports)) if net[f"n{i}"].alive()]
    common = min(len(c) for c in chains)
    assert common > 0
    for chain in chains:
        assert [b["hash"] for b in chain[:common]] == [b["hash"] for b in chains[0][:common]], \
            "the nodes have different chains"
    batches = chains[0][:common]
    for i, batch in enumerate(batches):
        assert batch["header"]["number"] == i + 1
        if i > 0:
            assert batch["header"]["parentHash"] == batches[i - 1]["hash"]
            assert batch["header"]["term"] >= batches[i - 1]["header"]["term"]
    for number in (1, common // 2 or 1, common):
        theirs = net.rpc("eth_getBlockByNumber", hex(number), False)
        assert theirs["hash"] == batches[number - 1]["hash"], "host and node differ"
    return batches


def where(batches):
    """From transaction hash to the numbers of the batches that hold it."""
    found = {}
    for batch in batches:
        for tx in batch["transactionHashes"]:
            found.setdefault(tx, []).append(batch["header"]["number"])
    return found


def acknowledged_are_in_one_batch(net, hashes, batches=None):
    hashes = list(hashes)
    assert len(set(hashes)) == len(hashes)

    def included():
        return where(batches or chain_is_one(net))

    def complete():
        found = included()
        return all(h in found for h in hashes)

    net.until("every acknowledged transaction in a batch", complete, 30)
    found = included()
    for h in hashes:
        assert len(found[h]) == 1, f"transaction {h} is in batches {found[h]}"


def records_are_chains(net):
    """I7: each enclave's published transitions are one chain; no boot id comes twice."""
    for i in range(len(net.ids)):
        seq, boots = 0, []
        for e in net.lifecycle(i):
            event = e["event"]
            seq += 1
            assert event["seq"] == seq, f"enclave {i}: seq {event['seq']} after {seq - 1}"
            if event["kind"] == 1:
                assert event["bootId"] not in boots
                boots.append(event["bootId"])
            assert event["bootId"] == boots[-1]


def started(net, i):
    """How many Started events of enclave i are on the chain."""
    return sum(e["event"]["kind"] == 1 for e in net.lifecycle(i))


def joined(net, i):
    """How many boots of enclave i signed a Started, by its own log."""
    return net[f"e{i}"].log().count("from=SYNCING to=PASSIVE")


def activations(net, i):
    return [e["event"] for e in net.lifecycle(i) if e["event"]["kind"] == 2]


def everyone_accounted(batches, ids):
    """I6: every reporting batch accounts for every whitelisted enclave exactly once."""
    for batch in batches:
        payload = batch["protocolPayload"]
        named = [r["enclaveId"] for r in payload["reports"]] + payload["absent"]
        if named or payload["transitions"]:
            assert sorted(named) == sorted(ids), f"batch {batch['header']['number']} names {named}"


def findings(net, node=0):
    """What the audit of a node holds. An honest operator gets no proof, whatever was done to it."""
    found = net.node_rpc(node, "ten_findings")["findings"]
    proofs = [f for f in found if f["severity"] == "proof" and f["about"] == "operator"]
    assert not proofs, f"proofs against an honest operator: {proofs}"
    return found


def all_is_well(net, hashes=()):
    batches = chain_is_one(net)
    acknowledged_are_in_one_batch(net, hashes)
    records_are_chains(net)
    everyone_accounted(batches, net.ids)
    for i in range(len(net.node_ports)):
        if net[f"n{i}"].alive():
            findings(net, i)
    status = net.status()
    assert not any(e["corrupted"] for e in status["enclaves"] if e["id"] not in net_liars(net))
    return batches


def net_liars(net):
    return getattr(net, "liars", ())
