# SPDX-License-Identifier: Apache-2.0
"""The data of a rollup, read with no line of the code's: for columns that are not compressed."""

from docgen import rlp

NUMBERS = {"term": "zigzag of the step from the batch before",
           "l1Number": "zigzag of the step from the batch before",
           "count": "transactions of each batch",
           "kind": "(kind - kind before) mod 4, before the first 2",
           "chainId": "zigzag of the step, before the first 0",
           "tip": "0 as before, else 1 + length",
           "fee": "0 as before, else 1 + length",
           "gas": "zigzag of the step, before the first 21000",
           "to": "0 new, 1 none, 2 + i seen as the i-th new one",
           "value": "0 as before, else 1 + length",
           "data": "lengths", "access list": "lengths", "raw": "lengths"}
COLUMNS = ["time", "term", "producer", "l1Number", "count", "kind", "chainId", "nonce", "tip",
           "tip bytes", "fee", "fee bytes", "gas", "to", "to bytes", "value", "value bytes", "data",
           "data bytes", "access list", "access list bytes", "y parity", "signature", "raw",
           "raw bytes"]


def varint(data):
    value = shift = 0
    for i, byte in enumerate(data):
        value |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            return value, data[i + 1:]
    raise rlp.Fault("a varint ends too early")


def tokens(data):
    """The numbers of a column."""
    values = []
    while data:
        value, rest = varint(data)
        first, flag = data[0], data[0] & 1
        value = (value >> 7 << 6) | (first & 0x7f) >> 1
        values += [0] * (value + 1) if flag else [value]
        data = rest
    return values


def unzigzag(value):
    return value >> 1 ^ -(value & 1)


def columns(data):
    """Name, header and bytes of each column."""
    if data[:1] != b"\x01":
        raise rlp.Fault("the version is not 1")
    data, found = data[1:], []
    while data:
        head, rest = varint(data)
        if head & 1:
            raise rlp.Fault("the example has a compressed column")
        size = head >> 1
        found.append((COLUMNS[len(found)], data[:len(data) - len(rest)], rest[:size]))
        data = rest[size:]
    return found


def transaction(got):
    """The bytes of the only transaction, of type 2 with empty data and access list."""
    def number(name):
        return got[name + " bytes"][:tokens(got[name])[0] - 1]

    chain, gas = unzigzag(tokens(got["chainId"])[0]), 21000 + unzigzag(tokens(got["gas"])[0])
    r, s = got["signature"][:32], got["signature"][32:]
    return b"\x02" + rlp.encode([
        chain, tokens(got["nonce"][1:])[0], number("tip"), number("fee"), gas, got["to bytes"],
        number("value"), b"", [], got["y parity"][0] & 1, r.lstrip(b"\0"), s.lstrip(b"\0")])


def comment(name, body):
    if name == "time":
        first, rest = varint(body)
        step, rest = varint(rest)
        shift, rest = varint(rest)
        return f"time: first {first}, step {step}, shift {shift}, then zigzag: {tokens(rest)}"
    if name == "producer":
        n, rest = varint(body)
        return f"producer: {n}, then 0 as before, else 1 + which: {tokens(rest[20 * n:])}"
    if name == "nonce":
        return f"nonce: way {body[0]}, {tokens(body[1:])}"
    if name in NUMBERS:
        return f"{name}: {tokens(body)}, {NUMBERS[name]}" if body else name
    return name


def dump(data):
    lines = [rlp.line(0, "01", "version")]
    for name, head, body in columns(data):
        pieces = [body[i:i + 32] for i in range(0, len(body), 32)] or [b""]
        lines += [rlp.line(0, (head.hex() + " " if i == 0 else "   ") + piece.hex(),
                           comment(name, body) if i == 0 else "")
                  for i, piece in enumerate(pieces)]
    return rlp.align(lines)
