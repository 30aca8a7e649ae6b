# SPDX-License-Identifier: BSD-3-Clause
"""A reader of generated captures that shares nothing with the sensor: of each response the owners
and addresses of its answers."""

import ipaddress
import struct

A, AAAA = 1, 28
ETHERNET, VLAN = 14, 0x8100
IPV4, IPV6 = 0x0800, 0x86dd
UDP_HEADER, DNS_HEADER = 8, 12
RESPONSE = 0x8000


def name_at(message, at):
    """The name at an offset as dotted text, and where what follows it stands."""
    labels, end = [], None
    while length := message[at]:
        if length >= 0xc0:
            end = end or at + 2
            at = (length & 0x3f) << 8 | message[at + 1]
            continue
        labels.append(message[at + 1:at + 1 + length])
        at += 1 + length
    return b".".join(labels).decode("ascii").lower(), end or at + 1


def answers(message):
    """(owner, address, TTL) of each address record in the answer section."""
    count = struct.unpack_from("!H", message, 6)[0]
    at = name_at(message, DNS_HEADER)[1] + 4
    names = {}
    for _ in range(count):
        where = message[at:at + 2]
        if where[0] >= 0xc0:
            if where not in names:
                names[where] = name_at(message, at)[0]
            owner, at = names[where], at + 2
        else:
            owner, at = name_at(message, at)
        kind, _, ttl, length = struct.unpack_from("!HHIH", message, at)
        at += 10
        if kind in (A, AAAA):
            yield owner, message[at:at + length], ttl
        at += length


def responses(path):
    """(time, DNS message) of each response of a capture."""
    with open(path, "rb") as file:
        order = "<" if file.read(24)[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
        head = struct.Struct(order + "IIII")
        while record := file.read(head.size):
            seconds, _, length, _ = head.unpack(record)
            frame = file.read(length)
            at = ETHERNET
            kind = struct.unpack_from("!H", frame, 12)[0]
            if kind == VLAN:
                kind, at = struct.unpack_from("!H", frame, 16)[0], at + 4
            at += (frame[at] & 15) * 4 if kind == IPV4 else 40
            message = frame[at + UDP_HEADER:]
            if message[2] & RESPONSE >> 8:
                yield seconds, message


def unit(address):
    """What counts as one address: an IPv4 address or an IPv6 /64."""
    return address if len(address) == 4 else address[:8]


def is_public(address):
    return len(address) != 4 or not (address[0] == 127 or ipaddress.ip_address(address).is_private)
