# SPDX-License-Identifier: Apache-2.0
"""A terminal in which a program runs: what it writes is obeyed as far as tenseq watch goes, and anything
else is a failure."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from network import SLOW

SEQUENCE = re.compile(r"\x1b\[(\??)([0-9;]*)([A-Za-z])")


class Terminal:
    def __init__(self, argv, columns=100, rows=30, env=()):
        self.columns, self.rows = columns, rows
        self.cells = [[" "] * columns for _ in range(rows)]
        self.x = self.y = 0
        self.is_other, self.has_cursor, self.wraps = False, True, True
        self.cut_off = 0  # letters that found no room, since they are not wrapped
        self.raw = ""  # all that was written
        self.pending = ""
        self.master, slave = pty.openpty()
        self._set_size()
        self.before = termios.tcgetattr(slave)
        environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
        environment.update({"TERM": "xterm-256color", **dict(env)})
        self.process = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave, env=environment,
                                        preexec_fn=self._own_terminal)
        self.slave = slave

    @staticmethod
    def _own_terminal():
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def _set_size(self):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", self.rows, self.columns, 0, 0))

    def resize(self, columns, rows):
        """As terminals do: what does not fit is cut, the rest stays."""
        self.cells = [(line + [" "] * columns)[:columns] for line in self.cells][:rows]
        self.cells += [[" "] * columns for _ in range(rows - len(self.cells))]
        self.columns, self.rows = columns, rows
        self.x, self.y = min(self.x, columns), min(self.y, rows - 1)
        self._set_size()

    # ---- what is written ----

    def read(self, seconds=0.05):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if select.select([self.master], [], [], 0.02)[0]:
                try:
                    text = os.read(self.master, 65536).decode()
                except OSError:
                    return
                self.raw += text
                self.pending += text
                self._obey()

    def _obey(self):
        text = self.pending
        at = 0
        while at < len(text):
            c = text[at]
            if c == "\x1b":
                m = SEQUENCE.match(text, at)
                if m is None:
                    if len(text) - at < 16:  # the rest is still to come
                        break
                    raise AssertionError(f"wrote {text[at:at + 16]!r}")
                self._sequence(*m.groups())
                at = m.end()
                continue
            if c == "\r":
                self.x = 0
            elif c == "\n":
                assert self.y < self.rows - 1 or not self.is_other, "the screen was scrolled"
                self.y = min(self.y + 1, self.rows - 1)
            else:
                assert " " <= c <= "~", f"wrote {c!r}"
                assert self.x < self.columns or not self.wraps, "a line is too long"
                self.cut_off += self.x >= self.columns
                if self.x < self.columns:
                    self.cells[self.y][self.x] = c
                self.x += 1
            at += 1
        self.pending = text[at:]

    def _sequence(self, private, numbers, what):
        if private:
            assert numbers in ("1049", "25", "7") and what in "hl", (numbers, what)
            if numbers == "1049":
                self.is_other = what == "h"
            elif numbers == "7":
                self.wraps = what == "h"
            else:
                self.has_cursor = what == "h"
        elif what == "H":
            y, x = ([int(n) for n in numbers.split(";")] if numbers else [1, 1])
            self.x, self.y = min(x, self.columns) - 1, min(y, self.rows) - 1
        elif what == "K":
            self._clear_line()
        elif what == "J":
            if numbers != "2":
                self._clear_line()
            for y in range(0 if numbers == "2" else self.y + 1, self.rows):
                self.cells[y] = [" "] * self.columns
        else:
            assert what == "m", f"wrote CSI {numbers}{what}"

    def _clear_line(self):
        x = min(self.x, self.columns - 1)  # behind the last cell the cursor still stands on it
        self.cells[self.y][x:] = [" "] * (self.columns - x)

    def screen(self):
        return ["".join(line).rstrip() for line in self.cells]

    def text(self):
        return "\n".join(self.screen())

    # ---- what is typed ----

    def type(self, text):
        os.write(self.master, text.encode())

    def signal(self, number):
        self.process.send_signal(number)

    def end(self, timeout=5):
        """Reads to the end of the program; its exit code."""
        until = time.monotonic() + timeout * SLOW
        while self.process.poll() is None:
            assert time.monotonic() < until, "it does not end"
            self.read(0.05)
        self.read(0.1)
        return self.process.returncode

    def is_as_before(self):
        """The screen, the cursor and the keyboard are given back."""
        return not self.is_other and self.has_cursor and self.wraps and termios.tcgetattr(self.slave) == self.before

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
