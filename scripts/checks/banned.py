# SPDX-License-Identifier: Apache-2.0
"""Functions that nobody may call. What src/base/banned.h bans is a compile error everywhere; here is
what a compiler cannot refuse without breaking system headers, and what would lift the ban."""

import re

from checks.ctext import code

NAME = "banned"
QUICK = True

EVERYWHERE = {
    "strcpy strcat strncpy strncat sprintf vsprintf strtok atoi atol atoll rand srand gmtime "
    "localtime ctime asctime alloca": "src/base/banned.h bans it",
    "gets scanf fscanf sscanf vscanf vsscanf": "its conversions overflow in silence",
    "mktemp tmpnam tempnam": "another process can take the name first",
    "setjmp longjmp": "it skips what has to be released",
}
IN_SOURCES = {
    "system popen": "it starts a shell",
    "signal": "its meaning varies; use sigaction or libuv",
    "assert": "NDEBUG removes it; use TS_CHECK",
    "exit _exit quick_exit": "only main ends a program",
    "putenv setenv unsetenv": "the environment is an input",
}
# The places that may: a program's end after fork, a check's abort.
MAY = {
    "exit": ("main.c",),
    # a child between fork and exec, the end of a signal handler
    "_exit": ("main.c", "src/shell/program.c", "src/cli/supervisor.c", "src/enclave/sandbox.c"),
    # a core that ends for want of memory: what it held is taken back (docs/simulation.md)
    "setjmp": ("tests/unit/faults.h",),
    "longjmp": ("tests/unit/faults.c",),
}
# What has one meaning everywhere: ignoring a signal or not.
HARMLESS = re.compile(r"signal\s*\(\s*SIG[A-Z]+\s*,\s*SIG_(?:IGN|DFL)\s*\)")
# Its formats are built from one that the compiler has checked.
MAY_LIFT = {"src/base/log_pairs.c"}
LIFTS = re.compile(r"^\s*#\s*undef\s+(\w+)|^\s*#\s*pragma\s+(?:GCC|clang)\s+diagnostic", re.M)


def rules(name):
    table = dict(EVERYWHERE)
    if name.startswith(("src/", "include/", "sim/")):
        table.update(IN_SOURCES)
    return {word: why for words, why in table.items() for word in words.split()}


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def calls(name, text):
    table = rules(name)
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(table) + r")\s*\(")
    for match in pattern.finditer(text):
        if not name.endswith(MAY.get(match[1], ("\0",))) and not HARMLESS.match(text, match.start()):
            yield f"{name}:{line_of(text, match.start())}: {match[1]}: {table[match[1]]}"


def run(tree):
    problems = []
    for name in tree.c_files():
        if name == "src/base/banned.h":
            continue
        text = code(tree.read(name))
        problems += calls(name, text)
        if name in MAY_LIFT:
            continue
        problems += [f"{name}:{line_of(text, match.start())}: {match[0].strip()}: switches a check "
                     "off" for match in LIFTS.finditer(text)
                     if match[1] is None or match[1] in rules("src/x.c")]
    return problems


PLANTS = [
    ("a copy without a bound", {"src/base/planted.c": "void f(char *a)\n{\n    strcpy(a, a);\n}\n"}),
    ("a call by a shell", {"src/host/planted.c": 'int f(void)\n{\n    return system("x");\n}\n'}),
    ("a signal handler by signal", {"src/host/planted.c": "void g(int);\nvoid f(void)\n{\n"
                                    "    signal(SIGALRM, g);\n}\n"}),
    ("an assert that NDEBUG removes", {"src/base/planted.c": "void f(int a)\n{\n  assert(a);\n}\n"}),
    ("a ban that is lifted", {"src/base/planted.c": "#undef strcpy\n"}),
    ("a warning that is switched off",
     {"src/base/planted.c": '#pragma GCC diagnostic ignored "-Wall"\n'}),
    ("scanf in a test", {"tests/unit/planted.c": 'void f(int *a)\n{\n    scanf("%d", a);\n}\n'}),
]
