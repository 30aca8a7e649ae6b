# SPDX-License-Identifier: BSD-3-Clause
"""The exchanges that every test here wraps: DNS messages built octet by octet, each with what
it says, and messages of real captures where there are any.
"""

import dataclasses
import ipaddress
import struct

import octets

A, NS, CNAME, SOA, TXT, AAAA, HTTPS = 1, 2, 5, 6, 16, 28, 65
TYPE_NAMES = {A: "A", NS: "NS", TXT: "TXT", AAAA: "AAAA", HTTPS: "HTTPS"}
NXDOMAIN = 3
DNS_PORT = 53
ETHERNET_IP = ("eth:ethertype:ip:udp:dns", "eth:ethertype:ipv6:udp:dns")

# Of real captures: no more of a file, and of all, than this.
REAL_A_FILE, REAL_ALL = 6, 60


@dataclasses.dataclass
class Exchange:
    """A query and its response. `said` is (name, type, rcode, TC, addresses answered) and
    `addresses` all that stand in any section, both known from building; None: a real message."""
    query: bytes
    response: bytes
    version: int
    said: tuple = None
    addresses: list = None


class Message:
    """Writes one message, with names compressed."""

    def __init__(self, ident, flags, counts):
        self.data = struct.pack("!HHHHHH", ident, flags, *counts)
        self.places = {}

    def name(self, text):
        """The octets of a name here, and its suffixes remembered."""
        labels, written = text.split("."), b""
        for i, label in enumerate(labels):
            suffix = ".".join(labels[i:])
            if suffix in self.places:
                return written + struct.pack("!H", 0xC000 | self.places[suffix])
            if len(self.data) + len(written) < 0x4000:
                self.places[suffix] = len(self.data) + len(written)
            written += bytes([len(label)]) + label.encode()
        return written + b"\0"

    def question(self, name, qtype):
        self.data += self.name(name)
        self.data += struct.pack("!HH", qtype, 1)

    def record(self, owner, rrtype, ttl, value):
        self.data += self.name(owner)
        self.data += struct.pack("!HHIH", rrtype, 1, ttl, 0)
        at = len(self.data)
        if isinstance(value, bytes):
            self.data += value
        elif rrtype in (A, AAAA):
            self.data += ipaddress.ip_address(value).packed
        else:
            self.data += self.name(value)
        self.data = self.data[:at - 2] + struct.pack("!H", len(self.data) - at) + self.data[at:]


def build(ident, name, qtype, answers=(), authority=(), additional=(), rcode=0, tc=False,
          version=4):
    """Records are (owner, type, TTL, address, name or octets)."""
    query = Message(ident, 0x0100, (1, 0, 0, 0))
    query.question(name, qtype)
    flags = 0x8180 | rcode | (0x0200 if tc else 0)
    sections = answers, authority, additional
    response = Message(ident, flags, (1, *map(len, sections)))
    response.question(name, qtype)
    for record in [r for section in sections for r in section]:
        response.record(*record)
    answered = [r[3] for r in answers if r[1] in (A, AAAA)]
    everywhere = [r[3] for section in sections for r in section if r[1] in (A, AAAA)]
    return Exchange(query.data, response.data, version,
                    (name, TYPE_NAMES[qtype], rcode, tc, answered), everywhere)


