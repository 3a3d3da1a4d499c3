#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sustained transfers through the host's RPC: three enclaves, one node, batches of 100 ms.

Counted from the first request to the batch that holds the last transaction. The bound is what the
cores of this machine could recover signatures for, when each of the three enclaves recovers each
one (the host and the node recover none): cores * recoveries a second on one core / 3.

One JSON object on stdout."""

import argparse
import json
import os
import subprocess
import sys
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))

from network import BUILD, Network  # noqa: E402


def recoveries():
    out = subprocess.run([os.path.join(BUILD, "bench", "bench_crypto")], capture_output=True, text=True,
                         check=True).stdout
    for line in out.splitlines():
        row = json.loads(line)
        if row["name"] == "recover":
            return row["value"]
    raise AssertionError("bench_crypto does not tell the rate of recoveries")


def included(net):
    total, number = 0, 1
    head = net.head()
    while number <= head:
        page = net.rpc("ten_getBatches", {"from": number, "count": 100})
        page = page["batches"] if isinstance(page, dict) else page
        total += sum(len(b["transactionHashes"]) for b in page)
        number += len(page)
    return total


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=60000)
    args = parser.parse_args()
    rate = recoveries()
    cores = os.cpu_count()
    with Network(interval="100ms", nodes=1, validators=False, restart=False,
                 genesis=["--gas-limit", "300000000"]) as net:
        start = time.monotonic()
        sent = json.loads(net.run([net.tenseq, "send", "--rpc", f"http://127.0.0.1:{net.host_port}",
                                   "--count", str(args.count), "--rate", "0", "--batch", "100",
                                   "--json", "--quiet", "--wait"], timeout=300))
        seconds = time.monotonic() - start
        assert included(net) >= args.count
    bound = cores * rate / 3
    json.dump({"transactions": args.count, "seconds": round(seconds, 2),
               "sustained_per_s": round(args.count / seconds),
               "acknowledged_per_s": round(sent["rate"]), "recover_per_s_per_core": round(rate),
               "cores": cores, "bound_per_s": round(bound),
               "of_bound": round(args.count / seconds / bound, 3)}, sys.stdout)
    print()


if __name__ == "__main__":
    main()
