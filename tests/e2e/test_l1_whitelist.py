# SPDX-License-Identifier: Apache-2.0
"""Who may sequence is decided on L1, and in force within one L1 block and a batch."""

import time

import checks
from network import SLOW, Network

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


def test_granted_enclave_joins_by_itself():
    with Network(l1=True, enclaves=2, spares=1, nodes=1) as net:
        new = net.ids[2]
        assert net.enclave_status(2)["role"] == "validating"
        net.register(2)
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
