# SPDX-License-Identifier: Apache-2.0
"""A feed that a test serves: it holds what the test gave it and lies as it is told.

modes: "honest"; "silent" (never answers GET); "empty" (answers with nothing); "corrupt" (each batch has
a broken seal); "mute" (takes connections and says nothing at all); "garbage" (no frames)."""

import base64
import hashlib
import os
import socket
import threading

import rlp

HELLO, BATCH, GET, BATCHES, ERROR = 1, 2, 3, 4, 7
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def _number(item):
    return int.from_bytes(item, "big")


class FakeFeed:
    def __init__(self, genesis, raws, mode, claim=None, head_hash=None):
        self.genesis, self.raws, self.mode = genesis, raws, mode
        self.claim = claim if claim is not None else len(raws)
        self.head_hash = head_hash or os.urandom(32)
        self.connections = 0
        self.gets = 0
        self.errors = []
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self):
        return f"ws://127.0.0.1:{self.port}/feed"

    def _accept(self):
        while True:
            try:
                sock, _ = self.server.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(sock,), daemon=True).start()

    def _talk(self, sock):
        try:
            self._upgrade(sock)
            if self.mode == "garbage":
                self._send(sock, os.urandom(500))
            elif self.mode != "mute":
                self._send(sock, rlp.encode([HELLO, 1, self.genesis, self.claim, self.head_hash, b"fake"]))
            while True:
                self._answer(sock, self._message(sock))
        except (OSError, AssertionError):
            sock.close()

    def _answer(self, sock, data):
        frame = rlp.decode(data)
        if _number(frame[0]) == ERROR:
            self.errors.append((_number(frame[1]), frame[2].decode()))
        if _number(frame[0]) != GET:
            return
        self.gets += 1
        if self.mode == "silent":
            return
        first, count = _number(frame[2]), _number(frame[3])
        raws = [] if self.mode == "empty" else self.raws[first - 1:first - 1 + count]
        if self.mode == "corrupt":
            raws = [r[:-20] + bytes([r[-20] ^ 1]) + r[-19:] for r in raws]
        self._send(sock, rlp.encode([BATCHES, frame[1], raws]))

    @staticmethod
    def _upgrade(sock):
        head = b""
        while b"\r\n\r\n" not in head:
            more = sock.recv(4096)
            assert more
            head += more
        lines = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
        key = next(v for k, v in lines.items() if k.lower() == b"sec-websocket-key")
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")

    @staticmethod
    def _send(sock, data):
        size = len(data)
        if size < 126:
            head = bytes([0x82, size])
        elif size < 65536:
            head = bytes([0x82, 126]) + size.to_bytes(2, "big")
        else:
            head = bytes([0x82, 127]) + size.to_bytes(8, "big")
        sock.sendall(head + data)

    def _message(self, sock):
        data = b""
        while True:
            first, second = self._take(sock, 2)
            size = second & 0x7F
            if size >= 126:
                size = int.from_bytes(self._take(sock, 2 if size == 126 else 8), "big")
            mask = self._take(sock, 4)
            body = bytes(b ^ mask[i % 4] for i, b in enumerate(self._take(sock, size)))
            assert first & 0x0F != 8
            if first & 0x0F == 9:
                sock.sendall(bytes([0x8A, len(body)]) + body)
            elif first & 0x0F < 3:
                data += body
                if first & 0x80:
                    return data

    @staticmethod
    def _take(sock, n):
        data = b""
        while len(data) < n:
            more = sock.recv(n - len(data))
            assert more
            data += more
        return data

    def close(self):
        self.server.close()
