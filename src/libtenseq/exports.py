#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What libtenseq exports is what its public headers declare.

usage: exports.py map HEADER…            a version script for the linker, on stdout
       exports.py list HEADER…           the names alone, one a line
       exports.py check NM LIB HEADER…   fails unless the shared library LIB exports just these
"""
import re
import subprocess
import sys


def declared(headers):
    names = set()
    for path in headers:
        text = open(path, encoding="utf-8").read()
        text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        text = re.sub(r"^#(.*\\\n)*.*$", "", text, flags=re.M)
        names.update(re.findall(r"\b(ts_[a-z0-9_]+)\s*\((?!\*)", text))
    return names


def check(nm, lib, headers):
    out = subprocess.run([nm, "-D", "--defined-only", lib], capture_output=True, text=True, check=True)
    symbols = (line.split()[-1].split("@")[0] for line in out.stdout.splitlines())
    exported = {s for s in symbols if not s.startswith("TENSEQ_")}
    want = declared(headers)
    for name in sorted(want - exported):
        print(f"{name}: declared in a public header, not exported")
    for name in sorted(exported - want):
        print(f"{name}: exported, not declared in a public header")
    return exported == want and want != set()


mode, args = sys.argv[1], sys.argv[2:]
if mode == "map":
    names = "".join(f"    {name};\n" for name in sorted(declared(args)))
    print("TENSEQ_0 {\n  global:\n" + names + "  local:\n    *;\n};")
elif mode == "list":
    print("\n".join(sorted(declared(args))))
elif mode == "check":
    sys.exit(0 if check(args[0], args[1], args[2:]) else 1)
else:
    sys.exit(__doc__)
