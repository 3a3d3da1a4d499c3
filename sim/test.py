#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What make test runs of the simulator; prints "N passed, N failed" as its last line.

usage: sim/test.py [PART…]     parts: seeds, fresh, real, same, attacks, mutations; default: all

seeds      fixed worlds, with fast signatures
fresh      worlds that nobody has seen: the first seed comes from the system, and is printed
real       fixed worlds with real signatures
same       the same seeds twice: the same trace to the last bit
attacks    every lying operator
mutations  every planted bug is found (sim/mutations)

A part counts once for each run of the simulator, a mutation once each.
"""

import os
import re
import secrets
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SIM = os.path.join(os.environ.get("SIM_BUILD", os.path.join(ROOT, "build")), "sim", "tenseq-sim")
TIMEOUT = 900


def simulate(*args):
    """Exit code 0 and what it printed, which is shown."""
    try:
        done = subprocess.run([SIM, *args], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT)
        print("".join(f"    {line}\n" for line in done.stdout.splitlines()), end="", flush=True)
        return done.returncode == 0, done.stdout
    except subprocess.TimeoutExpired:
        print(f"    {' '.join(args)}: not done after {TIMEOUT} s", flush=True)
        return False, ""


def count(good):
    return (1, 0) if good else (0, 1)


def seeds():
    return count(simulate("--seeds", "400", "--batches", "120")[0])


def fresh():
    first = 1000000 + secrets.randbelow(1 << 48)
    return count(simulate("--first", str(first), "--seeds", "200", "--batches", "120")[0])


def real():
    return count(simulate("--seeds", "10", "--batches", "60", "--crypto", "real")[0])


def same():
    hashes = []
    for _ in range(2):
        good, text = simulate("--first", "5000", "--seeds", "20", "--batches", "60")
        found = re.search(r"hash ([0-9a-f]{16})", text)
        hashes.append(found[1] if good and found else None)
    return count(hashes[0] is not None and hashes[0] == hashes[1])


def attacks():
    good = simulate("--attack", "all", "--seeds", "10")[0]
    real = simulate("--attack", "all", "--seeds", "1", "--crypto", "real")[0]
    return good + real, 2 - good - real


def mutations():
    program = os.path.join(ROOT, "sim", "mutations", "run.py")
    done = subprocess.run([program], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    print("".join(f"    {line}\n" for line in done.stdout.splitlines()), end="", flush=True)
    good = len(re.findall(r"^ok ", done.stdout, re.M))
    bad = len(re.findall(r"^FAIL ", done.stdout, re.M))
    return good, bad if bad or done.returncode == 0 else 1


PARTS = {"seeds": seeds, "fresh": fresh, "real": real, "same": same, "attacks": attacks,
         "mutations": mutations}


def main():
    names = sys.argv[1:] or list(PARTS)
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"sim/test.py: {unknown[0]} is not one of {', '.join(PARTS)}", file=sys.stderr)
        return 2
    passed = failed = 0
    for name in names:
        good, bad = PARTS[name]()
        print(f"{'ok  ' if not bad else 'FAIL'} {name}", flush=True)
        passed, failed = passed + good, failed + bad
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
