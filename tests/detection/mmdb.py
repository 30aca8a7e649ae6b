# SPDX-License-Identifier: BSD-3-Clause
"""The least of a reader of address databases (MaxMind DB format 2.0): an address's ASN."""

import functools
import pathlib

MARK = b"\xab\xcd\xefMaxMind.com"
POINTER, TEXT, UINT16, UINT32, MAP, EXTENDED, ARRAY, UINT64 = 1, 2, 5, 6, 7, 0, 11, 9


class Database:
    def __init__(self, path):
        self.octets = pathlib.Path(path).read_bytes()
        self.base = self.octets.rindex(MARK) + len(MARK)
        facts = self.value(self.base)[0]
        self.nodes, self.size = facts["node_count"], facts["record_size"]
        self.depth = 128 if facts["ip_version"] == 6 else 32
        self.base = self.nodes * self.size // 4 + 16
        self.asn = functools.cache(self.asn)
        self.walk = functools.cache(self.walk)
        self.number = functools.cache(self.number)

    def record(self, node, side):
        octets = self.octets[node * self.size // 4:(node + 1) * self.size // 4]
        if self.size == 28:
            half = octets[3] >> 4 if side == 0 else octets[3] & 15
            return half << 24 | int.from_bytes(octets[side * 4:side * 4 + 3], "big")
        width = self.size // 8
        return int.from_bytes(octets[side * width:(side + 1) * width], "big")

    def value(self, at):
        """The value at an offset, and where the next one stands."""
        octets, control = self.octets, self.octets[at]
        kind, size, at = control >> 5, control & 31, at + 1
        if kind == POINTER:
            width = (size >> 3) + 1
            more = (0, 0, 2048, 526336, 0)[width]
            high = size & 7 if width < 4 else 0
            where = (high << 8 * width | int.from_bytes(octets[at:at + width], "big")) + more
            return self.value(self.base + where)[0], at + width
        if kind == EXTENDED:
            kind, at = octets[at] + 7, at + 1
        if size >= 29:
            width = size - 28
            size = (29, 285, 65821)[width - 1] + int.from_bytes(octets[at:at + width], "big")
            at += width
        if kind == MAP:
            out = {}
            for _ in range(size):
                key, at = self.value(at)
                out[key], at = self.value(at)
            return out, at
        if kind == ARRAY:
            items = []
            for _ in range(size):
                item, at = self.value(at)
                items.append(item)
            return items, at
        data = octets[at:at + size]
        if kind in (UINT16, UINT32, UINT64):
            return int.from_bytes(data, "big"), at + size
        return data.decode("utf-8", "replace") if kind == TEXT else data, at + size

    def asn(self, address):
        """Of an address in 4 or 16 octets; None when the database does not know it."""
        if self.depth == 128 and len(address) == 4:
            address = bytes(12) + address
        # What many addresses begin with is walked once.
        cut = len(address) - 2 if address.startswith(bytes(12)) else 4
        node = self.walk(self.walk(0, address[:cut]), address[cut:])
        return self.number(node) if node > self.nodes else None

    def number(self, node):
        found = self.value(self.base + node - self.nodes - 16)[0]
        return found.get("autonomous_system_number")

    def walk(self, node, octets):
        """The node, or the leaf, that the bits lead to."""
        bits = int.from_bytes(octets, "big")
        for bit in range(8 * len(octets) - 1, -1, -1):
            if node >= self.nodes:
                break
            node = self.record(node, bits >> bit & 1)
        return node
