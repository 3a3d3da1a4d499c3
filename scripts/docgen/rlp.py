# SPDX-License-Identifier: Apache-2.0
"""RLP with names: reads bytes along a layout and writes them line by line with what they are."""

WRAP = 32    # bytes of a long string on one line
ELIDE = 400  # a string longer than this is shown by its length


class Fault(Exception):
    """The bytes are not what the layout says."""


def encode(item):
    """RLP of bytes, a number, or a list of these."""
    if isinstance(item, int):
        item = item.to_bytes((item.bit_length() + 7) // 8, "big")
    if isinstance(item, list):
        body = b"".join(encode(i) for i in item)
        return head(len(body), 0xc0) + body
    if len(item) == 1 and item[0] < 0x80:
        return item
    return head(len(item), 0x80) + item


def head(n, base):
    if n < 56:
        return bytes([base + n])
    length = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([base + 55 + len(length)]) + length


def parse(data):
    """(header, body, is_list, rest) of the first item."""
    if not data:
        raise Fault("the bytes end too early")
    first = data[0]
    if first < 0x80:
        return b"", data[:1], False, data[1:]
    code = first - (0xc0 if first >= 0xc0 else 0x80)
    digits = max(0, code - 55)
    size = int.from_bytes(data[1:1 + digits], "big") if digits else code
    start = 1 + digits
    if len(data) < start + size:
        raise Fault("the bytes end too early")
    return data[:start], data[start:start + size], first >= 0xc0, data[start + size:]


# Layouts. A name may carry a remark behind a bar: "kind|1: Started".

def u(name):
    """A number."""
    return ("uint", name)


def fixed(name, size):
    return ("fixed", name, size)


def hash32(name):
    return fixed(name, 32)


def address(name):
    return fixed(name, 20)


def sig(name="signature"):
    return fixed(name, 65)


def text(name):
    return ("text", name)


def string(name):
    """Bytes; long ones are shown by their length."""
    return ("string", name)


def rows(name, *items):
    """A list of exactly these."""
    return ("list", name, items)


def many(name, item):
    """A list of any number of the same."""
    return ("many", name, item)


def opaque(name):
    """One item, list or string, shown whole without looking inside."""
    return ("opaque", name)


def describe(layout, body):
    kind, name = layout[:2]
    if kind == "uint":
        if body[:1] == b"\x00":
            raise Fault(f"{name} is not minimal")
        return f"{name}: {int.from_bytes(body, 'big')}" if len(body) < 16 else name
    if kind == "fixed" and len(body) != layout[2]:
        raise Fault(f"{name} has {len(body)} bytes instead of {layout[2]}")
    if kind == "text":
        return f'{name}: "{body.decode()}"'
    return name if body or kind == "fixed" else f"{name}: empty"


def line(indent, code, comment):
    return "  " * indent + code, comment


def align(lines):
    """The lines with their comments one below the other."""
    column = max(len(left) for left, comment in lines if comment) + 2
    return "\n".join(f"{left:<{column}}{comment}".rstrip() for left, comment in lines)


def count(n, what):
    return f"{n or 'no'} {what}{'s' * (n != 1)}"


def string_lines(layout, header, body, indent):
    comment = describe(layout, body)
    if len(body) > ELIDE:
        return [line(indent, f"{header.hex()} …", f"{comment}: {len(body)} bytes")]
    parts = [body[i:i + WRAP] for i in range(0, len(body), WRAP)] or [b""]
    if len(parts) == 1:
        return [line(indent, f"{header.hex()} {body.hex()}".strip(), comment)]
    lines = [line(indent, header.hex(), f"{comment}, {len(body)} bytes")]
    return lines + [line(indent + 1, part.hex(), "") for part in parts]


def item_lines(layout, data, indent):
    """(lines, rest)."""
    kind, name = layout[:2]
    header, body, is_list, rest = parse(data)
    if kind == "opaque":
        whole = data[:len(data) - len(rest)]
        return [line(indent, whole.hex(), name)], rest
    if is_list != (kind in ("list", "many")):
        raise Fault(f"{name} is {'a list' if is_list else 'a string'}")
    if not is_list:
        return string_lines(layout, header, body, indent), rest
    lines = []
    items = 0
    if kind == "list":
        for inner in layout[2]:
            more, body = item_lines(inner, body, indent + 1)
            lines += more
        if body:
            raise Fault(f"{name} has more items than it should")
        size = len(data) - len(rest) - len(header)
        what = f"{name}: list, {count(size, 'byte')}" if size else f"{name}: empty list"
        return [line(indent, header.hex(), what)] + lines, rest
    while body:
        more, body = item_lines(layout[2], body, indent + 1)
        lines += more
        items += 1
    return [line(indent, header.hex(), f"{name}: {count(items, 'item')}")] + \
        lines, rest


def dump(layout, data):
    """The bytes of one item, a line a value."""
    lines, rest = item_lines(layout, data, 0)
    if rest:
        raise Fault("bytes are left over")
    return align(lines)
