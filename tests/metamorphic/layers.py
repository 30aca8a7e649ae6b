# SPDX-License-Identifier: BSD-3-Clause
"""Encapsulations. Each layer is a Layer whose `put` makes one packet of one packet; LAYERS has
them all by name. They compose in any order that `takes` allows.
"""

import dataclasses
import struct
import zlib

import octets
from octets import ETHER, ETHERTYPE, IP4, IP6, IPPROTO, OUTER4, OUTER6

TEB = 0x6558
PPP_PROTOCOL = {IP4: 0x21, IP6: 0x57}
ANY_IP, ANYTHING = (IP4, IP6), (ETHER, IP4, IP6)


@dataclasses.dataclass
class Layer:
    name: str
    takes: tuple
    put: callable  # (packet, octets.Idents) -> packet
    shown: tuple   # names in `encapsulation` of fluxgate dump
    blind: str = ""  # why tshark does not see through
    depth: int = 1   # headers it adds
    cut: int = 0     # payloads longer than this don't fit into it; 0: none


LAYERS = {}


def layer(name, takes, shown, put, **more):
    LAYERS[name] = Layer(name, takes, put, tuple(shown.split()), **more)


def typed(packet):
    kind, data = packet
    return (TEB if kind == ETHER else ETHERTYPE[kind]), data


def over_ip(outer, protocol, payload, idents):
    return octets.ip(*outer, protocol, payload, idents)


def over_udp(port, payload, idents, outer=OUTER4):
    # The source port is chosen by the flow inside.
    return octets.udp(*outer, 49152 + zlib.crc32(payload[-40:]) % 16384, port, payload, idents)


# Ethernet: tags, LLC, MPLS, PPPoE

def tags(packet, ethertypes):
    data = octets.on_ethernet(packet)
    pushed = b"".join(struct.pack("!HH", t, 0x2064 + i) for i, t in enumerate(ethertypes))
    return ETHER, data[:12] + pushed + data[12:]


def snap(packet, _):
    kind, data = packet
    payload = b"\xaa\xaa\3\0\0\0" + struct.pack("!H", ETHERTYPE[kind]) + data
    return ETHER, octets.ether(len(payload), payload)


def labels(count, first=1000):
    return b"".join(struct.pack("!I", first + i << 12 | (i == count - 1) << 8 | 64)
                    for i in range(count))


def mpls(packet, count):
    return ETHER, octets.ether(0x8847, labels(count) + packet[1])


def pseudowire(packet, count, word):
    first = 2000 if word else 3000
    return ETHER, octets.ether(0x8847, labels(count, first) + word + octets.on_ethernet(packet))


def ppp(packet, short=False, addressed=False):
    kind, data = packet
    protocol = PPP_PROTOCOL[kind]
    return (b"\xff\3" if addressed else b"") + (
        bytes([protocol]) if short else struct.pack("!H", protocol)) + data


def pppoe(packet, short):
    payload = ppp(packet, short)
    return ETHER, octets.ether(0x8864, struct.pack("!BBHH", 0x11, 0, 7, len(payload)) + payload)


# Over IP

def l2tp(packet, idents, length, sequence, offset, addressed=True, short=False):
    payload = ppp(packet, short, addressed)
    body = struct.pack("!HH", 9, 11)
    body += struct.pack("!HH", 5, 0) if sequence else b""
    body += struct.pack("!H", 4) + bytes(4) if offset else b""
    flags = 2 | (0x4000 if length else 0) | (0x800 if sequence else 0) | (0x200 if offset else 0)
    total = 2 + (2 if length else 0) + len(body) + len(payload)
    head = struct.pack("!HH", flags, total) if length else struct.pack("!H", flags)
    return over_udp(1701, head + body + payload, idents)


def gre_header(protocol, payload, checksum=False, key=False, sequence=False):
    flags = (0x8000 if checksum else 0) | (0x2000 if key else 0) | (0x1000 if sequence else 0)
    head = struct.pack("!HH", flags, protocol)
    rest = (struct.pack("!I", 0x00C0FFEE) if key else b"") + (
        struct.pack("!I", 77) if sequence else b"")
    if checksum:
        summed = octets.internet_checksum(head + bytes(4) + rest + payload)
        head += struct.pack("!HH", summed, 0)
    return head + rest


def gre(packet, idents, outer=OUTER4, **flags):
    protocol, payload = typed(packet)
    return over_ip(outer, 47, gre_header(protocol, payload, **flags) + payload, idents)


def gre_mpls(packet, idents):
    payload = labels(1) + packet[1]
    return over_ip(OUTER4, 47, gre_header(0x8847, payload) + payload, idents)


