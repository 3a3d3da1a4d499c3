#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests the contracts; the last line is "N passed, N failed".

usage: contracts/test.py [--write]     --write: write contracts/gas.md anew instead of comparing it

artifact  the sources give the kept artifact, byte for byte (contracts/build.py --check)
forge     the tests of contracts/test: each one that is written down ran, none was skipped
gas       what transactions cost is what contracts/gas.md says
coverage  every line and branch of contracts/src was run, by tests without invariant campaigns
style     forge's formatter and linter have nothing to say about contracts/src
"""

import glob
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
FORGE = os.path.join(HERE, "scripts/forge.sh")
MADE_GAS = os.path.join(ROOT, "build-contracts/gas/gas.json")
KEPT_GAS = os.path.join(HERE, "gas.md")
LCOV = os.path.join(ROOT, "build-contracts/coverage.lcov")
CONTRACT = re.compile(r"^contract (\w+)", re.MULTILINE)
TEST = re.compile(r"^ +function ((?:test|testFuzz|invariant)_\w+)\(", re.MULTILINE)
LIMITS = {"reportEquivocation, slashes": "150,000, input included",
          "publishRollup, the first, 640 bytes": "80,000", "publishRollup, 640 bytes": "80,000"}
GAS_HEAD = """# Gas

<!-- Made by contracts/test.py --write from what contracts/test/Gas.t.sol measures. -->

Each line is one transaction on cold storage, after refunds. *Gas* is all of it, the 21,000 of the transaction
too, but not its input; *input* is that of the input's bytes, 16 for each that is not zero and 4 for each that is.
Their sum is what is paid, unless EIP-7623's floor is higher: 21,000, and 40 and 10 for the same bytes. For a
rollup of more than some 2,000 bytes it is, so that there the data alone sets the price. Without that floor each
32 bytes of data cost 12 more to hash, and some more when they are very many. *Limit* is what the test holds
*gas* under.

| transaction | gas | input | limit |
|---|---:|---:|---|
"""


class Count:
    """Passed and failed cases; a failed one is told."""

    def __init__(self):
        self.passed = self.failed = 0

    def case(self, name, problem):
        if problem:
            self.failed += 1
            print(f"contracts: {name}: {problem}", flush=True)
        else:
            self.passed += 1


def run(*command):
    """Exit code, standard output, and both outputs together when it is to be shown."""
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return done.returncode, done.stdout, (done.stdout + done.stderr).strip()


def artifact(count):
    code, _, text = run(os.path.join(HERE, "build.py"), "--check")
    count.case("artifact", text if code != 0 else None)


def written():
    """The tests that the sources hold, as {contract: {test}}."""
    found = {}
    for path in glob.glob(os.path.join(HERE, "test/*.t.sol")):
        with open(path, encoding="utf-8") as f:
            text = f.read()
        found[[name for name in CONTRACT.findall(text) if name.endswith("Test")][0]] = set(TEST.findall(text))
    return found


def forge(count):
    code, out, text = run(FORGE, "test", "--json")
    try:
        suites = json.loads(out)
    except ValueError:
        count.case("forge test", text)
        return
    missing = written()
    for suite, results in suites.items():
        for test, result in results["test_results"].items():
            good = result["status"] == "Success"
            count.case(f"{suite} {test}", None if good else result.get("reason") or result["status"])
            missing.get(suite.split(":")[-1], set()).discard(test.split("(")[0])
    left = [f"{suite}.{test}" for suite, tests in missing.items() for test in sorted(tests)]
    count.case("tests that did not run", ", ".join(left))
    if code != 0 and count.failed == 0:
        count.case("forge test", f"exited with {code}: {text[-2000:]}")


def gas_page():
    with open(MADE_GAS, encoding="utf-8") as f:
        measured = json.load(f)
    lines = [f"| {name} | {int(gas):,} | {int(measured[name + ', input']):,} | {LIMITS.get(name, '')} |\n"
             for name, gas in measured.items() if not name.endswith(", input")]
    return GAS_HEAD + "".join(lines)


def gas(count, write):
    # Once more, since forge notes no gas when it is to print JSON.
    code, _, text = run(FORGE, "test", "--match-contract", "GasTest")
    if code != 0:
        count.case("gas", text)
        return
    page = gas_page()
    if write:
        with open(KEPT_GAS, "w", encoding="utf-8") as f:
            f.write(page)
    with open(KEPT_GAS, encoding="utf-8") as f:
        stale = f.read() != page
    count.case("gas", "contracts/gas.md is not what was measured; run contracts/test.py --write" if stale else None)


def uncovered(lcov):
    """Per source file, the lines and branches that were not run."""
    files = {}
    for line in lcov.splitlines():
        kind, _, rest = line.partition(":")
        if kind == "SF":
            missed = files.setdefault(rest, [])
        elif kind == "DA" and rest.split(",")[1] == "0":
            missed.append("line " + rest.split(",")[0])
        elif kind == "BRDA" and rest.split(",")[3] in ("0", "-"):
            missed.append("a branch of line " + rest.split(",")[0])
    return files


def coverage(count):
    code, _, text = run(FORGE, "coverage", "--report", "lcov", "--report-file", LCOV, "--fuzz-runs", "16",
                        "--no-match-contract", "InvariantsTest|GasTest|VectorsTest")
    if code != 0:
        count.case("coverage", text[-2000:])
        return
    with open(LCOV, encoding="utf-8") as f:
        files = uncovered(f.read())
    for path in sorted(glob.glob(os.path.join(HERE, "src/*.sol"))):
        name = os.path.relpath(path, ROOT)
        with open(path, encoding="utf-8") as f:
            has_code = "function " in f.read()
        missed = files.get(name, ["everything"] if has_code else [])
        count.case(f"coverage of {name}", ", ".join(missed))


def style(count):
    code, _, text = run(FORGE, "fmt", "--check", "contracts/src", "contracts/test")
    count.case("format", f"run contracts/scripts/forge.sh fmt\n{text}" if code != 0 else None)
    code, _, text = run(FORGE, "lint", "contracts/src")
    count.case("lint", text if code != 0 or "warning[" in text or "note[" in text else None)


def main():
    if sys.argv[1:] not in ([], ["--write"]):
        sys.exit(__doc__)
    count = Count()
    artifact(count)
    forge(count)
    gas(count, bool(sys.argv[1:]))
    coverage(count)
    style(count)
    print(f"{count.passed} passed, {count.failed} failed")
    return 1 if count.failed else 0


if __name__ == "__main__":
    sys.exit(main())
