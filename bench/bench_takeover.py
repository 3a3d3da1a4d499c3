#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Takeover times with the real programs, as a subscriber of the host's feed sees them.

  kill     from SIGKILL of the active to the first batch of its successor (durable, then broadcast)
  freeze   from SIGSTOP of the active to the first batch of its successor
  switch   how much later than its interval the first batch after a planned switch comes

One JSON object on stdout."""

import argparse
import json
import os
import random
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "e2e"))

from feed import Feed  # noqa: E402
from network import Network  # noqa: E402


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p / 100))]


def summary(values):
    return {"runs": len(values), "median_ms": round(percentile(values, 50), 2),
            "p99_ms": round(percentile(values, 99), 2), "max_ms": round(max(values), 2)}


def everyone_ready(net):
    def ready():
        status = net.status()
        roles = sorted(e["role"] for e in status["enclaves"])
        return roles == ["active"] + ["passive"] * (len(roles) - 1) and \
            all(e["lag"] <= 1 for e in status["enclaves"])

    net.until("all enclaves in step", ready, 20)


def take_over(net, feed, sig, rng):
    everyone_ready(net)
    active = net.active()
    old = bytes.fromhex(net.ids[active][2:])
    net.pass_time(rng.random() * 0.1)  # at any point of the interval
    pid = net[f"e{active}"].popen.pid
    at = time.monotonic()
    os.kill(pid, sig)
    seen = feed.wait(lambda b: b[2] != old)
    if sig == signal.SIGSTOP:
        net.pass_time(0.3)
        os.kill(pid, signal.SIGCONT)
    return (seen[0] - at) * 1000


def switches(net, feed, runs, interval):
    late = []
    for _ in range(runs):
        everyone_ready(net)
        net.pass_time(2 * interval)
        before = net.head()
        net.rpc("sequencer_switchover")
        net.pass_time(2 * interval)
        times = {b[1]: b[0] for b in feed.batches if b and b[1] > before - 1}
        numbers = sorted(times)
        gaps = [times[b] - times[a] for a, b in zip(numbers, numbers[1:])]
        late.append((max(gaps) - interval) * 1000)
    return late


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--freezes", type=int, default=20)
    parser.add_argument("--switches", type=int, default=30)
    args = parser.parse_args()
    rng = random.Random(1)
    with Network(interval="100ms", nodes=1, validators=False) as net:
        genesis = bytes.fromhex(net.node_rpc(0, "ten_health")["genesis"][2:])
        feed = Feed(net.host_port, genesis)
        result = {
            "switch_late": summary(switches(net, feed, args.switches, 0.1)),
            "kill": summary([take_over(net, feed, signal.SIGKILL, rng) for _ in range(args.kills)]),
            "freeze": summary([take_over(net, feed, signal.SIGSTOP, rng)
                               for _ in range(args.freezes)]),
        }
        feed.close()
    json.dump(result, sys.stdout)
    print()


if __name__ == "__main__":
    main()
