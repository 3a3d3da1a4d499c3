# SPDX-License-Identifier: Apache-2.0
"""Python compiles, shell scripts parse, and scripts that are to be run can be."""

import os
import subprocess

NAME = "scripts"
QUICK = True


def python_problem(tree, name):
    try:
        compile(tree.read(name), name, "exec")
    except SyntaxError as error:
        return [f"{name}:{error.lineno}: {error.msg}"]
    return []


def shell_problem(tree, name):
    bash = subprocess.run(["bash", "-n", tree.path(name)], capture_output=True, text=True)
    return [f"{name}: {bash.stderr.strip()}"] if bash.returncode != 0 else []


def mode_problem(tree, name):
    starts = tree.read(name)[:2] == "#!"
    runs = os.access(tree.path(name), os.X_OK)
    return [] if starts == runs else [
        f"{name}:1: " + ("starts with #! but is not executable" if starts
                         else "is executable but does not start with #!")]


def run(tree):
    problems = []
    for name in tree.named(".py"):
        problems += python_problem(tree, name) + mode_problem(tree, name)
    for name in tree.named(".sh", ".ci/run"):
        problems += shell_problem(tree, name) + mode_problem(tree, name)
    return problems


PLANTS = [
    ("Python that does not compile", {"scripts/planted.py": "def f(:\n"}),
    ("a shell script that does not parse", {"scripts/planted.sh": "if true; then\n"}),
    ("a script that cannot be run", {"scripts/planted.sh": "#!/usr/bin/env bash\ntrue\n"}),
]
