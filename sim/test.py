#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What make test runs of the simulator; prints "N passed, N failed" as its last line.

usage: sim/test.py [PART…]     parts: seeds, fresh, real, same, attacks, flags, mutations; default: all

seeds      fixed worlds, with fast signatures
fresh      worlds that nobody has seen: the first seed comes from the system, and is printed
real       fixed worlds with real signatures
same       the same seeds twice: the same trace to the last bit
attacks    every lying operator
flags      those that do not go together are refused
mutations  every planted bug is found (sim/mutations)

A part counts once for each run of the simulator; flags and a mutation once each.
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


# Each with what its sentence names.
CLASHES = [
    (["--attack", "frozen", "--bench"], ["--bench", "--attack"]),
    (["--attack", "frozen", "--batches", "50"], ["--batches", "--attack"]),
    (["--attack", "all", "--jobs", "2"], ["--jobs", "--attack"]),
    (["--attack", "frozen", "--trace"], ["--trace", "more than one world"]),
    (["--attack", "all", "--seed", "3", "--trace"], ["--trace", "more than one world"]),
    (["--attack", "frozen", "--seed", "3", "--seeds", "2"], ["--seeds", "--seed"]),
    *((["--attack", "frozen", "--check", name], [name, "--attack"]) for name in ("I1", "I3", "I4", "I9")),
    (["--bench", "--seed", "3"], ["--seed", "--bench"]),
    (["--bench", "--seeds", "3"], ["--seeds", "--bench"]),
    (["--bench", "--first", "3"], ["--first", "--bench"]),
    (["--bench", "--jobs", "1"], ["--jobs", "--bench"]),
    (["--bench", "--check", "I3"], ["--check", "--bench"]),
    (["--bench", "--stop"], ["--stop", "--bench"]),
    (["--bench", "--trace"], ["--trace", "--bench"]),
    (["--seed", "3", "--seeds", "2"], ["--seeds", "--seed"]),
    (["--seed", "3", "--first", "2"], ["--first", "--seed"]),
    (["--seed", "3", "--jobs", "2"], ["--jobs", "--seed"]),
    (["--seed", "3", "--stop"], ["--stop", "--seed"]),
    (["--seeds", "3", "--trace"], ["--trace", "more than one world"]),
    (["--check", "I13"], ["--check", "I13"]),
    (["--attack", "nobody"], ["--attack", "nobody"]),
]
# Short ones that do go together.
MATCHES = [
    ["--attack", "frozen", "--seed", "3", "--trace", "--check", "I12"],
    ["--attack", "frozen", "--first", "3", "--seeds", "2", "--stop", "--check", "I2"],
    ["--bench", "--batches", "20", "--crypto", "fast"],
    ["--seed", "3", "--batches", "20", "--trace=false", "--check", "I3"],
    ["--first", "3", "--seeds", "2", "--batches", "20", "--jobs", "1", "--stop", "--check", "I12"],
]


def is_refused(args, words):
    """Exit code 2 and one sentence with all of the words, which is shown where it is wrong."""
    done = subprocess.run([SIM, *args], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=TIMEOUT)
    lines = done.stderr.splitlines()
    good = (done.returncode == 2 and done.stdout == "" and len(lines) == 1 and
            lines[0].startswith("tenseq-sim: ") and all(word in lines[0] for word in words))
    if not good:
        print(f"    {' '.join(args)}: {done.returncode}: {done.stderr or done.stdout[:200]}", flush=True)
    return good


def flags():
    good = [is_refused(args, words) for args, words in CLASHES]
    for args in MATCHES:
        done = subprocess.run([SIM, *args], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=TIMEOUT)
        good.append(done.returncode == 0 and done.stderr == "")
        if not good[-1]:
            print(f"    {' '.join(args)}: {done.returncode}: {done.stderr}", flush=True)
    return sum(good), len(good) - sum(good)


def mutations():
    program = os.path.join(ROOT, "sim", "mutations", "run.py")
    done = subprocess.run([program], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    print("".join(f"    {line}\n" for line in done.stdout.splitlines()), end="", flush=True)
    good = len(re.findall(r"^ok ", done.stdout, re.M))
    bad = len(re.findall(r"^FAIL ", done.stdout, re.M))
    return good, bad if bad or done.returncode == 0 else 1


PARTS = {"seeds": seeds, "fresh": fresh, "real": real, "same": same, "attacks": attacks,
         "flags": flags, "mutations": mutations}


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
