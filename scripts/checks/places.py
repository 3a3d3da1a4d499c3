# SPDX-License-Identifier: Apache-2.0
"""Nothing in the tree knows a developer's machine, a package mirror or a secret."""

import re

NAME = "places"
QUICK = True

# Written so that this file does not hold what it looks for.
PATTERNS = [
    (re.compile(r"(?<![\w.$}/-])/(?:wo" r"rk|fa" r"rm|ro" r"ot|home/\w+|Users/\w+)/[\w.]"),
     "a path of somebody's machine"),
    (re.compile(r"https?://[\w.-]*(?:regis" r"try|nex" r"us|artifac" r"tory|verdac" r"cio)[\w.-]*"),
     "a package registry's address"),
    (re.compile(r"https?://[\w.-]*(?:npm" r"js|npmmir" r"ror|py" r"pi)\.\w+"),
     "a package registry's address"),
    (re.compile(r"-----BEGIN [A-Z ]*PRIV" r"ATE KEY-----"), "a private key"),
]
BINARY = (".png", ".ico", ".woff2", ".gz", ".zst", ".br", ".db", ".bin")


def run(tree):
    problems = []
    for name in tree.files:
        if name.startswith("fuzz/corpus/") or name.endswith(BINARY):
            continue
        for number, line in tree.lines(name):
            problems += [f"{name}:{number}: {what}: {pattern.search(line)[0]}"
                         for pattern, what in PATTERNS if pattern.search(line)]
            if name == "package-lock.json" and "\"resol" "ved\"" in line:
                problems.append(f"{name}:{number}: records where a package was fetched from; "
                                "make it with omit-lockfile-registry-resolved (.npmrc)")
    return problems


PLANTS = [
    ("a developer's directory", {"docs/planted.md": "cd /wo" "rk/main && make\n"}),
    ("a home directory", {"scripts/planted.sh": "cd /home/" "me/x\n"}),
    ("a registry in the lock file",
     {"package-lock.json": '{"resol' 'ved": "x"}\n'}),
    ("a mirror's address", {"Makefile.planted": "npm --registry https://regis" "try.example.org\n"}),
    ("a key in the tree", {"docs/planted.pem": "-----BEGIN EC PRIV" "ATE KEY-----\n"}),
]
