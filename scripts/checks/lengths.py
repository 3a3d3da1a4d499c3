# SPDX-License-Identifier: Apache-2.0
"""No source file over 800 lines, no function over 70; in tests, where tables of cases stand inside,
100."""

import ast
import re

NAME = "lengths"
QUICK = True
FILE_MAX = 800
FUNCTION_MAX = 70
TEST_FUNCTION_MAX = 100
ENDINGS = (".c", ".h", ".py", ".sh", ".sol", ".js", ".mjs")
NAME_BEFORE = re.compile(r"(\w+)\s*\(")


def c_functions(lines):
    """Name, first line and length of each function: its braces stand alone in the first column, as
    clang-format puts them."""
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            head = " ".join(lines[max(0, start - 6):start - 1])
            names = NAME_BEFORE.findall(head)
            yield (names[-1] if names else "?"), start, number - start + 1
            start = None


def python_functions(text):
    try:
        tree = ast.parse(text)
    except SyntaxError:  # another check's business
        return
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, node.end_lineno - node.lineno + 1


def functions(name, text):
    if name.endswith((".c", ".h")):
        return c_functions(text.split("\n"))
    return python_functions(text) if name.endswith(".py") else ()


def run(tree):
    problems = []
    for name in tree.named(*ENDINGS):
        text = tree.read(name)
        count = text.count("\n")
        if count > FILE_MAX:
            problems.append(f"{name}:{FILE_MAX + 1}: {count} lines; at most {FILE_MAX}")
        most = TEST_FUNCTION_MAX if name.startswith("tests/") else FUNCTION_MAX
        problems += [f"{name}:{line}: {function} has {length} lines; at most {most}"
                     for function, line, length in functions(name, text) if length > most]
    return problems


PLANTS = [
    ("a file of 801 lines", {"src/base/planted.c": "int x;\n" * 801}),
    ("a function of 71 lines",
     {"src/base/planted.c": "void f(void)\n{\n" + "    g();\n" * 69 + "}\n"}),
    ("a test of 101 lines",
     {"tests/unit/planted.c": "void f(void)\n{\n" + "    g();\n" * 99 + "}\n"}),
    ("a Python function of 71 lines", {"scripts/planted.py": "def f():\n" + "    g()\n" * 70}),
]
