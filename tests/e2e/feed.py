# SPDX-License-Identifier: Apache-2.0
"""A WebSocket client for the peer feed, just enough to see batches as they are broadcast."""

import base64
import os
import socket
import threading
import time

import rlp

HELLO, BATCH, GET, BATCHES = 1, 2, 3, 4


class Feed:
    """Notes (time, number, producer, raw) of each batch that is pushed, in a thread of its own."""

    def __init__(self, port, genesis):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((f"GET /feed HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
                             f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                             "Sec-WebSocket-Version: 13\r\n\r\n").encode())
        head = b""
        while b"\r\n\r\n" not in head:
            more = self.socket.recv(4096)
            assert more, f"the feed closed: {head!r}"
            head += more
        assert b" 101 " in head.split(b"\r\n")[0], head
        self.rest = head.split(b"\r\n\r\n", 1)[1]
        self.genesis = genesis
        self.batches = []
        self.changed = threading.Condition()
        self.socket.settimeout(None)
        self.send(rlp.encode([HELLO, 1, genesis, 0, genesis, b"test"]))
        threading.Thread(target=self._read, daemon=True).start()

    def send(self, data, kind=2):
        mask = os.urandom(4)
        size = len(data)
        if size < 126:
            head = bytes([0x80 | kind, 0x80 | size])
        elif size < 65536:  # the shortest form, or the server refuses it
            head = bytes([0x80 | kind, 0x80 | 126]) + size.to_bytes(2, "big")
        else:
            head = bytes([0x80 | kind, 0x80 | 127]) + size.to_bytes(8, "big")
        self.socket.sendall(head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data)))

    def _take(self, n):
        while len(self.rest) < n:
            more = self.socket.recv(65536)
            if not more:
                raise OSError("closed")
            self.rest += more
        data, self.rest = self.rest[:n], self.rest[n:]
        return data

    def _message(self):
        data = b""
        while True:
            first, second = self._take(2)
            size = second & 0x7F
            if size == 126:
                size = int.from_bytes(self._take(2), "big")
            elif size == 127:
                size = int.from_bytes(self._take(8), "big")
            body = self._take(size)
            if first & 0x0F == 9:
                self.send(body, kind=10)  # pong
                continue
            data += body
            if first & 0x80:
                return first & 0x0F, data

    def _read(self):
        try:
            while True:
                kind, data = self._message()
                now = time.monotonic()
                if kind == 8:
                    break
                frame = rlp.decode(data)
                if frame[0] != bytes([BATCH]):
                    continue
                raw = frame[1]
                header = rlp.decode(raw)[0] if isinstance(raw, bytes) else raw[0]
                with self.changed:
                    self.batches.append((now, int.from_bytes(header[1], "big"), header[4], raw))
                    self.changed.notify_all()
        except (OSError, ValueError, IndexError):
            pass
        with self.changed:
            self.batches.append(None)
            self.changed.notify_all()

    def wait(self, condition, timeout=10.0):
        """The first batch seen from now on for which condition(batch) holds."""
        until = time.monotonic() + timeout
        with self.changed:
            at = len(self.batches)
            while True:
                while at < len(self.batches):
                    assert self.batches[at] is not None, "the feed closed"
                    if condition(self.batches[at]):
                        return self.batches[at]
                    at += 1
                left = until - time.monotonic()
                assert left > 0 and self.changed.wait(left), "no such batch in time"

    def close(self):
        self.socket.close()
