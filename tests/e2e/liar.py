# SPDX-License-Identifier: Apache-2.0
"""A man in the middle between host and enclave that makes an honest enclave lie on demand.

It listens where the host expects the enclave and passes frames on; mode tells how the next answer to a
CREATE, or to a REGISTER, is falsified."""

import os
import socket
import threading

import rlp

CREATE = 8
REGISTER = 15


def _read_frame(sock):
    head = _read(sock, 4)
    return None if head is None else _read(sock, int.from_bytes(head, "big"))


def _read(sock, n):
    data = b""
    while len(data) < n:
        more = sock.recv(n - len(data))
        if not more:
            return None
        data += more
    return data


def _spoilt(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


def _frame(body):
    return len(body).to_bytes(4, "big") + body


class Liar:
    def __init__(self, listen, enclave):
        self.enclave = enclave
        self.mode = None
        self.lies = 0
        self.last_batch = None
        if os.path.exists(listen):
            os.unlink(listen)
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(listen)
        self.server.listen(8)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                host, _ = self.server.accept()
            except OSError:
                return
            enclave = socket.socket(socket.AF_UNIX)
            try:
                enclave.connect(self.enclave)
            except OSError:
                host.close()
                continue
            for args in ((host, enclave, False), (enclave, host, True)):
                threading.Thread(target=self._pass, args=args, daemon=True).start()

    def _pass(self, source, target, answers):
        try:
            while (frame := _read_frame(source)) is not None:
                if answers:
                    frame = self._answer(frame)
                if frame is not None:
                    target.sendall(_frame(frame))
        except OSError:
            pass
        for sock in (source, target):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _answer(self, frame):
        try:
            kind, number, body = rlp.decode(frame)
        except (AssertionError, ValueError, IndexError):
            return frame
        if int.from_bytes(kind, "big") == REGISTER and self.mode == "registration":
            self.lies += 1
            return rlp.encode([kind, number, body[:-1] + [_spoilt(body[-1], -20)]])
        if int.from_bytes(kind, "big") != CREATE:
            return frame
        batch = body[0]
        mode, older = self.mode, self.last_batch
        self.last_batch = batch
        if mode in (None, "registration"):
            return frame
        self.lies += 1
        if mode == "nothing":
            return None
        if mode == "garbage":
            return b"\x5a" * len(frame)
        if mode == "signature":
            # The seal's s is changed: another signer, or none.
            batch = _spoilt(batch, -20)
        if mode == "height":
            batch = older if older is not None else batch[:-1]
        return rlp.encode([kind, number, [batch] + body[1:]])

    def close(self):
        self.server.close()
