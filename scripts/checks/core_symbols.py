#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the cores call: neither clock nor file, socket, random source, environment or output, only
what is listed here. And no library of ours has a variable that changes.

usage: scripts/checks/core_symbols.py ARCHIVE…      checks these archives as cores"""

import glob
import os
import re
import subprocess
import sys
import tempfile

NAME = "core-symbols"
QUICK = False

# Static libraries that are cores, or belong to them: build/src/*/libts_NAME.a.
CORES = ["base", "crypto", "seal", "codec", "chain", "rollup", "audit", "link", "engine",
         "rebuild", "enclave", "host_core", "node", "feed", "l1_core"]

ALLOWED = re.compile(r"^(?:" + "|".join([
    r"malloc|calloc|realloc|free",
    r"mem(?:cpy|move|set|cmp|chr|mem)|explicit_bzero",
    r"str(?:len|nlen|cmp|ncmp|chr|rchr|str|spn|cspn|toull|toul)",
    r"v?snprintf|qsort|bsearch",
    r"__stack_chk_fail|_GLOBAL_OFFSET_TABLE_|__(?:memcpy|memmove|memset|v?snprintf)_chk",
    r"log|exp|log1p|expm1|floor|sqrt|pow",
    r"nettle_\w+|_nettle_\w+",
    r"secp256k1_\w+",
    r"Brotli(?:Encoder|Decoder)\w+",
    # libcrypto: ciphers, key derivation, X25519 and erasing; nothing that draws random bytes
    r"EVP_(?:aes|CIPHER|Encrypt|Decrypt|KDF|PKEY|chacha20)\w*|OSSL_PARAM_\w+",
    r"OPENSSL_cleanse|CRYPTO_memcmp",
]) + r")$")
# libcrypto's EVP_PKEY functions that make keys draw random bytes.
NEVER = re.compile(r"^EVP_PKEY_(?:keygen|paramgen|generate|Q_keygen)|^EVP_PKEY_CTX_new_id$")
# A failed check has to say so and end the process.
BY_OBJECT = {"check.c.o": {"fprintf", "stderr", "abort"}}
# Variables that are set once at the start of a program.
VARIABLES = {"log.c.o": {"setup"}}


def undefined(archive):
    """Pairs of object and symbol that the archive takes from elsewhere."""
    text = subprocess.run(["nm", "-u", archive], capture_output=True, text=True, check=True).stdout
    member = os.path.basename(archive)
    for line in text.splitlines():
        if line.endswith(":"):
            member = object_name(line[:-1])
        elif line.strip():
            yield member, line.split()[-1].split("@")[0]


def defined(archives):
    """What the cores themselves define: calls between them are checked where they lead."""
    text = subprocess.run(["nm", "-g", "--defined-only", *archives], capture_output=True, text=True,
                          check=True).stdout
    return {words[2] for words in map(str.split, text.splitlines()) if len(words) == 3}


def object_name(member):
    """"check.c.o" for "…/libts_base.a.p/check.c.o" or "…/shell_check.c.o" of a subdirectory."""
    return os.path.basename(member)


def variables(archive):
    """Pairs of object and variable that is not constant."""
    text = subprocess.run(["objdump", "-t", archive], capture_output=True, text=True,
                          check=True).stdout
    member = os.path.basename(archive)
    for line in text.splitlines():
        head = re.match(r"^(\S+):\s+file format", line)
        if head:
            member = object_name(head[1])
            continue
        words = line.split()
        is_object = re.match(r"^[0-9a-f]+ .{6}O ", line)
        if is_object and any(re.match(r"^\.t?(?:bss|data)(?!\.rel\.ro)", word) for word in words):
            yield member, words[-1]


def check_core(archive, ours):
    for member, symbol in undefined(archive):
        fine = symbol in ours or (ALLOWED.match(symbol) and not NEVER.match(symbol))
        if not fine and symbol not in BY_OBJECT.get(member, ()):
            yield f"{archive}: {member}: a core calls {symbol}"


def check_variables(archive):
    for member, name in variables(archive):
        if name.split(".")[0] not in VARIABLES.get(member, ()):
            yield f"{archive}: {member}: {name} is a variable of a library"


def check_archives(cores, libraries):
    ours = defined(cores) if cores else set()
    return ([problem for archive in cores for problem in check_core(archive, ours)] +
            [problem for archive in libraries for problem in check_variables(archive)])


def planted_archives(tree, names):
    """Objects of planted files, for the self-test."""
    where = tempfile.mkdtemp(dir=tree.root)
    archives = []
    for name in names:
        out = os.path.join(where, os.path.basename(name) + ".o")
        subprocess.run(["cc", "-fPIC", "-O1", "-c", tree.path(name), "-o", out], check=True)
        archives.append(out)
    return archives


def run(tree):
    planted = [name for name in tree.files if os.path.basename(name) == "planted.c"]
    if planted:
        archives = planted_archives(tree, planted)
        return check_archives(archives, archives)
    libraries = sorted(glob.glob(tree.path("build/src/*/libts_*.a")))
    cores = [path for path in libraries if os.path.basename(path)[6:-2] in CORES]
    absent = [name for name in CORES
              if not any(path.endswith(f"/libts_{name}.a") for path in cores)]
    if absent:
        return [f"build/: has no libts_{absent[0]}.a; run make first"]
    return check_archives(cores, libraries)


PLANTS = [
    ("a core that reads the clock", {"src/chain/planted.c":
                                     "#include <time.h>\nlong f(void) { return time(0); }\n"}),
    ("a core that logs", {"src/chain/planted.c":
                          "void ts_log(int);\nvoid f(void) { ts_log(1); }\n"}),
    ("a core that prints", {"src/chain/planted.c":
                            "#include <stdio.h>\nvoid f(void) { puts(\"x\"); }\n"}),
    ("a core that reads the environment",
     {"src/chain/planted.c": "#include <stdlib.h>\nchar *f(void) { return getenv(\"x\"); }\n"}),
    ("a library with a variable", {"src/chain/planted.c": "int f(void);\nint count;\n"
                                   "int f(void) { return ++count; }\n"}),
    ("a library with a hidden variable",
     {"src/chain/planted.c": "int f(void) { static int n = 3; return ++n; }\n"}),
]

if __name__ == "__main__":
    found = check_archives(sys.argv[1:], [])
    print("\n".join(found) if found else f"{len(sys.argv) - 1} archives call nothing else")
    sys.exit(1 if found or len(sys.argv) < 2 else 0)
