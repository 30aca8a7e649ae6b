# SPDX-License-Identifier: BSD-3-Clause
"""A reader of generated captures that shares nothing with the sensor: of each response the owners
and addresses of its answers."""

import functools
import ipaddress
import pathlib
import struct

A, AAAA = 1, 28
IPV4_OCTETS = 4
ETHERNET, VLAN, IPV4 = 14, b"\x81\x00", b"\x08\x00"
IPV6_HEADER, UDP_HEADER, DNS_HEADER = 40, 8, 12
FILE_HEADER = 24
LITTLE_ENDIAN = b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1"  # micro- and nanoseconds
RESPONSE = 0x80  # in the first octet of the flags
RECORD = struct.Struct("!HHIH")
QUESTION_POINTER = b"\xc0\x0c"


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


@functools.lru_cache(1 << 16)
def question_name(octets):
    return name_at(octets, 0)[0]


def answers(message):
    """(owner, address, TTL) of each address record in the answer section."""
    count = message[6] << 8 | message[7]
    if not count:
        return
    # Generated names have no zero octet but the root's, and the question has no pointer.
    at = message.index(0, DNS_HEADER) + 1
    names = {QUESTION_POINTER: question_name(message[DNS_HEADER:at])}
    at += 4
    for _ in range(count):
        where = message[at:at + 2]
        if where[0] >= 0xc0:
            if where not in names:
                names[where] = name_at(message, at)[0]
            owner, at = names[where], at + 2
        else:
            owner, at = name_at(message, at)
        kind, _, ttl, length = RECORD.unpack_from(message, at)
        at += 10
        if kind in (A, AAAA):
            yield owner, message[at:at + length], ttl
        at += length


def responses(path):
    """(time, DNS message) of each response of a capture."""
    octets = pathlib.Path(path).read_bytes()
    head = struct.Struct("<IIII" if octets[:4] in LITTLE_ENDIAN else ">IIII")
    begin, end = FILE_HEADER, len(octets)
    while begin < end:
        seconds, _, length, _ = head.unpack_from(octets, begin)
        begin += head.size
        at = begin + ETHERNET
        kind = octets[at - 2:at]
        if kind == VLAN:
            kind, at = octets[at + 2:at + 4], at + 4
        at += UDP_HEADER + ((octets[at] & 15) * 4 if kind == IPV4 else IPV6_HEADER)
        begin += length
        if octets[at + 2] & RESPONSE:
            yield seconds, octets[at:begin]


def unit(address):
    """What counts as one address: an IPv4 address or an IPv6 /64."""
    return address if len(address) == IPV4_OCTETS else address[:8]


@functools.lru_cache(1 << 18)
def is_public(address):
    return len(address) != IPV4_OCTETS or not ipaddress.ip_address(address).is_private
