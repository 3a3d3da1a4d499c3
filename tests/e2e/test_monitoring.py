# SPDX-License-Identifier: Apache-2.0
"""What operators are told by machines: metrics, and the command that is run for findings."""

import json
import os
import re
import shlex
import subprocess
import urllib.request

from network import Network, ROOT

HOOK_DEADLINE = 10


def metrics(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return answer.read().decode()


def value(text, series):
    found = re.search("^" + re.escape(series) + r" (\S+)$", text, re.M)
    return float(found[1]) if found else None


def lint(text):
    done = subprocess.run([os.path.join(ROOT, "scripts/promtool.sh"), "check", "metrics"], input=text,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_metrics_tell_of_a_failover():
    with Network(interval="100ms", nodes=1) as net:
        active = net.active()
        net[f"e{active}"].kill()
        net.until("another is active", lambda: net.active() not in (None, active), 10)
        net.wait_passive(active)
        net.wait_more(5)
        net.wait_node(0, net.head())
        host, node = metrics(net.host_port), metrics(net.node_ports[0])
        lint(host)
        lint(node)
        assert value(host, "tenseq_host_failovers_total") >= 1
        assert value(host, "tenseq_host_takeover_seconds_count") >= 1
        assert value(host, "tenseq_host_batch_interval_seconds_count") >= 5
        assert value(host, "tenseq_host_batch_interval_seconds_sum") > 0.3
        connects = [value(host, f'tenseq_link_connects_total{{link="{link}"}}') for link in net.links]
        assert connects[active] >= 2 and all(c >= 1 for c in connects), connects
        for what in ("sent_bytes", "received_bytes", "received_frames"):
            assert value(host, f'tenseq_link_{what}_total{{link="{net.links[0]}"}}') > 0
        assert value(node, 'tenseq_node_findings{name="unclean-takeover"}') >= 1
        assert value(node, "tenseq_node_operator_proofs") == 0


def test_findings_run_a_command():
    with Network(interval="100ms", nodes=0) as net:
        told = os.path.join(net.dir, "told.jsonl")
        node = net.add_node(start=True, extra={"on-finding": f"cat >> {shlex.quote(told)}",
                                               "on-finding-severity": "pattern"})
        net.wait_node(node, net.head())
        active = net.active()
        net[f"e{active}"].kill()

        def lines():
            with open(told, encoding="utf-8") as f:
                return [json.loads(line) for line in f]

        def both():
            return os.path.exists(told) and \
                {"unclean-takeover", "restart"} <= {f["name"] for f in lines()}

        net.until("the command was told of both", both, 20)
        answer = net.node_rpc(node, "ten_findings")["findings"]
        takeover = next(f for f in lines() if f["name"] == "unclean-takeover")
        assert takeover in answer, (takeover, answer)
        assert takeover["enclave"] == net.ids[active]
        assert value(metrics(net.node_ports[node]), 'tenseq_node_hook_total{outcome="done"}') >= 2
        # Who starts again is not told once more of what is stored.
        n = len(lines())
        net[f"n{node}"].stop()
        net[f"n{node}"].start()
        net.wait_node(node, net.head())
        net.wait_more(3)
        again = lines()[n:]
        assert not [f for f in again if f["serial"] == takeover["serial"]], again


def test_a_command_that_hangs_is_killed():
    with Network(interval="100ms", nodes=0) as net:
        pids = os.path.join(net.dir, "pids")
        command = f"sleep 300 & echo $! >> {shlex.quote(pids)}; wait"
        node = net.add_node(start=True, extra={"on-finding": command})
        net.wait_node(node, net.head())
        net[f"e{net.active()}"].kill()
        net.until("it runs", lambda: os.path.exists(pids) and open(pids).read().endswith("\n"), 10)
        child = int(open(pids).read().split()[0])
        os.kill(child, 0)
        head = net.node_head(node)
        net.until("it was killed", lambda: value(metrics(net.node_ports[node]),
                                                 'tenseq_node_hook_total{outcome="killed"}') >= 1,
                  HOOK_DEADLINE + 5)
        net.until("what it started is gone", lambda: not os.path.exists(f"/proc/{child}") or
                  open(f"/proc/{child}/stat").read().split()[2] == "Z", 5)
        assert net.node_head(node) > head + 20, "the node waited for it"
        # A node ends in time whatever its command does.
        net[f"e{net.active()}"].kill()
        net.until("it runs again", lambda: len(open(pids).read().split()) >= 2, 15)
        assert net[f"n{node}"].stop() == 0
        child = int(open(pids).read().split()[-1])
        net.until("what it started is gone", lambda: not os.path.exists(f"/proc/{child}") or
                  open(f"/proc/{child}/stat").read().split()[2] == "Z", 5)
