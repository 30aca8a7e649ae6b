# SPDX-License-Identifier: BSD-3-Clause
"""Headers, octet by octet, and capture files: what all modules here build packets from.

A packet is (kind, octets); kind is the header that the octets start with: ETHER, IP4 or IP6.
"""

import ipaddress
import struct

ETHER, IP4, IP6 = "ether", "ip4", "ip6"
ETHERTYPE = {IP4: 0x0800, IP6: 0x86DD}
IPPROTO = {IP4: 4, IP6: 41}
TCP, UDP = 6, 17

# LINKTYPE_ values of capture files.
LINK_ETHERNET, LINK_PPP, LINK_RAW = 1, 9, 101

# No nibble 0, 4 or 6 in front: after MPLS labels that would be a control word or IP.
MAC_DST = bytes.fromhex("52a1b2c3d4e5")
MAC_SRC = bytes.fromhex("52f1e2d3c4b5")

OUTER4 = "198.51.100.1", "198.51.100.2"
OUTER6 = "2001:db8:ffff::1", "2001:db8:ffff::2"


class Idents:
    """Numbers for IP identification fields, never twice the same in a capture."""

    def __init__(self):
        self.last = 0

    def next(self):
        self.last += 1
        return self.last


def internet_checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packed(address):
    return ipaddress.ip_address(address).packed


def ip4(source, destination, protocol, payload, ident, flags_offset=0):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), ident & 0xFFFF, flags_offset,
                       60, protocol, 0, packed(source), packed(destination))
    return head[:10] + struct.pack("!H", internet_checksum(head)) + head[12:] + payload


def ip6(source, destination, protocol, payload):
    return struct.pack("!IHBB16s16s", 0x60000000, len(payload), protocol, 60, packed(source),
                       packed(destination)) + payload


def ip(source, destination, protocol, payload, idents):
    """A packet of the addresses' version."""
    if ":" in source:
        return IP6, ip6(source, destination, protocol, payload)
    return IP4, ip4(source, destination, protocol, payload, idents.next())


def transport_checksum(source, destination, protocol, data):
    pseudo = packed(source) + packed(destination) + struct.pack("!IHBB", len(data), 0, 0, protocol)
    return internet_checksum(pseudo + data) or 0xFFFF


def udp(source, destination, source_port, port, payload, idents):
    head = struct.pack("!HHHH", source_port, port, 8 + len(payload), 0)
    summed = transport_checksum(source, destination, UDP, head + payload)
    return ip(source, destination, UDP, head[:6] + struct.pack("!H", summed) + payload, idents)


def tcp(source, destination, source_port, port, seq, ack, flags, payload, idents, options=b"",
        window=8192, urgent=0):
    """`options` a multiple of four octets."""
    head = struct.pack("!HHIIBBHHH", source_port, port, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF,
                       (20 + len(options)) << 2, flags, window, 0, urgent) + options
    summed = transport_checksum(source, destination, TCP, head + payload)
    return ip(source, destination, TCP, head[:16] + struct.pack("!H", summed) + head[18:] + payload,
              idents)


def ether(ethertype, payload):
    """Short frames are padded, as on a wire."""
    return MAC_DST + MAC_SRC + struct.pack("!H", ethertype) + payload.ljust(46, b"\0")


def on_ethernet(packet):
    kind, data = packet
    return data if kind == ETHER else ether(ETHERTYPE[kind], data)


def write_capture(path, frames, link=LINK_ETHERNET):
    """`frames`: [(microseconds since 1970, octets)] in order of time."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, link))
        for stamp, data in frames:
            file.write(struct.pack("<IIII", stamp // 1000000, stamp % 1000000, len(data),
                                   len(data)) + data)


def read_capture(path):
    """(LINKTYPE_, [(microseconds, octets)]) of a classic pcap; None when it is none."""
    with open(path, "rb") as file:
        data = file.read()
    order = {b"\xd4\xc3\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">"}.get(data[:4])
    if order is None:
        return None
    frames, at = [], 24
    while at + 16 <= len(data):
        seconds, micros, caplen, _ = struct.unpack_from(order + "IIII", data, at)
        frames.append((seconds * 1000000 + micros, data[at + 16:at + 16 + caplen]))
        at += 16 + caplen
    return struct.unpack_from(order + "I", data, 20)[0], frames
