# SPDX-License-Identifier: Apache-2.0
"""RLP, as little of it as the tests need: bytes and lists."""


def decode(data):
    item, rest = _decode(memoryview(data))
    assert not rest, "bytes follow the item"
    return item


def _decode(data):
    first = data[0]
    if first < 0x80:
        return bytes(data[:1]), data[1:]
    if first < 0xC0:
        start, size = _length(data, first, 0x80)
        return bytes(data[start : start + size]), data[start + size :]
    start, size = _length(data, first, 0xC0)
    inside, items = data[start : start + size], []
    while inside:
        item, inside = _decode(inside)
        items.append(item)
    return items, data[start + size :]


def _length(data, first, base):
    if first < base + 56:
        return 1, first - base
    n = first - base - 55
    return 1 + n, int.from_bytes(data[1 : 1 + n], "big")


def encode(item):
    if isinstance(item, int):
        item = item.to_bytes((item.bit_length() + 7) // 8, "big")
    if isinstance(item, (bytes, bytearray, memoryview)):
        item = bytes(item)
        if len(item) == 1 and item[0] < 0x80:
            return item
        return _header(len(item), 0x80) + item
    inside = b"".join(encode(i) for i in item)
    return _header(len(inside), 0xC0) + inside


def _header(size, base):
    if size < 56:
        return bytes([base + size])
    size_bytes = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([base + 55 + len(size_bytes)]) + size_bytes
