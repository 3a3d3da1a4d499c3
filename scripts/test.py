#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Everything that make test runs after the build; prints "N passed, N failed" as its last line.

usage: scripts/test.py [STAGE…]     stages: unit, asan, checks, contracts, sim, e2e; default: all

unit    unit tests and corpora in build/
asan    the same under AddressSanitizer and UndefinedBehaviorSanitizer in build-asan/
checks  the self-test of the mechanical checks, and the checks that need no compiler
contracts  contracts/test.py: forge's tests, coverage, the kept artifact and gas
sim     sim/test.py: the simulator, its lying operators, and that it finds planted bugs
e2e     tests/e2e/run.py

What counts is a test case: a cmocka case (its TAP line), a corpus, a line of a stage's own count. A
program that fails without naming a failed case counts as one failure; so does a skipped case.
"""

import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
E2E = os.path.join(ROOT, "tests/e2e/run.py")
COUNT = re.compile(r"^(?:[\w-]+: )?(\d+) passed, (\d+) failed$")
# At -O1, which is built sooner and runs as fast; what gcc guesses wrongly there is no error.
SANITIZED = ["-Db_sanitize=address,undefined", "-Db_lundef=false", "-Doptimization=1", "-Dwerror=false"]


def run(command, **options):
    """Exit code of a command with its output passed through."""
    return subprocess.call(command, cwd=ROOT, stdin=subprocess.DEVNULL, **options)


def count_tap(text):
    """Passed and failed cases of TAP lines; a skipped case failed."""
    passed = failed = 0
    for line in text.splitlines():
        if line.startswith("not ok ") or (line.startswith("ok ") and "# SKIP" in line):
            failed += 1
        elif line.startswith("ok "):
            passed += 1
    return passed, failed


def count_program(result):
    """Cases of one line of meson's testlog.json."""
    passed, failed = count_tap(result.get("stdout", ""))
    good = result["result"] == "OK"
    if not good and failed == 0:
        failed = 1
    if good and passed + failed == 0:
        passed = 1
    return passed, failed


def report_program(build, result):
    """The output of a program that failed, so that a log tells why."""
    print(f"--- {build}: {result['name']}: {result['result']}")
    for stream in ("stdout", "stderr"):
        for line in result.get(stream, "").splitlines():
            if not COUNT.match(line):
                print(f"    {line}")


def report_notes(result):
    """What a test that passed has to say: figures it measured."""
    for stream in ("stdout", "stderr"):
        for line in result.get(stream, "").splitlines():
            if line.removeprefix("# ").startswith("note: "):
                print(f"    {line.removeprefix('# ')}")


def meson_stage(build, options, environment):
    """Builds, then runs meson's tests and counts their cases."""
    if not os.path.exists(os.path.join(ROOT, build, "build.ninja")):
        if run(["meson", "setup", build, *options]) != 0:
            return 0, 1
    if run(["ninja", "-C", build]) != 0:
        return 0, 1
    log = os.path.join(ROOT, build, "meson-logs", "testlog.json")
    if os.path.exists(log):
        os.unlink(log)
    env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP", **environment)
    code = run(["meson", "test", "-C", build, "--no-rebuild", "--timeout-multiplier", "10"],
               env=env, stdout=subprocess.DEVNULL)
    passed = failed = 0
    if os.path.exists(log):
        with open(log, encoding="utf-8") as lines:
            for line in lines:
                result = json.loads(line)
                good, bad = count_program(result)
                passed, failed = passed + good, failed + bad
                if bad:
                    report_program(build, result)
                else:
                    report_notes(result)
    if passed + failed == 0 or (code != 0 and failed == 0):
        print(f"--- {build}: meson test exited with {code} after {passed} passed cases")
        failed += 1
    return passed, failed


def unit():
    return meson_stage("build", [], {})


def asan():
    return meson_stage("build-asan", SANITIZED, {
        "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:abort_on_error=1",
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    })


def program_stage(command):
    """Runs a program that ends with its own "N passed, N failed"; that line is not passed on."""
    child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             text=True, errors="replace")
    passed = failed = 0
    for line in child.stdout:
        match = COUNT.match(line.strip())
        if match:
            passed, failed = int(match[1]), int(match[2])
        else:
            print(line, end="", flush=True)
    code = child.wait()
    if passed + failed == 0 or (code != 0 and failed == 0):
        print(f"--- {' '.join(command)}: exited with {code} after {passed} passed cases")
        failed += 1
    return passed, failed


def checks():
    return program_stage([sys.executable, "scripts/check.py", "--quick", "--self-test"])


def contracts():
    return program_stage([sys.executable, "contracts/test.py"])


def sim():
    return program_stage([sys.executable, "sim/test.py"])


def e2e():
    return program_stage([sys.executable, E2E, "-j", "3"])  # they wait most of the time


STAGES = {"unit": unit, "asan": asan, "checks": checks, "contracts": contracts, "sim": sim,
          "e2e": e2e}


def main():
    names = sys.argv[1:] or list(STAGES)
    unknown = [name for name in names if name not in STAGES]
    if unknown:
        print(f"test: {unknown[0]} is not one of {', '.join(STAGES)}", file=sys.stderr)
        return 2
    passed = failed = 0
    for name in names:
        print(f"== {name}", flush=True)
        good, bad = STAGES[name]()
        print(f"== {name}: {good} of {good + bad} passed", flush=True)
        passed, failed = passed + good, failed + bad
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
