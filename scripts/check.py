#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The mechanical checks of STYLE.md.

usage: scripts/check.py [--quick] [--self-test] [NAME…]

--quick      only the checks that need neither a build nor a compiler's tool
--self-test  also prove that each check can fail: plant what it must refuse in a copy of the tree
NAME         only these checks

The last line is "N passed, N failed": one for each check, and one for each violation planted.
"""

import argparse
import os
import shutil
import sys
import tempfile

import checks
from checks.tree import Tree

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHOWN = 50


def run_check(check, tree):
    """True when there is no problem; problems are printed."""
    problems = check.run(tree)
    for problem in problems[:SHOWN]:
        print(f"{check.NAME}: {problem}")
    if len(problems) > SHOWN:
        print(f"{check.NAME}: and {len(problems) - SHOWN} more")
    print(f"{check.NAME}: {'good' if not problems else f'{len(problems)} problems'}", flush=True)
    return not problems


def copy_tree(tree, where):
    for name in tree.files:
        target = os.path.join(where, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy2(tree.path(name), target)


def refuses(check, where, files):
    """Whether the check names one of the planted files, and names nothing without them."""
    before = {}
    for name, text in files.items():
        path = os.path.join(where, name)
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                before[name] = f.read()
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text(before[name]) if callable(text) else text)
    problems = check.run(Tree(where, files))
    for name in files:
        path = os.path.join(where, name)
        os.unlink(path)
        if name in before:
            with open(path, "w", encoding="utf-8") as f:
                f.write(before[name])
    names = [os.path.basename(name) for name in files]
    return any(name in problem for name in names for problem in problems)


def self_test(check, tree):
    """How many planted violations the check refused, and how many it let pass."""
    refused = missed = 0
    with tempfile.TemporaryDirectory(prefix="tenseq-check-") as where:
        copy_tree(tree, where)
        for what, files in check.PLANTS:
            if refuses(check, where, files):
                refused += 1
            else:
                missed += 1
                print(f"{check.NAME}: self-test: does not refuse {what}")
    print(f"{check.NAME}: self-test: refuses {refused} of {refused + missed}", flush=True)
    return refused, missed


def chosen(arguments, parser):
    by_name = {check.NAME: check for check in checks.ALL}
    for name in arguments.names:
        if name not in by_name:
            parser.error(f"{name} is not one of {', '.join(by_name)}")
    found = [by_name[name] for name in arguments.names] or checks.ALL
    return [check for check in found if check.QUICK or not arguments.quick]


def main():
    parser = argparse.ArgumentParser(description="The mechanical checks of STYLE.md.")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("names", nargs="*", metavar="NAME")
    arguments = parser.parse_args()
    tree = Tree(ROOT)
    passed = failed = 0
    for check in chosen(arguments, parser):
        good = run_check(check, tree)
        passed, failed = passed + good, failed + (not good)
        if arguments.self_test:
            refused, missed = self_test(check, tree)
            passed, failed = passed + refused, failed + missed
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
