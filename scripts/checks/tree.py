# SPDX-License-Identifier: Apache-2.0
"""The files that the checks look at."""

import os
import subprocess

NOT_OURS = ("node_modules/", "build", ".git/")


class Tree:
    """A checkout: root, and the paths below it that are to be looked at."""

    def __init__(self, root, files=None):
        self.root = root
        self.files = sorted(files if files is not None else self.list())

    def list(self):
        """Tracked files and new ones that are not ignored; all files where git knows nothing."""
        git = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=self.root,
                             capture_output=True, text=True)
        if git.returncode == 0 and git.stdout:
            names = git.stdout.splitlines()
        else:
            names = [os.path.relpath(os.path.join(where, name), self.root)
                     for where, _, found in os.walk(self.root) for name in found]
        return [name for name in names
                if not name.startswith(NOT_OURS) and os.path.isfile(self.path(name))]

    def path(self, name):
        return os.path.join(self.root, name)

    def named(self, *endings):
        return [name for name in self.files if name.endswith(endings)]

    def c_files(self):
        return self.named(".c", ".h")

    def read(self, name):
        with open(self.path(name), encoding="utf-8", errors="replace") as f:
            return f.read()

    def lines(self, name):
        """Pairs of line number and line."""
        return enumerate(self.read(name).split("\n"), 1)
