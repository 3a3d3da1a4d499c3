#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles the contracts into contracts/artifacts/TenseqManagement.json, which is kept in the tree.

usage: contracts/build.py [--check]     --check: compare with what is kept, write nothing

The artifact holds what deploying and calling need (ABI, creation code, and the compiler and settings
that gave them), so that neither Node.js nor a compiler is needed at run time. The same sources give
the same bytes on every machine.
"""

import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
FORGE = os.path.join(HERE, "scripts/forge.sh")
MADE = os.path.join(ROOT, "build-contracts/build/out/TenseqManagement.sol/TenseqManagement.json")
KEPT = os.path.join(HERE, "artifacts/TenseqManagement.json")
MAX_CODE = 24576  # bytes of a contract on chain, EIP-170


def compiled():
    """What forge makes of the sources, without what depends on the machine."""
    built = subprocess.run([FORGE, "build", "--skip", "test"], capture_output=True, text=True)
    if built.returncode != 0:
        sys.exit(f"contracts do not compile:\n{built.stdout}{built.stderr}")
    with open(MADE, encoding="utf-8") as f:
        made = json.load(f)
    settings = made["metadata"]["settings"]
    code = made["bytecode"]["object"]
    size = len(made["deployedBytecode"]["object"]) // 2 - 1
    if made["bytecode"]["linkReferences"] or size > MAX_CODE:
        sys.exit(f"contracts: the code has {size} bytes or needs linking; {MAX_CODE} bytes are allowed")
    return {
        "contract": "TenseqManagement",
        "compiler": "solc " + made["metadata"]["compiler"]["version"],
        "settings": {k: settings[k] for k in ("evmVersion", "optimizer")},
        "abi": made["abi"],
        "bytecode": code,
    }


def main():
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit(__doc__)
    text = json.dumps(compiled(), indent=1) + "\n"
    if not sys.argv[1:]:
        os.makedirs(os.path.dirname(KEPT), exist_ok=True)
        with open(KEPT, "w", encoding="utf-8") as f:
            f.write(text)
        print(f"wrote {os.path.relpath(KEPT, ROOT)}")
        return
    with open(KEPT, encoding="utf-8") as f:
        if f.read() != text:
            sys.exit(f"{os.path.relpath(KEPT, ROOT)} is not what the sources give; run contracts/build.py")


if __name__ == "__main__":
    main()
