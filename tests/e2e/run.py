#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the end-to-end tests: each function test_* in the files test_*.py beside this one.

  run.py [-j N] [WORD…]   only tests whose name holds one of the words
"""

import argparse
import concurrent.futures
import glob
import importlib
import os
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def find(words):
    sys.path.insert(0, HERE)
    for path in sorted(glob.glob(os.path.join(HERE, "test_*.py"))):
        module = os.path.basename(path)[:-3]
        for name in vars(importlib.import_module(module)):
            full = f"{module}.{name}"
            if name.startswith("test_") and (not words or any(w in full for w in words)):
                yield full


def end_group(child):
    """Whatever a test that failed or hangs has left running."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    child.wait()


def run_one(full):
    """In a process of its own, so that nothing of one test is left in the next."""
    start = time.monotonic()
    limit = 180 * float(os.environ.get("E2E_SLOW", "1"))
    child = subprocess.Popen([sys.executable, os.path.abspath(__file__), "--one", full],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             start_new_session=True)
    try:
        text, _ = child.communicate(timeout=limit)
        ok = child.returncode == 0
    except subprocess.TimeoutExpired as e:
        ok, text = False, f"not done after {limit:.0f} s\n{e.stdout or ''}"
    end_group(child)
    return full, ok, text, time.monotonic() - start


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-j", type=int, default=2)
    parser.add_argument("--one")
    parser.add_argument("words", nargs="*")
    args = parser.parse_args()
    if args.one:
        sys.path.insert(0, HERE)
        module, name = args.one.split(".")
        getattr(importlib.import_module(module), name)()
        return 0
    tests = list(find(args.words))
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(args.j) as pool:
        for full, ok, text, took in pool.map(run_one, tests):
            print(f"{'ok  ' if ok else 'FAIL'} {full} ({took:.1f} s)", flush=True)
            if ok:  # what a test has to say of how it was done
                for line in text.splitlines():
                    if line.startswith("note: "):
                        print("    " + line, flush=True)
            else:
                print("    " + text.replace("\n", "\n    "), flush=True)
            passed, failed = passed + ok, failed + (not ok)
    print(f"e2e: {passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
