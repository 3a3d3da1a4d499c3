#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make bench: every figure against its target. A table on stderr, one JSON object on stdout.

  run.py [WORD…]   only benches whose name holds one of the words; run.py --list

Timing depends on the machine: what counts are the ratios, of figures taken in one run."""

import argparse
import json
import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("E2E_BUILD", os.path.join(HERE, "..", "build"))


def lines(program, *args):
    """Runs a C bench and gives {name: value} of its JSON lines."""
    done = subprocess.run([os.path.join(BUILD, "bench", program), *args], stdout=subprocess.PIPE,
                          text=True, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {r["name"]: r["value"] for r in rows}


def validate():
    """The worst ratio of a batch check to the bare recoveries in it, and all rows."""
    done = subprocess.run([os.path.join(BUILD, "bench", "bench_validate")], stdout=subprocess.PIPE,
                          text=True)
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {"worst_ratio": max(r["ratio"] for r in rows), "rows": rows}


def script(name, *args):
    done = subprocess.run([sys.executable, os.path.join(HERE, name), *args], stdout=subprocess.PIPE,
                          text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def sim(*args):
    """What the simulator says of itself: the numbers of its summary."""
    start = time.monotonic()
    done = subprocess.run([os.path.join(BUILD, "sim", "tenseq-sim"), *args], stdout=subprocess.PIPE,
                          text=True, check=True)
    text = done.stdout.strip()
    rate = re.search(r"([0-9]+) (?:batches )?a second", text)
    return {"batches_per_s": int(rate[1]), "seconds": time.monotonic() - start, "said": text}


def best_of(n, measure, key):
    """The run that was disturbed least: a single core's rate on a machine with other guests."""
    return max((measure() for _ in range(n)), key=lambda result: result[key])


def at_most(value, target):
    return value <= target


def at_least(value, target):
    return value >= target


# name, how to run it, and rows: what, where in the result, comparison, target
BENCHES = [
    ("crypto", lambda: lines("bench_crypto"), []),
    ("ledger", lambda: lines("bench_ledger"), []),
    ("validate", validate, [
        ("batch check / its recoveries", ("worst_ratio",), at_most, 1.15),
    ]),
    ("enclave", lambda: lines("bench_enclave"), [
        ("empty batch of 3 enclaves / its signatures", ("create_ratio",), at_most, 1.5),
        ("accepting it / its signatures", ("accept_ratio",), at_most, 1.5),
    ]),
    ("catchup", lambda: lines("bench_catchup"), [
        ("node catch-up, 3 reports a batch, per s", ("catchup_batches_per_s",), at_least, 5000),
    ]),
    ("audit", lambda: lines("bench_audit"), [
        ("history: verify, apply, audit / bare recoveries, all cores", ("audit_of_bare",), at_least, 0.8),
        ("the same in processor time", ("audit_of_bare_cpu",), at_least, 0.8),
    ]),
    ("rpc", lambda: lines("bench_rpc"), [
        ("JSON-RPC, single calls a core second", ("rpc_eth_getBalance_single_per_cpu_s",), at_least, 8000),
        ("JSON-RPC, calls in batches of 50 a core second", ("rpc_eth_getBalance_batch_per_cpu_s",), at_least, 30000),
    ]),
    ("rollup", lambda: lines("bench_rollup"), [
        ("12,770 empty batches, exact seconds, bytes", ("empty_exact_bytes",), at_most, 640),
        ("the same, a host's times on a busy machine, bytes", ("empty_host_bytes",), at_most, 640),
        ("the same, L1's blocks late now and then, bytes", ("empty_l1_late_bytes",), at_most, 640),
        ("100,000 transfers / their random fields", ("transfers_of_fields",), at_most, 1.1),
        ("rebuild, empty batches a core, per s", ("rebuild_empty_batches_per_s_a_core",), at_least, 20000),
        ("rebuild, a transfer in ten, a core, per s",
         ("rebuild_one_transfer_in_ten_batches_per_s_a_core",), at_least, 20000),
    ]),
    ("rebuild", lambda: lines("bench_rebuild"), [
        ("tenseq rebuild, empty batches, per s", ("rebuild_from_l1_empty_per_s",), at_least, 20000),
        ("tenseq rebuild, a transfer in twenty batches, per s",
         ("rebuild_from_l1_transfer_in_twenty_per_s",), at_least, 20000),
    ]),
    ("sim", lambda: best_of(5, lambda: sim("--bench", "--batches", "20000"), "batches_per_s"), [
        ("simulated batches a second, 5 enclaves, 3 nodes", ("batches_per_s",), at_least, 10000),
    ]),
    ("sim-swarm", lambda: sim("--seeds", "2000", "--batches", "200"), [
        ("2,000 simulated worlds of 200 batches, s", ("seconds",), at_most, 120),
    ]),
    ("takeover", lambda: script("bench_takeover.py"), [
        ("takeover after kill -9, median ms", ("kill", "median_ms"), at_most, 5),
        ("takeover after kill -9, p99 ms", ("kill", "p99_ms"), at_most, 25),
        ("frozen active replaced, max ms", ("freeze", "max_ms"), at_most, 250),
        ("planned switch, most late ms", ("switch_late", "max_ms"), at_most, 10),
    ]),
    ("million", lambda: script("bench_million.py"), [
        ("enclave after a million batches, MiB", ("rss_mib", "enclave"), at_most, 32),
        ("host after a million batches, MiB", ("rss_mib", "host"), at_most, 96),
        ("node after a million batches, MiB", ("rss_mib", "node"), at_most, 96),
        ("node catch-up, a million, per s", ("node_catch_up_per_s",), at_least, 5000),
        ("enclave back from its checkpoint, s", ("restart_s",), at_most, 10),
        ("dashboard, first view after a million, ms", ("dashboard", "first_view_ms"), at_most, 300),
        ("dashboard, the whole page, bytes", ("dashboard", "weight_bytes"), at_most, 200_000),
    ]),
    ("l1-away", lambda: script("bench_l1_away.py"), [
        ("L1 killed for 60 s under load: batches of those due", ("of_due",), at_least, 0.95),
        ("the same: longest time between two, ms", ("longest_ms",), at_most, 400),
        ("the same: L1 is back until a newer block is named, s", ("named_again_s",), at_most, 20),
    ]),
    ("throughput", lambda: script("bench_throughput.py"), [
        ("transfers, share of the bound", ("of_bound",), at_least, 0.5),
    ]),
]


def pick(result, path):
    for key in path:
        result = result[key]
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--list", action="store_true")
    parser.add_argument("words", nargs="*")
    args = parser.parse_args()
    if args.list:
        print("\n".join(name for name, _, _ in BENCHES))
        return 0
    results, table, missed = {}, [], 0
    for name, run, rows in BENCHES:
        if args.words and not any(w in name for w in args.words):
            continue
        print(f"{name} …", file=sys.stderr, flush=True)
        results[name] = run()
        for what, path, compare, target in rows:
            value = pick(results[name], path)
            good = compare(value, target)
            missed += not good
            sign = "≤" if compare is at_most else "≥"
            table.append((what, f"{sign} {target}", value, "reached" if good else "MISSED"))
    for what, target, value, verdict in table:
        print(f"{what:<44} {target:>10} {value:>12} {verdict}", file=sys.stderr)
    json.dump(results, sys.stdout, indent=1)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
