# SPDX-License-Identifier: Apache-2.0
"""What the documents name exists: links, paths, functions, log events; and every event is told."""

import fnmatch
import os
import re

NAME = "docs"
QUICK = True
OPERATIONS = "docs/operations.md"
DECISIONS = "docs/adr/README.md"

LINK = re.compile(r"\]\(([^)#\s]*)(#[^)\s]*)?\)")
# A path of the tree in a document, perhaps with a function behind it: src/host/core.c:ts_host_step
PATH = re.compile(r"(?<![\w./@-])((?:src|include|tests|docs|scripts|examples|packaging|fuzz|bench|sim)/"
                  r"[\w./*@-]*[\w/*])(?::([a-z_]\w*)(?![\w(]))?")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
# Where a program's events are logged, and under which heading of operations.md they are told.
PROGRAMS = {"Events of the host": ("src/host/", "src/shell/"),
            "Events of an enclave": ("src/enclave/",),
            "Events of a node": ("src/node/", "src/shell/"),
            "Events of following L1": ("src/l1/follower",),
            "Events of sending to L1": ("src/l1/submitter",)}
EVENT_CALL = re.compile(r"\b(out_event|ts_log|ts_node_event|ts_l1f_event|ts_l1_submit_event|fail)\(")
EVENT_NAME = re.compile(r'"([a-z][a-z0-9]*(?:-[a-z0-9]+)*)"')


def documents(tree):
    """The documents, and the model, whose comments say which code each step stands for."""
    return tree.named(".pml") + [name for name in tree.named(".md")
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


def logged(tree, directories):
    """Event names to the files that log them."""
    found = {}
    for name in tree.named(".c"):
        if not name.startswith(directories):
            continue
        text = tree.read(name)
        for call in EVENT_CALL.finditer(text):
            for event in events_of(call[1], arguments_of(text, call.end())):
                found.setdefault(event, name)
    return found


def arguments_of(text, at):
    """The arguments of the call whose parenthesis opens before at."""
    depth, quoted, arguments = 0, False, [""]
    while depth >= 0 and at < len(text):
        character = text[at]
        quoted ^= character == '"' and text[at - 1] != "\\"
        if not quoted:
            depth += character in "(["
            depth -= character in ")]"
        if character == "," and depth == 0 and not quoted:
            arguments.append("")
        else:
            arguments[-1] += character
        at += 1
    return [argument.strip() for argument in arguments]


def events_of(function, arguments):
    """The names in the argument behind the level (or, of fail, behind the error)."""
    if function == "fail":
        named = arguments[1] if len(arguments) == 3 else ""
        return EVENT_NAME.findall(named) if named.startswith('"') else []
    for i, argument in enumerate(arguments[:-1]):
        if "TS_LOG_" in argument:
            return EVENT_NAME.findall(arguments[i + 1])
    return []


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
    if not os.path.exists(tree.path(OPERATIONS)):
        return
    text = tree.read(OPERATIONS)
    for heading, directories in PROGRAMS.items():
        events, table = logged(tree, directories), told(text, heading)
        for event in sorted(set(events) - set(table)):
            yield f"{events[event]}: logs {event}, which {OPERATIONS} does not tell"
        for event in sorted(set(table) - set(events)):
            yield (f"{OPERATIONS}:{table[event]}: tells {event}, which {' and '.join(directories)} "
                   "does not log")


def index_problems(tree):
    """Every decision is in the list of decisions."""
    listed = tree.read(DECISIONS) if os.path.exists(tree.path(DECISIONS)) else ""
    for name in tree.files:
        base = os.path.basename(name)
        if re.match(r"docs/adr/\d{4}-.*\.md$", name) and f"({base})" not in listed:
            yield f"{name}: is not listed in {DECISIONS}"


def run(tree):
    problems = list(index_problems(tree))
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
    ("a decision that is in no list", {"docs/adr/9999-planted.md": "# 9999. Planted\n"}),
    ("an event that nobody is told of",
     {"src/host/planted.c": 'void f(void)\n{\n    ts_log(TS_LOG_WARN, "planted-event", NULL);\n}\n'}),
    ("a function that does not exist",
     {"docs/planted.md": "see `src/host/core.c:ts_planted`\n"}),
]
