#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Memory and catch-up with a long chain behind it: a million batches by default.

A chain is made offline (make_chain), then a real host, a real enclave that has seen none of it and
a real node follow it. Told: how fast enclave and node catch up, the resident memory of all three
with the chain behind them, how soon the enclave is back after kill -9, from its checkpoint, and how soon the dashboard shows its
first view and the timeline any range.

One JSON object on stdout."""

import argparse
import glob
import json
import os
import signal
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "e2e"))

from network import BUILD, Network  # noqa: E402

MAKER_KEY = "0x" + "11" * 32
MAKER_ID = "0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a"


class LongNetwork(Network):
    """One enclave that made everything and is gone, one that is new."""

    def __init__(self, count):
        self.count = count
        super().__init__(enclaves=1, nodes=1, interval="200ms", validators=False,
                         genesis=["--enclave", MAKER_ID, "--report-every", "1000"])

    def make(self):
        os.makedirs(self.host_data)
        self.run([os.path.join(BUILD, "bench", "make_chain"), self.genesis, MAKER_KEY, str(self.count),
                  os.path.join(self.host_data, "host.db")], timeout=3600)


def rss_mib(process):
    with open(f"/proc/{process.popen.pid}/status") as f:
        for line in f:
            if line.startswith("VmRSS:"):
                return round(int(line.split()[1]) / 1024, 1)
    raise AssertionError("no VmRSS")


def timed(net, what, condition, timeout):
    start = time.monotonic()
    net.until(what, condition, timeout)
    return time.monotonic() - start


def dashboard(net):
    """The page's first view by a running browser with an empty cache, from the start of the navigation until verdict,
    timeline and findings stand; and single ranges."""
    from browser import Browser

    views = []
    url = f"http://127.0.0.1:{net.node_ports[0]}/"
    with Browser() as b:
        b.open(url)
        for _ in range(15):
            b.do("fresh", url=url)
            net.until("the first view", lambda: b.eval("performance.getEntriesByName('first-view').length"))
            views.append(b.eval("performance.getEntriesByName('first-view')[0].startTime"))
            net.until("the charts", lambda: b.count("#charts canvas") == 4)
        weight = sum(b.do("weight").values())
        problems = b.problems()
    assert not problems, problems
    head = net.node_head(0)
    ranges = {}
    for name, of in (("whole", {}), ("4096", {"from": head // 2, "to": head // 2 + 4095}),
                     ("300", {"from": head - 299})):
        start = time.monotonic()
        net.node_rpc(0, "ten_timeline", {**of, "points": 512})
        ranges[name + "_ms"] = round(1000 * (time.monotonic() - start), 1)
    return {"first_view_ms": round(statistics.median(views)), "first_view_max_ms": round(max(views)),
            "weight_bytes": weight, "ranges": ranges}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=1_000_000)
    args = parser.parse_args()
    net = LongNetwork(args.count)
    try:
        net.make()
        net._add("host", net.host_argv(), False)
        net.host.start()
        start_s = timed(net, "the host serves", lambda: net.head() >= args.count, 120)
        net["e0"].start()
        enclave_s = timed(net, "the enclave has caught up and produces",
                          lambda: net.head() > args.count + 2, 3600)
        net["n0"].start()
        node_s = timed(net, "the node has caught up", lambda: net.node_head(0) > args.count, 3600)
        result = {
            "batches": args.count,
            "host_start_s": round(start_s, 2),
            "enclave_catch_up_per_s": round(args.count / enclave_s),
            "node_catch_up_per_s": round(args.count / node_s),
            "rss_mib": {"enclave": rss_mib(net["e0"]), "host": rss_mib(net.host),
                        "node": rss_mib(net["n0"])},
        }
        result["dashboard"] = dashboard(net)
        slots = os.path.join(net.dir, "e0", "checkpoint*")
        net.until("a checkpoint is sealed",
                  lambda: any(os.path.getsize(p) > 1000 for p in glob.glob(slots)), 60)
        net.pass_time(2)
        head = net.head()
        net["e0"].kill(signal.SIGKILL)
        net["e0"].start()
        result["restart_s"] = round(timed(net, "the enclave is back",
                                          lambda: net.head() > head, 600), 2)
        json.dump(result, sys.stdout)
        print()
    except BaseException:
        net.keep_logs()
        raise
    finally:
        net.close()


if __name__ == "__main__":
    main()
