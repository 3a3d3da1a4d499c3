# SPDX-License-Identifier: Apache-2.0
"""The made parts of the documents are what the code gives (scripts/docs.py)."""

import os
import re

from docgen import parts

NAME = "doc-parts"
QUICK = False
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(ROOT, "build/tests/docs/doc_examples")
METRICS = os.path.join(ROOT, "build/tests/docs/doc_metrics")


def first_difference(old, new):
    lines = enumerate(zip(old.split("\n"), new.split("\n")), 1)
    return next((number for number, (a, b) in lines if a != b), 1)


def run(tree):
    if not os.path.exists(PROGRAM):
        return ["build/: has no tests/docs/doc_examples; run make first"]
    made = parts.Parts(ROOT, PROGRAM, METRICS)
    problems = []
    for name in tree.named(".md"):
        text = tree.read(name)
        if "<!-- made: " not in text or name.startswith(parts.SKIPPED):
            continue
        new = made.renew(name, text)
        if new != text:
            problems.append(f"{name}:{first_difference(text, new)}: is not what the code gives; "
                            "scripts/docs.py --write makes it anew")
    return problems


PLANTS = [
    ("an example with another digit",
     {"docs/protocol.md": lambda old: re.sub(r"(?m)^(  94 [0-9a-f]{39})[0-9a-f]", r"\g<1>x", old,
                                             count=1)}),
]