def gre_udp(packet, idents):
    protocol, payload = typed(packet)
    return over_udp(4754, gre_header(protocol, payload) + payload, idents)


def pptp(packet, idents):
    """Enhanced GRE of RFC 2637: version 1, the key's first half is the payload's length."""
    payload = ppp(packet)
    head = struct.pack("!HHHHII", 0x3081, 0x880B, len(payload), 3, 9, 8)
    return over_ip(OUTER4, 47, head + payload, idents)


def erspan1(packet, idents):
    return over_ip(OUTER4, 47, gre_header(0x88BE, b"") + octets.on_ethernet(packet), idents)


def erspan2(packet, idents):
    head = gre_header(0x88BE, b"", sequence=True) + struct.pack("!HHI", 0x1064, 0x1801, 5)
    return over_ip(OUTER4, 47, head + octets.on_ethernet(packet), idents)


def erspan3(packet, idents, optional):
    head = gre_header(0x22EB, b"", sequence=True) + struct.pack("!HHIHH", 0x2064, 0x0001, 99, 0,
                                                              0x8000 | optional)
    head += struct.pack("!II", 0x0C000001, 2) if optional else b""
    return over_ip(OUTER4, 47, head + octets.on_ethernet(packet), idents)


def vxlan(packet, idents, port, outer=OUTER4):
    head = struct.pack("!II", 0x08000000, 4096 << 8)
    return over_udp(port, head + octets.on_ethernet(packet), idents, outer)


