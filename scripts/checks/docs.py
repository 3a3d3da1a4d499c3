# SPDX-License-Identifier: Apache-2.0
"""What the documents name exists: links, paths, functions, log events; and every event is told."""

import fnmatch
import os
import re

NAME = "docs"
QUICK = True
OPERATIONS = "docs/operations.md"

LINK = re.compile(r"\]\(([^)#\s]*)(#[^)\s]*)?\)")
# A path of the tree in a document, perhaps with a function behind it: src/host/core.c:ts_host_step
PATH = re.compile(r"(?<![\w./@-])((?:src|include|tests|docs|scripts|examples|packaging|fuzz|bench)/"
                  r"[\w./*-]*[\w/*])(?::([a-z_]\w*)(?![\w(]))?")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
# Where a program's events are logged, and under which heading of operations.md they are told.
PROGRAMS = {"Events of the host": "src/host/", "Events of an enclave": "src/enclave/",
            "Events of a node": "src/node/"}
EVENT_CALL = re.compile(r"\b(?:out_event|ts_log|node_event|event|fail)\((?:[^;]|;(?=[^\n]))*?;")
EVENT_NAME = re.compile(r'"([a-z][a-z0-9]*(?:-[a-z0-9]+)*)"')


def documents(tree):
    return [name for name in tree.named(".md")
            if "/" not in name or name.startswith(("docs/", "src/"))]


def anchors(text):
    """GitHub's anchors of a document's headings."""
    found = set()
    for title in HEADING.findall(text):
        plain = re.sub(r"[^\w\- ]", "", re.sub(r"`|\[([^]]*)\]\([^)]*\)", r"\1", title).lower())
        found.add("#" + plain.strip().replace(" ", "-"))
    return found


def link_problems(tree, name, number, line):
    for target, anchor in LINK.findall(line):
        if ":" in target:
            continue
        path = os.path.normpath(os.path.join(os.path.dirname(name), target)) if target else name
        if not os.path.exists(tree.path(path)):
            yield f"{name}:{number}: links to {target}, which does not exist"
        elif anchor and path.endswith(".md") and anchor not in anchors(tree.read(path)):
            yield f"{name}:{number}: links to {path}{anchor}, which has no such heading"


def path_problems(tree, name, number, line):
    for path, function in PATH.findall(line):
        if "NAME" in path:
            continue
        if "*" in path:
            good = any(fnmatch.fnmatch(other, path) for other in tree.files)
        else:
            good = os.path.exists(tree.path(path))
        if not good:
            yield f"{name}:{number}: names {path}, which does not exist"
        elif function and not re.search(rf"\b{function}\b", tree.read(path)):
            yield f"{name}:{number}: {path} has no {function}"


def logged(tree, directory):
    """Event names to the files that log them."""
    found = {}
    for name in tree.named(".c"):
        if not name.startswith(directory):
            continue
        for call in EVENT_CALL.findall(tree.read(name)):
            for event in event_of(call):
                found.setdefault(event, name)
    return found


def event_of(call):
    """The names in the argument behind the level (or, of fail, behind the error)."""
    depth = 0
    arguments = [""]
    for character in call[call.index("(") + 1:]:
        depth += character in "(["
        depth -= character in ")]"
        if character == "," and depth == 0:
            arguments.append("")
        else:
            arguments[-1] += character
    level = next((i for i, a in enumerate(arguments) if "TS_LOG_" in a), None)
    at = 1 if call.startswith("fail") else None if level is None else level + 1
    if at is None or at >= len(arguments):
        return []
    return EVENT_NAME.findall(arguments[at])


def told(text, heading):
    """Event names in the table under a heading, with their line numbers."""
    found = {}
    inside = False
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("#"):
            inside = line.lstrip("# ").strip() == heading
        match = re.match(r"\| `([a-z0-9-]+)`", line)
        if inside and match:
            found[match[1]] = number
    return found


def event_problems(tree):
    if OPERATIONS not in tree.files:
        return
    text = tree.read(OPERATIONS)
    for heading, directory in PROGRAMS.items():
        events, table = logged(tree, directory), told(text, heading)
        for event in sorted(set(events) - set(table)):
            yield f"{events[event]}: logs {event}, which {OPERATIONS} does not tell"
        for event in sorted(set(table) - set(events)):
            yield f"{OPERATIONS}:{table[event]}: tells {event}, which {directory} does not log"


def run(tree):
    problems = []
    for name in documents(tree):
        for number, line in tree.lines(name):
            problems += link_problems(tree, name, number, line)
            problems += path_problems(tree, name, number, line)
    return problems + list(event_problems(tree))


PLANTS = [
    ("a link to nowhere", {"docs/planted.md": "[x](nowhere.md)\n"}),
    ("a link to a heading that is not there",
     {"docs/planted.md": "[x](protocol.md#no-such-heading)\n"}),
    ("a path that does not exist", {"docs/planted.md": "see `src/host/planted.c`\n"}),
    ("a function that does not exist",
     {"docs/planted.md": "see `src/host/core.c:ts_planted`\n"}),
]