def generated():
    """Of every kind that evidence is made of, over IPv4 and over IPv6."""
    exchanges = []
    for version in (4, 6):
        zone, ident = f"v{version}.example.com", version << 12
        www, cdn = "www." + zone, "edge.cdn.example.net"
        many = [(www, A, 150, f"45.{i + 10}.{i}.{i + 1}") for i in range(10)]
        glue = [(f"ns{i}." + zone, A, 3600, f"46.20.30.{i}") for i in range(1, 4)]
        servers = [(zone, NS, 3600, owner) for owner, *_ in glue]
        soa = bytes.fromhex("026e73c00c0a") + b"hostmaster\xc0\x0c" + struct.pack("!5I", 1, 2, 3, 4,
                                                                                  60)
        large = [("large." + zone, AAAA, 60, f"2a00:{i:x}:7::1") for i in range(1, 71)]
        text = [("text." + zone, TXT, 60, bytes([200]) + bytes([65 + i]) * 200) for i in range(16)]
        hint = b"\0\1\0" + struct.pack("!HH", 4, 4) + ipaddress.ip_address("47.1.7.7").packed
        exchanges += [build(ident + i, *args, **kinds, version=version) for i, (args, kinds) in
                      enumerate([
            ((www, A), {"answers": [(www, A, 60, "45.1.2.3")]}),
            ((www, A), {"answers": many, "authority": servers, "additional": glue}),
            ((www, AAAA), {"answers": [(www, AAAA, 60, "2a00:1::1"),
                                       (www, AAAA, 60, "2a00:2::2")]}),
            (("shop." + zone, A), {"answers": [("shop." + zone, CNAME, 300, "a." + cdn),
                                               ("a." + cdn, CNAME, 60, "b." + cdn),
                                               ("b." + cdn, A, 20, "48.1.9.9")]}),
            ((zone, NS), {"answers": servers, "additional": glue}),
            ((www, HTTPS), {"answers": [(www, HTTPS, 60, hint)]}),
            (("none." + zone, A), {"rcode": NXDOMAIN, "authority": [(zone, SOA, 60, soa)]}),
            (("tc." + zone, A), {"tc": True}),
            (("empty." + zone, AAAA), {"authority": [(zone, SOA, 60, soa)]}),
            (("large." + zone, AAAA), {"answers": large}),
            (("text." + zone, TXT), {"answers": text})])]
    return exchanges


def udp_payload(frame):
    """(IP version, source port, destination port, payload) of Ethernet, IP, UDP; or None."""
    ethertype = frame[12:14]
    if ethertype == b"\x08\x00" and frame[23] == octets.UDP and not frame[20] & 0x3F:
        version, at = 4, 14 + (frame[14] & 15) * 4
    elif ethertype == b"\x86\xdd" and frame[20] == octets.UDP:
        version, at = 6, 54
    else:
        return None
    sport, dport, length = struct.unpack_from("!HHH", frame, at)
    return version, sport, dport, frame[at + 8:at + length]


def real(captures, rows):
    """Pairs of real messages. `rows`: lines of the table of captures; those that hold nothing
    but sound DNS over UDP over Ethernet are taken."""
    exchanges = []
    for row in rows:
        stacks = [item.rsplit("=", 1)[0] for item in row["protocols"].split("; ") if item]
        if row["linktype"] != "ether" or row["malformed_frames"] != "0" or not stacks or \
                not set(stacks) <= set(ETHERNET_IP) or row["ip_fragmented"] != "0":
            continue
        read = octets.read_capture(captures / row["file"])
        if read and len(exchanges) < REAL_ALL:
            exchanges += real_pairs(read[1])
    return exchanges


def real_pairs(frames):
    """Queries with the response that followed, of distinct transactions."""
    queries, pairs = {}, {}
    for _, frame in frames:
        found = udp_payload(frame) if len(frame) > 60 else None
        if not found or len(found[3]) < 12:
            continue
        version, sport, dport, payload = found
        key = payload[:2]
        if dport == DNS_PORT and not payload[2] & 0x80:
            queries.setdefault(key, payload)
        elif sport == DNS_PORT and payload[2] & 0x80 and key in queries:
            pairs.setdefault(key, Exchange(queries[key], payload, version))
    return list(pairs.values())[:REAL_A_FILE]


def client(number, version):
    """The address of the client of scenario `number`: none shares its state with another."""
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}" if version == 4 else (
        f"2001:db8:c::{number:x}")


def server(version):
    return "203.0.113.53" if version == 4 else "2001:db8:53::53"


def over_udp(exchanges, number, idents):
    """Packets: each query and then its response, from a port of its own."""
    packets = []
    for i, exchange in enumerate(exchanges):
        ours, theirs = client(number, exchange.version), server(exchange.version)
        packets.append(octets.udp(ours, theirs, 20000 + i, DNS_PORT, exchange.query, idents))
        packets.append(octets.udp(theirs, ours, DNS_PORT, 20000 + i, exchange.response, idents))
    return packets