def geneve(packet, idents, options=b""):
    protocol, payload = typed(packet)
    head = struct.pack("!BBHI", len(options) // 4, 0, protocol, 7 << 8)
    return over_udp(6081, head + options + payload, idents)


def gtp(packet, idents, flags=0, extensions=()):
    """flags: E 4, S 2, PN 1. extensions: [(type, contents of 4n - 2 octets)]."""
    optional = b""
    if flags:
        optional = struct.pack("!HB", 17, 1) + bytes([extensions[0][0] if extensions else 0])
        for i, (_, contents) in enumerate(extensions):
            after = extensions[i + 1][0] if i + 1 < len(extensions) else 0
            optional += bytes([(len(contents) + 2) // 4]) + contents + bytes([after])
    body = optional + packet[1]
    return over_udp(2152, struct.pack("!BBHI", 0x30 | flags, 255, len(body), 1234) + body, idents)


def ip_in_ip(packet, idents, outer):
    return over_ip(outer, IPPROTO[packet[0]], packet[1], idents)


def teredo(packet, idents, auth=False, origin=False):
    head = b"\0\1\0\0" + bytes(9) if auth else b""
    head += struct.pack("!HH", 0, 0x1234) + bytes(4) if origin else b""
    return over_udp(3544, head + packet[1], idents)


# IPv6 extension headers, and AH

def extended(packet, headers):
    """`headers`: [(protocol, octets with a first one to be set)]."""
    data, chain = packet[1], b""
    first, after = headers[0][0], data[6]
    for i, (_, contents) in enumerate(headers):
        chain += bytes([headers[i + 1][0] if i + 1 < len(headers) else after]) + contents[1:]
    return IP6, data[:4] + struct.pack("!HB", len(chain) + len(data) - 40, first) + data[7:40] + (
        chain + data[40:])


HOP_BY_HOP = 0, b"\0\0\1\4" + bytes(4)
ROUTING = 43, b"\0\2\4\0" + bytes(20)
DESTINATION = 60, b"\0\1\1\14" + bytes(12)
AH = 51, b"\0\4\0\0" + struct.pack("!II", 5, 6) + bytes(12)


def ah4(packet):
    data = packet[1]
    body = bytes([data[9]]) + AH[1][1:] + data[20:]
    head = data[:2] + struct.pack("!H", 20 + len(body)) + data[4:9] + b"\x33\0\0" + data[12:20]
    summed = struct.pack("!H", octets.internet_checksum(head))
    return IP4, head[:10] + summed + head[12:] + body


def define():
    one = lambda make, *args: lambda packet, idents: make(packet, *args)
    for name, types in {"802.1Q": [0x8100], "0x9100": [0x9100], "0x9200": [0x9200],
                        "QinQ": [0x88A8, 0x8100], "QinQ 0x9100": [0x9100, 0x8100],
                        "QinQ 0x9200": [0x9200, 0x8100], "QinQ twice 0x8100": [0x8100, 0x8100],
                        "four tags": [0x88A8, 0x88A8, 0x8100, 0x8100]}.items():
        layer(name, ANYTHING, "vlan", one(tags, types), depth=len(types),
              blind="it has no 0x9200 tag" if 0x9200 in types else "")
    layer("LLC", ANY_IP, "llc", snap, cut=1492)
    for n in (1, 2, 3):
        layer(f"MPLS {n}", ANY_IP, "mpls", one(mpls, n), depth=n)
    layer("MPLS pseudowire", ANYTHING, "mpls", one(pseudowire, 2, bytes(4)), depth=3)
    layer("MPLS pseudowire bare", ANYTHING, "mpls", one(pseudowire, 2, b""), depth=3)
    layer("PPPoE", ANY_IP, "pppoe ppp", one(pppoe, False), depth=2)
    layer("PPPoE short", ANY_IP, "pppoe ppp", one(pppoe, True), depth=2)
    for bits in range(8):
        length, sequence, offset = bits & 4, bits & 2, bits & 1
        layer("L2TP" + " L" * bool(length) + " S" * bool(sequence) + " O" * bool(offset), ANY_IP,
              "l2tp ppp", lambda p, i, a=(length, sequence, offset): l2tp(p, i, *a), depth=4)
        flags = {"checksum": bits & 4, "key": bits & 2, "sequence": bits & 1}
        layer("GRE" + "".join(f" {f}" for f in flags if flags[f]), ANYTHING, "gre",
              lambda p, i, f=flags: gre(p, i, **f), depth=2)
    layer("L2TP bare", ANY_IP, "l2tp ppp", lambda p, i: l2tp(p, i, 1, 0, 0, False, True), depth=4)
    layer("GRE on IPv6", ANYTHING, "gre", lambda p, i: gre(p, i, OUTER6, key=True), depth=2)
    layer("GRE MPLS", ANY_IP, "gre mpls", gre_mpls, depth=3)
    layer("GRE PPTP", ANY_IP, "gre ppp", pptp, depth=3)
    layer("GRE in UDP", ANYTHING, "gre", gre_udp, depth=3)
    layer("ERSPAN I", ANYTHING, "gre erspan", erspan1, depth=3)
    layer("ERSPAN II", ANYTHING, "gre erspan", erspan2, depth=3)
    layer("ERSPAN III", ANYTHING, "gre erspan", lambda p, i: erspan3(p, i, 0), depth=3)
    layer("ERSPAN III subheader", ANYTHING, "gre erspan", lambda p, i: erspan3(p, i, 1), depth=3)
    layer("VXLAN", ANYTHING, "vxlan", lambda p, i: vxlan(p, i, 4789), depth=4)
    layer("VXLAN 8472", ANYTHING, "vxlan", lambda p, i: vxlan(p, i, 8472), depth=4)
    layer("VXLAN on IPv6", ANYTHING, "vxlan", lambda p, i: vxlan(p, i, 4789, OUTER6), depth=4)
    layer("Geneve", ANYTHING, "geneve", geneve, depth=3)
    options = struct.pack("!HBBI", 0x0101, 0x80, 1, 9) + struct.pack("!HBBII", 0x0102, 1, 2, 1, 2)
    layer("Geneve options", ANYTHING, "geneve", lambda p, i: geneve(p, i, options), depth=3)
    session, pdcp = (0x85, b"\0\5"), (0xC0, b"\0\1")
    for name, flags, chain in (("", 0, ()), (" S", 2, ()), (" PN", 1, ()), (" S PN", 3, ()),
                               (" E", 4, [session]), (" E S", 6, [session]),
                               (" chain", 7, [session, pdcp, (0x85, bytes(6))])):
        layer("GTP-U" + name, ANY_IP, "gtp", lambda p, i, a=(flags, chain): gtp(p, i, *a), depth=3)
    layer("in IPv4", ANY_IP, "ipip", lambda p, i: ip_in_ip(p, i, OUTER4))
    layer("in IPv6", ANY_IP, "ipip", lambda p, i: ip_in_ip(p, i, OUTER6))
    for name, chain in (("hop-by-hop", [HOP_BY_HOP]), ("routing", [ROUTING]), ("AH", [AH]),
                        ("destination", [DESTINATION]),
                        ("four headers", [HOP_BY_HOP, ROUTING, AH, DESTINATION])):
        layer("IPv6 " + name, (IP6,), "ipv6_ext", one(extended, chain), depth=len(chain))
    layer("IPv4 AH", (IP4,), "ipv6_ext", one(ah4))
    for auth in (0, 1):
        for origin in (0, 1):
            layer("Teredo" + " authentication" * auth + " origin" * origin, (IP6,), "teredo",
                  lambda p, i, a=(auth, origin): teredo(p, i, *a), depth=2)


def wrap(packet, names, idents):
    """The packet in these layers, the innermost first."""
    for name in names:
        packet = LAYERS[name].put(packet, idents)
    return packet


define()
