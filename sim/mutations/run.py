#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plants each bug of this directory into a copy of the code and requires that the simulator finds it.

    sim/mutations/run.py [-j JOBS] [WORD…]    only those whose name holds a WORD

A mutation is a patch of a line or two with a head: What it breaks, which checkers Find it (each of them
alone), within how many Seeds, from the First on, of how many Batches; Attack: only under this lying operator. A
mutation that is not found is an error, and so is one that no longer applies or builds. Where a rule is
held in several places the patch takes them all away; what a core's own assertion ends is found by
"assert".
"""
import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def read(path):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    head, patch = text.split("\n\n", 1)
    fields = dict(line.split(": ", 1) for line in head.split("\n"))
    return {
        "name": os.path.basename(path)[: -len(".patch")],
        "what": fields["What"],
        "finds": fields["Finds"].split(),
        "seeds": fields["Seeds"],
        "first": fields.get("First", "1"),
        "batches": fields.get("Batches", "120"),
        "attack": fields.get("Attack"),
        "patch": patch,
    }


def run(argv, cwd, **kw):
    return subprocess.run(argv, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kw)


class Tree:
    """A copy of the sources with a build directory of its own.

    What is built already is taken along, so that only what a patch touches is compiled again: ninja
    knows sources by their paths from the build directory and by their times, and both stay."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="tenseq-mutations-")
        self.src = os.path.join(self.dir, "src")
        shutil.copytree(ROOT, self.src, ignore=self.leave_out, symlinks=True)
        if not os.path.exists(os.path.join(self.src, "build", "build.ninja")):
            done = run(["meson", "setup", "build"], self.src)
            if done.returncode != 0:
                sys.exit(done.stdout)
        self.build()

    @staticmethod
    def leave_out(folder, names):
        if folder == os.path.join(ROOT, "build"):
            return [n for n in names if n in ("tests", "fuzz", "bench", "examples")]
        if folder != ROOT:
            return []
        return [n for n in names if n != "build" and n.startswith((".git", "build", "node_modules", "devnet-data"))]

    def build(self):
        done = run(["ninja", "-C", "build", "sim/tenseq-sim"], self.src)
        if done.returncode != 0:
            raise RuntimeError("does not build:\n" + done.stdout[-2000:])

    def patch(self, text, back=False):
        argv = ["patch", "-p1", "--batch", "--fuzz=2"] + (["-R"] if back else [])
        done = run(argv, self.src, input=text)
        if done.returncode != 0:
            raise RuntimeError("does not apply:\n" + done.stdout)

    def simulate(self, mutation, check):
        argv = ["build/sim/tenseq-sim", "--first", mutation["first"], "--seeds", mutation["seeds"], "--stop"]
        argv += ["--check", check] if check != "assert" else []
        if mutation["attack"]:
            argv += ["--attack", mutation["attack"]]
        else:
            argv += ["-j", "1", "--batches", mutation["batches"]]
        return run(argv, self.src, timeout=600)

    def free(self):
        shutil.rmtree(self.dir)


def hunt(tree, mutation):
    """Sentences about what was found, and whether all of it was."""
    lines, good = [], True
    try:
        tree.patch(mutation["patch"])
    except RuntimeError as e:
        return [str(e)], False
    try:
        tree.build()
        for check in mutation["finds"]:
            start = time.monotonic()
            done = tree.simulate(mutation, check)
            took = time.monotonic() - start
            found = re.search(r"^(?:.* )?seed (\d+): (I\d+) is violated.*$", done.stdout, re.M)
            died = done.returncode not in (0, 1) or "check failed" in done.stdout
            if check == "assert" and "check failed" in done.stdout:
                where = re.search(r"(src/\S+): check failed", done.stdout)
                lines.append(f"ended by {where.group(1) if where else 'an assertion'} ({took:.1f} s)")
            elif found and found.group(2) == check:
                lines.append(f"{check} at seed {found.group(1)} ({took:.1f} s)")
            elif died:
                lines.append(f"{check}: the simulator ended: {done.stdout[-300:]}")
                good = False
            else:
                lines.append(f"{check}: NOT FOUND in {mutation['seeds']} seeds from {mutation['first']} on ({took:.1f} s)")
                good = False
    except (RuntimeError, subprocess.TimeoutExpired) as e:
        lines, good = lines + [str(e)], False
    finally:
        tree.patch(mutation["patch"], back=True)
    return lines, good


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("-j", type=int, default=os.cpu_count() or 1, metavar="JOBS",
                        help="how many at a time (default: one for each core)")
    parser.add_argument("words", nargs="*", metavar="WORD", help="only mutations whose name holds one")
    args = parser.parse_args()
    paths = sorted(os.path.join(HERE, f) for f in os.listdir(HERE) if f.endswith(".patch"))
    mutations = [read(p) for p in paths]
    mutations = [m for m in mutations if not args.words or any(w in m["name"] for w in args.words)]
    if not mutations:
        print("no mutation has such a name", file=sys.stderr)
        return 2
    trees = [Tree() for _ in range(max(1, min(args.j, len(mutations))))]
    free, lock = list(trees), threading.Lock()

    def one(mutation):
        with lock:
            tree = free.pop()
        try:
            return mutation, *hunt(tree, mutation)
        finally:
            with lock:
                free.append(tree)

    failed, checkers = 0, set()
    with concurrent.futures.ThreadPoolExecutor(len(trees)) as pool:
        for mutation, lines, good in pool.map(one, mutations):
            failed += not good
            checkers |= set(mutation["finds"]) if good else set()
            print(f"{'ok  ' if good else 'FAIL'} {mutation['name']:28} {'; '.join(lines)}", flush=True)
    for tree in trees:
        tree.free()
    missing = [f"I{i}" for i in range(1, 13) if f"I{i}" not in checkers]
    if not args.words and missing:
        print("no mutation was found by " + ", ".join(missing))
    print(f"{len(mutations) - failed} of {len(mutations)} mutations found")
    return 1 if failed or (missing and not args.words) else 0


if __name__ == "__main__":
    sys.exit(main())
