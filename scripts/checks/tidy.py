# SPDX-License-Identifier: Apache-2.0
"""clang-tidy with .clang-tidy finds nothing. What was found good is remembered in
build/tidy-cache by the hash of everything that clang-tidy saw."""

import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import subprocess

NAME = "tidy"
QUICK = False
FINDING = re.compile(r"^(\S+?:\d+):\d+: (?:error|warning): (.*)$")
PLAIN = ["cc", "-std=c11", "-D_GNU_SOURCE", '-DTS_VERSION="0"', "-Iinclude", "-Isrc", "-include",
         "src/base/banned.h"]


def commands(tree):
    """The compile command of each file of build/, as arguments without the outputs."""
    path = tree.path("build/compile_commands.json")
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as f:
        entries = json.load(f)
    found = {}
    for entry in entries:
        name = os.path.relpath(os.path.join(entry["directory"], entry["file"]), tree.root)
        words = shlex.split(entry["command"])
        keep = [word for at, word in enumerate(words)
                if word not in ("-MD", "-c") and words[at - 1] not in ("-MQ", "-MF", "-o", "-c")
                and word not in ("-MQ", "-MF", "-o")]
        found[name] = (entry["directory"], keep)
    return found


def key_of(tree, name, directory, words):
    """The hash of what clang-tidy sees; None when the file does not even preprocess."""
    seen = subprocess.run([*words, "-E", "-P", tree.path(name)], cwd=directory, capture_output=True)
    if seen.returncode != 0:
        return None
    digest = hashlib.sha256(seen.stdout)
    for part in (tree.read(name), " ".join(words), configuration(tree, name)):
        digest.update(part.encode())
    return digest.hexdigest()


def configuration(tree, name):
    """The .clang-tidy files that hold for a file, outermost first."""
    texts, where = [], ""
    for part in ["", *name.split("/")[:-1]]:
        where = os.path.join(where, part)
        if os.path.exists(tree.path(os.path.join(where, ".clang-tidy"))):
            texts.append(tree.read(os.path.join(where, ".clang-tidy")))
    return "\0".join(texts)


def check(tree, name, command):
    directory, words = command
    key = key_of(tree, name, directory, words)
    cache = tree.path("build/tidy-cache")
    if key is not None and os.path.exists(os.path.join(cache, key)):
        return []
    tool = subprocess.run(["clang-tidy", "--quiet", tree.path(name), "--", *words[1:],
                           "-Wno-error"],
                          cwd=directory, capture_output=True, text=True)
    problems = []
    for line in tool.stdout.splitlines():
        match = FINDING.match(line)
        if match:
            path = os.path.relpath(os.path.join(directory, match[1]), tree.root)
            problems.append(f"{path}: {match[2].replace(',-warnings-as-errors', '')}")
    if tool.returncode != 0 and not problems:
        problems.append(f"{name}: clang-tidy: {(tool.stdout + tool.stderr).strip()[:500]}")
    if key is not None and not problems:
        os.makedirs(cache, exist_ok=True)
        with open(os.path.join(cache, key), "w", encoding="utf-8"):
            pass
    return problems


def run(tree):
    known = commands(tree)
    names = [name for name in tree.named(".c") if name in known or not known or
             not os.path.exists(tree.path("build"))]
    missing = [name for name in tree.named(".c") if name not in names]
    problems = [f"{name}: is in no target of meson.build, so nothing checks it" for name in missing]
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        found = pool.map(lambda name: check(tree, name, known.get(name, (tree.root, PLAIN))), names)
        for some in found:
            problems += some
    return sorted(set(problems))


PLANTS = [
    ("a null pointer followed", {"src/base/planted.c": """#include <stddef.h>
int f(const int *p);
int f(const int *p)
{
    return p == NULL ? *p : 0;
}
"""}),
    ("a descriptor that a child inherits", {"src/base/planted.c": """#include <stdio.h>
FILE *f(void);
FILE *f(void)
{
    return fopen("x", "r");
}
"""}),
]
