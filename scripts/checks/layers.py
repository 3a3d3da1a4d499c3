# SPDX-License-Identifier: Apache-2.0
"""Which part of the tree may include which: the direction of dependencies of ARCHITECTURE.md."""

import re

NAME = "layers"
QUICK = True

FORMATS = ["base", "crypto", "codec", "chain"]
CORES = [*FORMATS, "link", "engine"]
SHELLS = ["cfg", "net", "store", "l1", "rpc", "shell"]

# The longest beginning of a path decides. What is named are directories of src/, or single headers.
# A part may always include itself and include/tenseq.
MAY_INCLUDE = {
    "include/tenseq/": [],
    "src/base/": [],
    "src/crypto/": ["base"],
    "src/codec/": ["base", "crypto"],
    "src/chain/": ["base", "crypto", "codec"],
    "src/audit/": FORMATS,
    "src/link/": FORMATS,
    "src/engine/": FORMATS,
    "src/rebuild/": [*FORMATS, "engine"],
    "src/libtenseq/": FORMATS,
    "examples/": [],
    "examples/make_chain.c": ["base", "testnet.h"],  # makes the chain that the example reads
    # cores: of the store only its contract, of the network only the feed's message forms
    "src/enclave/": CORES,
    "src/host/": [*CORES, "store/store.h"],
    "src/node/": [*CORES, "audit", "l1/follower.h", "store/store.h", "net/feed.h",
                  "net/feed_session.h"],
    "src/l1/": FORMATS,
    "src/l1/client": [*FORMATS, "net"],
    # the programs around them
    **{f"src/enclave/{name}": [*CORES, "cfg", "net"]
       for name in ("shell", "main.c", "datadir", "sandbox", "slots", "platform/")},
    **{f"src/{part}/{name}": [*CORES, *SHELLS, "audit"]
       for part in ("host", "node") for name in ("shell", "sequencer.c", "main.c")},
    # shells
    "src/cfg/": ["base"],
    "src/store/": ["base"],
    "src/net/": ["base", "codec", "store/store.h", "cfg"],
    "src/rpc/": [*CORES, "audit", "net", "store/store.h"],
    "src/shell/": [*FORMATS, "cfg", "l1", "net", "rpc", "store"],
    "src/enclave/main.c": [*CORES, "cfg"],
    "src/enclave/shell": [*CORES, "cfg", "net/link.h"],
    "src/liar/": [*CORES, *SHELLS, "enclave/platform/platform.h"],
    "src/cli/": [*CORES, *SHELLS, "audit", "rebuild"],
    "sim/": [*CORES, *SHELLS, "audit", "enclave", "host", "node"],
}
UNCHECKED = ("tests/", "fuzz/", "bench/", "scripts/")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def part_of(name):
    """The key of MAY_INCLUDE that a file falls under."""
    keys = [key for key in MAY_INCLUDE if name.startswith(key)]
    return max(keys, key=len) if keys else None


def allowed(part, included):
    own = part.split("/")[1] if part.startswith("src/") else part.split("/")[0]
    first = included.split("/")[0]
    if first in ("tenseq", own):
        return True
    return first in MAY_INCLUDE[part] or included in MAY_INCLUDE[part]


def check_line(name, part, number, included):
    where = f"{name}:{number}: \"{included}\""
    if ".." in included.split("/"):
        return [f"{where} climbs out of its directory"]
    if part == "sim/" and "/" not in included:
        return []  # stands beside it
    if "/" not in included and included not in MAY_INCLUDE[part]:
        return [f"{where} does not say its part, such as \"base/{included}\""]
    if not allowed(part, included):
        return [f"{where} is not for {part}: scripts/checks/layers.py"]
    return []


def run(tree):
    problems = []
    for name in tree.c_files():
        if name.startswith(UNCHECKED):
            continue
        part = part_of(name)
        if part is None:
            problems.append(f"{name}: belongs to no part of scripts/checks/layers.py")
            continue
        for number, line in tree.lines(name):
            match = INCLUDE.match(line)
            if match:
                problems += check_line(name, part, number, match[1])
    return problems


PLANTS = [
    ("base that includes the chain", {"src/base/planted.c": '#include "chain/batch.h"\n'}),
    ("a core that includes the network", {"src/host/planted.c": '#include "net/link.h"\n'}),
    ("a host that includes the enclave", {"src/host/planted.c": '#include "enclave/core.h"\n'}),
    ("the public header that includes an internal one",
     {"include/tenseq/planted.h": '#include "base/buf.h"\n'}),
    ("an include that climbs", {"src/base/planted.c": '#include "../chain/batch.h"\n'}),
    ("a part that nobody declared", {"src/planted/planted.c": "int x;\n"}),
]
