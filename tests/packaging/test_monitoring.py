#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What packaging/ gives for monitoring, held against the code.

usage: test_monitoring.py DOC_METRICS

promtool checks the rules, the tests of the rules and the example configuration; rules and dashboard
ask for no metric that the code does not have, and each rule has a test in which it fires.
"""

import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROMETHEUS = os.path.join(ROOT, "packaging/prometheus")
GRAFANA = os.path.join(ROOT, "packaging/grafana/tenseq.json")
NAME = re.compile(r"\btenseq_[a-z0-9_]+")
COLUMNS = 24


def promtool(*arguments):
    """None, or what promtool says is wrong."""
    done = subprocess.run([os.path.join(ROOT, "scripts/promtool.sh"), *arguments], cwd=PROMETHEUS,
                          capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return None if done.returncode == 0 else done.stdout + done.stderr


def read(name):
    with open(os.path.join(PROMETHEUS, name), encoding="utf-8") as f:
        return f.read()


def asked_in_rules(text):
    """The names in the expressions, not in what is told."""
    return {name for line in text.splitlines() if line.strip().startswith("expr:")
            for name in NAME.findall(line)}


def expressions(dashboard):
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def check_rules(_):
    return promtool("check", "rules", "tenseq.rules.yml")


def check_rules_fire(_):
    return promtool("test", "rules", "tenseq.rules.test.yml")


def check_example(_):
    return promtool("check", "config", "prometheus.yml")


def check_each_rule_has_a_test(_):
    alerts = re.findall(r"- alert: (\w+)", read("tenseq.rules.yml"))
    fires = set(re.findall(r"""- \{labels: 'ALERTS\{alertname="(\w+)",alertstate="firing",""",
                           read("tenseq.rules.test.yml")))
    missing = [a for a in alerts if a not in fires]
    return f"no test in which they fire: {missing}" if missing or not alerts else None


def check_names_of_rules(known):
    rules = read("tenseq.rules.yml")
    if len(re.findall(r"^ *expr: [^|>\s]", rules, re.M)) != len(re.findall(r"- alert: ", rules)):
        return "an expression is not on one line: nobody looks at the names in it"
    unknown = asked_in_rules(rules) - known
    return f"the code has no such metric: {sorted(unknown)}" if unknown else None


def check_dashboard(known):
    with open(GRAFANA, encoding="utf-8") as f:
        dashboard = json.load(f)
    ids = [panel["id"] for panel in dashboard["panels"]]
    if len(set(ids)) != len(ids) or not ids:
        return "panels share an id"
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        if at["x"] + at["w"] > COLUMNS:
            return f"{panel['title']}: over the right edge"
    for title, expr in expressions(dashboard):
        unknown = set(NAME.findall(expr)) - known
        if unknown:
            return f"{title}: the code has no such metric: {sorted(unknown)}"
        wrong = check_expression(title, expr)
        if wrong:
            return wrong
    return None


def check_expression(title, expr):
    """promtool reads it as a rule."""
    path = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"tenseq-panel-{os.getpid()}.yml")
    rule = {"groups": [{"name": "panel", "rules": [
        {"record": "panel", "expr": expr.replace("$instance", ".*")}]}]}
    with open(path, "w", encoding="utf-8") as f:
        json.dump(rule, f)  # JSON is YAML
    try:
        wrong = promtool("check", "rules", path)
    finally:
        os.unlink(path)
    return f"{title}: {wrong}" if wrong else None


CHECKS = (check_rules, check_rules_fire, check_example, check_each_rule_has_a_test,
          check_names_of_rules, check_dashboard)


def main():
    names = subprocess.run([sys.argv[1], "names"], capture_output=True, text=True, check=True)
    known = set(names.stdout.split())
    failed = 0
    print(f"1..{len(CHECKS)}")
    for i, check in enumerate(CHECKS, 1):
        wrong = check(known)
        failed += wrong is not None
        print(f"{'not ok' if wrong else 'ok'} {i} - {check.__name__}")
        for line in (wrong or "").splitlines():
            print(f"# {line}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
