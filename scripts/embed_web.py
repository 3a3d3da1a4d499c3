#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the files of web/ as a C table, each as it is and gzipped, so that a node is one program.

usage: embed_web.py OUT.c WEB-DIR FILE…     files are named below the directory; index.html is also /
"""

import gzip
import hashlib
import os
import sys

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".LICENSE": "text/plain; charset=utf-8",
}


def array(name, data):
    rows = [", ".join(str(b) for b in data[i:i + 32]) for i in range(0, len(data), 32)]
    return f"static const uint8_t {name}[] = {{\n" + ",\n".join(rows) + "};\n"


def main():
    out, root, names = sys.argv[1], sys.argv[2], sys.argv[3:]
    parts = ["/* SPDX-License-Identifier: Apache-2.0 */\n/* Made from web/ by scripts/embed_web.py. */\n"
             '#include "node/shell_page.h"\n']
    rows = []
    for i, name in enumerate(names):
        with open(os.path.join(root, name), "rb") as f:
            data = f.read()
        if name == "vendor/uplot.js":  # npm's file is a script that sets a variable
            data += b"export default uPlot;\n"
        packed = gzip.compress(data, 9, mtime=0)
        tag = hashlib.sha256(data).hexdigest()[:24]
        parts += [array(f"raw_{i}", data), array(f"gzip_{i}", packed)]
        path = "/" if name == "index.html" else "/" + name
        kind = TYPES[os.path.splitext(name)[1]]
        rows.append(f'    {{"{path}", "{kind}", "{tag}", {{raw_{i}, sizeof(raw_{i})}}, '
                    f"{{gzip_{i}, sizeof(gzip_{i})}}}},\n")
    parts.append("const struct ts_page_file ts_page_files[] = {\n" + "".join(rows) + "};\n")
    parts.append("const size_t ts_page_n_files = sizeof(ts_page_files) / sizeof(ts_page_files[0]);\n")
    with open(out, "w", encoding="ascii") as f:
        f.write("\n".join(parts))


if __name__ == "__main__":
    main()
