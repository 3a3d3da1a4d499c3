# SPDX-License-Identifier: Apache-2.0
"""A real browser for tests of pages: Debian's Chromium, driven by playwright-core (browser.mjs)."""

import json
import os
import subprocess

from network import BUILD, ROOT

SHOTS = os.environ.get("DASHBOARD_SHOTS", os.path.join(BUILD, "dashboard"))


class Browser:
    def __init__(self):
        env = dict(os.environ, NODE_PATH=os.path.join(ROOT, "node_modules"))
        self.popen = subprocess.Popen(["node", os.path.join(ROOT, "tests", "e2e", "browser.mjs")], cwd=ROOT, env=env,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        os.makedirs(SHOTS, exist_ok=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None and self.popen.poll() is None:
            try:
                self.shot("failed", full=True)
                print("    console:", self.problems())
                print("    page:", self.eval("document.body.innerText")[:3000])
            except Exception as e:  # the test's own failure is what counts
                print(f"    no picture of it: {e}")
        self.popen.stdin.close()
        try:
            self.popen.wait(10)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()

    def do(self, verb, **args):
        self.popen.stdin.write(json.dumps({"do": verb, **args}) + "\n")
        self.popen.stdin.flush()
        line = self.popen.stdout.readline()
        assert line, f"the browser ended at {verb} {args}"
        answer = json.loads(line)
        assert "error" not in answer, f"{verb} {args}: {answer['error']}"
        return answer["result"]

    def open(self, url, width=1280, height=900, **options):
        self.do("open", width=width, height=height, **options)
        self.do("goto", url=url)

    def eval(self, code):
        return self.do("eval", code=code)

    def text(self, selector):
        return self.eval(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def count(self, selector):
        return self.eval(f"document.querySelectorAll({json.dumps(selector)}).length")

    def click(self, selector):
        self.do("click", what=selector)

    def press(self, *keys):
        for key in keys:
            self.do("press", key=key)

    def problems(self):
        return self.do("problems")

    def shot(self, name, what=None, full=False):
        path = os.path.join(SHOTS, name + ".png")
        self.do("shot", path=path, what=what, full=full)
        return path
