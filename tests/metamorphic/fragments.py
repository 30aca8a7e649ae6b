# SPDX-License-Identifier: BSD-3-Clause
"""IPv4 and IPv6 packets in fragments, and what a network does to these on their way.

A Fragment knows which part of the datagram it holds, so that it can be cut anew.
"""

import dataclasses
import struct

import octets
from octets import IP4, IP6

MORE = 1
# What may stand before an IPv6 fragment header: hop-by-hop, routing.
UNFRAGMENTABLE = (0, 43)


@dataclasses.dataclass
class Fragment:
    kind: str
    head: bytes       # all headers that each fragment repeats
    protocol: int     # of what the datagram holds
    ident: int
    offset: int       # in octets, a multiple of 8
    more: bool
    payload: bytes

    def packet(self):
        if self.kind == IP4:
            head = self.head[:2] + struct.pack(
                "!HHH", len(self.head) + len(self.payload), self.ident & 0xFFFF,
                self.offset >> 3 | (0x2000 if self.more else 0)) + self.head[8:10] + (
                b"\0\0" + self.head[12:])
            summed = struct.pack("!H", octets.internet_checksum(head))
            return IP4, head[:10] + summed + head[12:] + self.payload
        extension = struct.pack("!BBHI", self.protocol, 0, self.offset | self.more, self.ident)
        length = len(self.head) - 40 + 8 + len(self.payload)
        return IP6, self.head[:4] + struct.pack("!H", length) + self.head[6:] + (
            extension + self.payload)


def split(packet):
    """(head, protocol, payload) of a datagram: head is what each fragment repeats."""
    kind, data = packet
    if kind == IP4:
        length = (data[0] & 15) * 4
        return data[:length], data[9], data[length:]
    at, place = 40, 6
    while data[place] in UNFRAGMENTABLE:
        place, at = at, at + 8 + data[at + 1] * 8
    return data[:place] + b"\x2c" + data[place + 1:at], data[place], data[at:]


def fragment(packet, size, idents):
    """Of `size` octets each, a multiple of 8; but for the last. At least two."""
    ident = idents.next()
    head, protocol, payload = split(packet)
    if len(payload) <= size:
        size = len(payload) // 2 & ~7
    # Of two, the second has eight octets, so that the first one can overlap with it.
    if len(payload) < size + 8 and size > 8:
        size -= 8
    return [Fragment(packet[0], head, protocol, ident, at, at + size < len(payload),
                     payload[at:at + size]) for at in range(0, len(payload), size)]


def whole(fragments):
    return b"".join(f.payload for f in sorted(fragments, key=lambda f: f.offset))


def changed(data):
    return bytes(b ^ 0x55 for b in data)


# On the way: a list of fragments of one datagram in, what arrives out.

def in_order(fragments, _):
    return fragments


def reversed_(fragments, _):
    return fragments[::-1]


def shuffled(fragments, random):
    return random.sample(fragments, len(fragments))


def duplicated(fragments, random):
    """One comes twice, before the last is there: after that it would be of a new datagram."""
    at = random.randrange(len(fragments) - 1)
    return fragments[:at + 1] + fragments[at:]


def grown(fragments, random, change):
    """Those that can hold the next eight octets as well; one of them altered, if `change`."""
    data, out = whole(fragments), list(fragments)
    ends = {i: f.offset + len(f.payload) for i, f in enumerate(fragments[:-1])}
    room = [i for i, end in ends.items() if end + 8 <= len(data)]
    altered = random.choice(room) if room and change else None
    for i in room:
        more = data[ends[i]:ends[i] + 8]
        out[i] = dataclasses.replace(fragments[i], payload=fragments[i].payload + (
            changed(more) if i == altered else more))
    return out


def overlapping(fragments, random):
    return grown(fragments, random, False)


def contradicting(fragments, random):
    return grown(fragments, random, True)


def repeated_otherwise(fragments, random):
    """One comes twice, and says something else the second time."""
    at = random.randrange(len(fragments) - 1)
    payload = fragments[at].payload
    # Not its first octets: other ports would make it another matter.
    other = dataclasses.replace(fragments[at], payload=payload[:8] + changed(payload[8:]))
    return fragments[:at + 1] + [other] + fragments[at + 1:]


def missing(fragments, random):
    gone = random.randrange(len(fragments))
    return fragments[:gone] + fragments[gone + 1:]


def interleaved(datagrams):
    """Of several datagrams: the first of each, the second of each..."""
    longest = max(map(len, datagrams))
    return [d[i] for i in range(longest) for d in datagrams if i < len(d)]
