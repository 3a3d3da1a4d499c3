# SPDX-License-Identifier: Apache-2.0
"""The mechanical checks of STYLE.md, one module each. A module has

NAME      what make check calls it
QUICK     whether it needs neither a build nor a compiler's tool
run(tree) the problems, each "path:line: sentence" or "path: sentence"
PLANTS    what its self-test breaks: (what, {path: text}) pairs, each of which run must refuse;
          where text is a function, it makes the new text from the old
"""

from checks import (banned, core_symbols, cppcheck, doc_parts, docs, exit_codes, format, layers,
                    lengths, places, scripts, spdx, tidy)

ALL = [spdx, lengths, banned, layers, places, scripts, exit_codes, docs, format, cppcheck, tidy,
       core_symbols, doc_parts]
