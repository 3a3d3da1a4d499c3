# SPDX-License-Identifier: Apache-2.0
"""cppcheck finds nothing but what scripts/checks/cppcheck.suppress names with a reason."""

import os
import subprocess

NAME = "cppcheck"
QUICK = False
FLAGS = ["-q", "-j2", "--enable=warning,performance,portability", "--inline-suppr", "--std=c11",
         "--platform=unix64", "-D_GNU_SOURCE", '-DTS_VERSION="0"', "-Iinclude", "-Isrc",
         "--error-exitcode=1", "--template={file}:{line}: {message} [{id}]"]


def run(tree):
    names = tree.named(".c")
    if not names:
        return []
    here = os.path.dirname(os.path.abspath(__file__))
    tool = subprocess.run(["cppcheck", *FLAGS, f"--include={here}/cppcheck.h",
                           f"--suppressions-list={here}/cppcheck.suppress", *names],
                          cwd=tree.root, capture_output=True, text=True)
    problems = [line for line in tool.stderr.splitlines() if line.strip()]
    if tool.returncode != 0 and not problems:
        problems.append(f"cppcheck: exited with {tool.returncode}: {tool.stdout.strip()[:500]}")
    return problems


PLANTS = [("a read beyond an array", {
    "src/base/planted.c": "int f(void);\nint f(void)\n{\n    int a[2] = {1, 2};\n    return a[2];\n}\n"
})]
