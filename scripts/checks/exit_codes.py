# SPDX-License-Identifier: Apache-2.0
"""The systemd units and src/cfg/exit.h agree on which exit codes are not restarted."""

import re

NAME = "exit-codes"
QUICK = True
HEADER = "src/cfg/exit.h"
KEY = "RestartPreventExitStatus="


def header_codes(text):
    numbers = dict(re.findall(r"(TS_EXIT_[A-Z]+) = (\d+)", text))
    macro = text.split("#define TS_EXIT_RESTARTS", 1)[-1]
    return sorted(int(numbers[name]) for name in re.findall(r"!= (TS_EXIT_[A-Z]+)", macro))


def run(tree):
    codes = header_codes(tree.read(HEADER))
    units = [name for name in tree.named(".service") if name.startswith("packaging/systemd/")]
    problems = [] if units and codes else ["packaging/systemd: has no units to compare"]
    for name in units:
        for word in [KEY, "Type=notify", "Restart=always", "NoNewPrivileges=yes",
                     "ProtectSystem=strict", "SystemCallFilter="]:
            if word not in tree.read(name):
                problems.append(f"{name}: lacks {word}")
        for number, line in tree.lines(name):
            if line.startswith(KEY) and sorted(map(int, line[len(KEY):].split())) != codes:
                problems.append(f"{name}:{number}: {line} differs from {HEADER}: {codes}")
    return problems


PLANTS = [
    ("a unit that restarts what must not be", {
        "packaging/systemd/tenseq-host.service":
            lambda old: re.sub(KEY + ".*", KEY + "2", old)}),
    ("a unit without readiness", {
        "packaging/systemd/tenseq-node.service":
            lambda old: old.replace("Type=notify", "Type=simple")}),
]
