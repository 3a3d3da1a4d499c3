# SPDX-License-Identifier: Apache-2.0
"""clang-format finds nothing to change."""

import re
import subprocess

NAME = "format"
QUICK = False
WHERE = re.compile(r"^(\S+?):(\d+):\d+: error: ", re.M)


def run(tree):
    names = tree.c_files()
    if not names:
        return []
    tool = subprocess.run(["clang-format", "--dry-run", "-Werror", "--style=file", *names],
                          cwd=tree.root, capture_output=True, text=True)
    first = {}
    for name, line in WHERE.findall(tool.stderr):
        first.setdefault(name, line)
    problems = [f"{name}:{line}: not as clang-format writes it; run make format"
                for name, line in first.items()]
    if tool.returncode != 0 and not problems:
        problems.append(f"clang-format: {tool.stderr.strip()[:500]}")
    return problems


PLANTS = [("a file in another format",
           {"src/base/planted.c": "int f ( void ) { return 1 ; }\n"})]
