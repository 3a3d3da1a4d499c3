#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the model of the switch-over with Spin, and that it can fail.

usage: sim/model/run.py [--deep] [NAME…]

Searches each world to its end: no assertion may fail, no step of the model may be out of reach, and
the search must not have been cut short. Then it leaves out one rule at a time (M_… in the model) and
searches again: an assertion must fail, and one of the invariants named here.

--deep   larger worlds, for minutes each
NAME     only these rows

Needs spin and gcc. Exit code 0: all as it should be; 1: not; 2: it could not be run.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
MODEL = os.path.join(HERE, "switchover.pml")
MEGABYTES = 3900
DEPTH = 100000
SECONDS = 1800
OUT_OF_REACH = {"-end-"}

HONEST = ""
THREE = "E=3 MAXNUM=1 NB=3 MAXT=4 LINK_LOSSES=0"
LIAR = "LIAR NB=3 MAXT=5 MAXTERM=2"
LIAR_THREE = "LIAR E=3 NB=2 MAXT=3 MAXTERM=2 MAXBOOT=1"

# Worlds searched to the end: name, definitions, d_steps that the bounds put out of reach.
WORLDS = [
    ("honest", HONEST, 0),
    ("honest-three", THREE, 1),         # no link is lost
    ("liar", LIAR, 0),
    ("liar-three", LIAR_THREE, 1),      # no second boot
]
DEEP = [
    ("honest-crashes", "HOST_CRASHES=2", 0),
    ("honest-links", "LINK_LOSSES=2", 0),
]
# Mutations: name, definitions, the invariants of which one must fail.
MUTATIONS = [
    ("sent-before-stored", f"{HONEST} M_SENT_BEFORE_STORED", "I3"),
    ("sent-before-stored-I1", f"{HONEST} M_SENT_BEFORE_STORED WITHOUT_I3", "I1"),
    ("sent-before-committed", f"{HONEST} M_SENT_BEFORE_COMMITTED", "I3"),
    ("sent-before-committed-I1", f"{HONEST} M_SENT_BEFORE_COMMITTED WITHOUT_I3", "I1"),
    ("term-not-stored", f"{HONEST} M_TERM_NOT_STORED", "I5"),
    ("late-answer-taken", f"{HONEST} M_LATE_ANSWER", "D"),
    ("discarded-taken", f"{HONEST} M_DISCARDED_TAKEN", "D"),
    ("discard-forgotten", f"{HONEST} M_DISCARD_FORGOTTEN", "D"),
    ("second-prepared", f"{HONEST} M_SECOND_PREPARED", "D"),
    ("head-not-judged", f"{HONEST} M_NOT_JUDGED", "H"),
    ("rewind-allowed", f"{LIAR} M_REWIND", "I2"),
    ("built-twice", f"{LIAR} M_BUILT_TWICE", "I2"),
    ("term-unchecked", f"{LIAR} M_TERM_UNCHECKED", "I5"),
    ("roles-unchecked", f"{LIAR} M_ROLES_UNCHECKED", "I5"),
    ("absent-unchecked", f"{LIAR} M_ABSENT_UNCHECKED", "I8"),
    ("tip-unchecked", f"{LIAR} M_TIP_UNCHECKED", "I8"),
    ("lag-unchecked", f"{LIAR} M_LAG_UNCHECKED", "I8"),
    ("gaps-unchecked", f"{LIAR} M_GAPS", "I8"),
]


class Broken(Exception):
    """Spin, gcc or the search did not do what it should."""


def call(command, where, seconds=SECONDS):
    try:
        done = subprocess.run(command, cwd=where, capture_output=True, text=True, timeout=seconds,
                              check=False)
    except subprocess.TimeoutExpired as error:
        raise Broken(f"{command[0]} did not end within {seconds} s") from error
    except FileNotFoundError as error:
        raise Broken(f"{command[0]} is missing: run make setup") from error
    return done.returncode, done.stdout + done.stderr


def build(definitions, where, level):
    flags = [f"-D{one}" for one in definitions.split()]
    code, text = call(["spin", "-a", *flags, MODEL], where)
    if code != 0 or "Error" in text or not os.path.exists(os.path.join(where, "pan.c")):
        raise Broken(f"spin refuses the model: {text.strip()}")
    # Safety only; no partial-order reduction: nearly every step touches what others read.
    code, text = call(["gcc", level, "-w", "-DSAFETY", "-DNOREDUCE", f"-DMEMLIM={MEGABYTES}",
                       "-o", "pan", "pan.c"], where)
    if code != 0:
        raise Broken(f"gcc refuses the search: {text.strip()}")
    return flags


