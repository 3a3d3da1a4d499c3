# SPDX-License-Identifier: Apache-2.0
"""Every source file says its licence in one of its first two lines."""

NAME = "spdx"
QUICK = True
LINE = "SPDX-License-" + "Identifier: Apache-2.0"
ENDINGS = (".c", ".h", ".py", ".sh", ".sol", ".js", ".mjs", ".css")


def run(tree):
    return [f"{name}:1: the line \"{LINE}\" is missing"
            for name in tree.named(*ENDINGS)
            if not name.startswith("web/vendor/")  # as npm has it, its licence beside it
            and LINE not in "\n".join(tree.read(name).split("\n")[:2])]


PLANTS = [
    ("a C file without a licence", {"src/base/planted.c": "int x;\n"}),
    ("a script without a licence", {"scripts/planted.py": "print(1)\n"}),
    ("another licence", {"src/base/planted.h": "/* SPDX-License-" + "Identifier: MIT */\n"}),
]
