#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the made parts of the documents against the code, or makes them anew.

usage: scripts/docs.py [--examples PROGRAM] [--metrics PROGRAM] [--write]

A made part stands between "<!-- made: NAME -->" and "<!-- end -->". Its text follows from what
the programs print (default build/tests/docs/doc_examples and doc_metrics), from tests/vectors, which Foundry's cast made,
and from the decoder and the Keccak-256 in scripts/docgen, which share no line with the code.
"""

import argparse
import difflib
import os
import sys

from docgen import parts

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def main():
    parser = argparse.ArgumentParser(description="The made parts of the documents.")
    parser.add_argument("--examples", default=os.path.join(ROOT, "build/tests/docs/doc_examples"))
    parser.add_argument("--metrics", default=os.path.join(ROOT, "build/tests/docs/doc_metrics"))
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    made = parts.Parts(ROOT, arguments.examples, arguments.metrics)
    stale = 0
    for name in parts.documents(ROOT):
        path = os.path.join(ROOT, name)
        with open(path, encoding="utf-8") as f:
            old = f.read()
        new = made.renew(name, old)
        if new == old:
            continue
        stale += 1
        if arguments.write:
            with open(path, "w", encoding="utf-8") as f:
                f.write(new)
            print(f"{name}: written anew")
            continue
        difference = difflib.unified_diff(old.split("\n"), new.split("\n"), name, "the code", n=1,
                                          lineterm="")
        print("\n".join(list(difference)[:60]))
    if stale and not arguments.write:
        print(f"docs: {stale} documents differ from the code; scripts/docs.py --write renews them")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