def search(definitions, where, level):
    """What pan says. Broken: it did not search all there is, or stopped for another reason than an
    assertion."""
    flags = build(definitions, where, level)
    code, text = call(["./pan", "-E", f"-m{DEPTH}", "-w24"], where)
    found = re.search(r"errors: (\d+)", text)
    stored = re.search(r"(\d+) states, stored", text)
    memory = re.search(r"([\d.]+)\s+total actual memory usage", text)
    if code != 0 or not found or not stored or not memory:
        raise Broken(f"the search ended in an odd way (code {code}): {text.strip()[-600:]}")
    failed = re.search(r"pan:\d+: (.*)", text)
    if failed and "assertion violated" not in failed[1]:
        raise Broken(f"the search stopped: {failed[1]}")
    for sign in ("max search depth too small", "out of memory", "reached -DMEMLIM", "hash-table full",
                 "VECTORSZ", "aborted"):
        if sign in text:
            raise Broken(f"the search was cut short: {sign}")
    if not failed and "Search not completed" in text:
        raise Broken("the search was cut short")
    if not failed and "full statespace search" not in text.lower():
        raise Broken("pan did not search the full state space")
    return {"flags": flags, "failed": failed is not None, "states": int(stored[1]),
            "megabytes": float(memory[1]), "text": text}


def out_of_reach(text):
    """Steps that no run takes, as pan lists them."""
    found = re.findall(r'(\w+\.pml):(\d+), state \d+, "([^"]*)"', text)
    return [f"{name}:{line}" for name, line, what in found if what not in OUT_OF_REACH]


def invariant(result, where):
    """The invariant whose assertion failed: named in the comment above it."""
    _, text = call(["spin", "-t", *result["flags"], "-k", "switchover.pml.trail", MODEL], where)
    found = re.search(r"(\w+\.pml):(\d+), Error: assertion violated", text)
    if not found:
        raise Broken(f"spin does not replay the violation: {text.strip()[-400:]}")
    with open(os.path.join(HERE, found[1]), encoding="utf-8") as f:
        lines = f.read().split("\n")[:int(found[2])]
    for line in reversed(lines[-8:]):
        named = re.search(r"/\* ([A-Z]\d*): ", line)
        if named:
            return named[1]
    raise Broken(f"{found[1]}:{found[2]} names no invariant")


def run_row(name, definitions, expected, spare):
    """One line of the table; True when it is as it should be."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tenseq-model-") as where:
        try:
            # A violation is found at once; a world takes longer to search than to compile.
            result = search(definitions, where, "-O2" if expected == "none" else "-O0")
            failed = invariant(result, where) if result["failed"] else "none"
            unreached = out_of_reach(result["text"]) if expected == "none" else []
            verdict = "good" if failed == expected else f"BAD: {expected} should fail"
            if failed == expected and len(unreached) != spare:
                verdict = f"BAD: out of reach: {', '.join(unreached) or 'nothing, this is new'}"
            row = (f"{result['states']:>10}", f"{result['megabytes']:>6.0f}", failed)
        except Broken as error:
            verdict = f"BAD: {error}"
            row = (f"{'-':>10}", f"{'-':>6}", "-")
    seconds = time.monotonic() - start
    print(f"{name:<26}{row[0]}{row[1]}{seconds:>7.1f}  {row[2]:<6}{verdict}", flush=True)
    return verdict == "good"


def main():
    parser = argparse.ArgumentParser(description="Checks the model of the switch-over with Spin.")
    parser.add_argument("--deep", action="store_true")
    parser.add_argument("names", nargs="*", metavar="NAME")
    arguments = parser.parse_args()
    worlds = WORLDS + (DEEP if arguments.deep else [])
    rows = [(name, text, "none", spare) for name, text, spare in worlds]
    rows += [(name, text, expected, 0) for name, text, expected in MUTATIONS]
    unknown = set(arguments.names) - {row[0] for row in rows}
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: no such row")
    rows = [row for row in rows if not arguments.names or row[0] in arguments.names]
    print(f"{'model':<26}{'states':>10}{'MB':>6}{'s':>7}  fails")
    good = sum(run_row(*row) for row in rows)
    print(f"{good} passed, {len(rows) - good} failed")
    return 0 if good == len(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
