# SPDX-License-Identifier: Apache-2.0
"""What L1 decides: how final a batch is, and which of two lines is followed."""

import checks
from network import Network
from test_l1_fork import Fork


def _finality(net, number, node=0):
    return net.node_rpc(node, "ten_finality", number)


def _tag(net, tag):
    return int(net.node_rpc(0, "eth_getBlockByNumber", tag, False)["number"], 16)


def test_a_batch_is_soft_then_published_then_final():
    with Network(l1=True, enclaves=3, nodes=1, host={"rollup-batches": 20, "rollup-every": "10m"}) as net:
        net.wait_node(0, 5)
        assert _finality(net, 5) == "soft"
        net.until("it is published", lambda: _finality(net, 5) == "published", 30)
        last = net.node_rpc(0, "ten_rollups")[-1]["lastNumber"]
        assert _finality(net, last) == "published" and _tag(net, "safe") >= last
        assert _tag(net, "finalized") == 0, "nothing of L1 is final yet"
        net.l1.mine(70)  # L1 calls a block final that has two epochs on top
        net.until("it is final", lambda: _finality(net, 5) == "final", 30)
        assert _tag(net, "finalized") >= 5
        net.wait_more(2)
        assert _finality(net, "latest") == "soft"
        checks.chain_is_one(net)
        checks.findings(net)


def _listen_to(net, node, ports):
    """Its peers, from its next start on."""
    path = f"{net.dir}/n{node}.yaml"
    with open(path) as f:
        lines = f.read().splitlines()
    at = lines.index("peers:")
    while at + 1 < len(lines) and lines[at + 1].startswith("  - "):
        del lines[at + 1]
    lines[at + 1:at + 1] = [f'  - "ws://127.0.0.1:{port}/feed"' for port in ports]
    with open(path, "w") as f:
        f.write("\n".join(lines) + "\n")


def test_a_node_on_the_other_line_follows_the_rollup():
    """A forked enclave seals a second line, and the rollup on L1 holds the first."""
    with Network(l1=True, enclaves=3, nodes=1, host={"rollup-batches": 80, "rollup-every": "10m"}) as net:
        net.wait_more(5)
        active = net.active()
        net.cli("pause")
        net.until("it is paused", lambda: net.status()["state"] == "paused")
        assert net.host.stop() == 0
        fork = Fork(net, active)
        fork.start()
        net.until("the fork's host has its enclave",
                  lambda: fork.rpc("sequencer_status")["enclaves"][0]["role"] == "passive", 20)
        head = fork.head()
        net.run([net.tenseq, "resume", "--rpc", f"http://127.0.0.1:{fork.port}"])
        net.until("the fork seals", lambda: fork.head() >= head + 3, 20)
        net.add_node(peers=[f"ws://127.0.0.1:{fork.port}/feed"], start=True)
        misled = len(net.node_ports) - 1
        net.wait_node(misled, head + 3, 30)
        theirs = net.node_rpc(misled, "ten_getBatch", head + 1)["hash"]

        net.host.start()
        net.until("the host is back", lambda: net.status()["state"] == "paused", 20)
        net.cli("resume")
        net.wait_head(head + 3)
        assert net[f"n{misled}"].stop() == 0
        _listen_to(net, misled, [fork.port, net.node_ports[0]])
        net[f"n{misled}"].start()
        net.until("it has both lines", lambda: any(
            f["name"] == "equivocation" for f in net.node_rpc(misled, "ten_findings")["findings"]), 30)
        assert net.node_rpc(misled, "ten_getBatch", head + 1)["hash"] == theirs, "nothing decides yet"

        program = net[f"n{misled}"]
        net.until("it leaves its line", lambda: not program.alive(), 60)
        alarm = [line for line in program.log().splitlines() if " reorganise " in line]
        assert len(alarm) == 1 and " error " in alarm[0] and f"from={head + 1} " in alarm[0], alarm
        assert program.popen.returncode == 1
        net["host2"].stop()  # nobody shows that line any more
        program.start()
        ours = net.node_rpc(0, "ten_getBatch", head + 1)["hash"]
        assert ours != theirs
        net.wait_node(misled, head + 20, 60)
        assert net.node_rpc(misled, "ten_getBatch", head + 1)["hash"] == ours
        net.until("it is at the end of the rollup", lambda: " reorganised " in program.log(), 30)
        net.until("the batch is published", lambda: _finality(net, head + 1, misled) == "published", 30)

        # Who joins by it learns of the line that it left.
        net.add_node(peers=[f"ws://127.0.0.1:{net.node_ports[misled]}/feed"], start=True)
        late = len(net.node_ports) - 1
        net.wait_node(late, head + 20, 30)
        net.until("it has the other batch", lambda: any(
            f["name"] == "equivocation" and f["hash"] == theirs
            for f in net.node_rpc(late, "ten_findings")["findings"]), 30)
