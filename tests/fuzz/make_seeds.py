#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes the seeds of the fuzz targets: DNS messages after RFC 9267, frames, configurations.

usage: make_seeds.py DIRECTORY STAMP

One file a seed in DIRECTORY/dns, frame and config, the same in each run. They are made
rather than kept, so that what each one is can be read.
"""
import os
import struct
import sys

A, NS, CNAME, SOA, TXT, AAAA, OPT, SVCB, HTTPS = 1, 2, 5, 6, 16, 28, 41, 64, 65
QNAME = b"\xc0\x0c"


def name(text):
    labels = [label.encode() for label in text.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def question(qname=name("www.example.com"), qtype=A, qclass=1):
    return qname + struct.pack(">HH", qtype, qclass)


def record(rdata, rtype=A, owner=QNAME, ttl=60, rclass=1, rdlen=None):
    length = len(rdata) if rdlen is None else rdlen
    return owner + struct.pack(">HHIH", rtype, rclass, ttl, length) + rdata


def message(*sections, flags=0x8180, counts=None, questions=(question(),)):
    sections = list(sections) + [[]] * (3 - len(sections))
    have = [len(questions)] + [len(section) for section in sections]
    header = struct.pack(">6H", 0x1234, flags, *(counts or have))
    return header + b"".join(questions) + b"".join(b"".join(s) for s in sections)


def address(n):
    return bytes([198, 51, n // 256, n % 256])


def hops(n):
    """A TXT record that holds n pointers, each to the one before, and an owner at the end."""
    at = 12 + len(question()) + 12
    chain = QNAME + b"".join(struct.pack(">H", 0xc000 | at + 2 * i) for i in range(n - 1))
    last = struct.pack(">H", 0xc000 | at + 2 * (n - 1))
    return message([record(chain, TXT), record(address(1), owner=last)])


def svcb(rtype=HTTPS, params=b""):
    return record(struct.pack(">H", 1) + b"\0" + params, rtype)


def hint(key, data):
    return struct.pack(">HH", key, len(data)) + data


def dns_seeds():
    v6 = bytes.fromhex("20010db8000000000000000000000001")
    target = name("edge.example.net")
    yield "query", message(flags=0x0100)
    yield "a", message([record(address(1)), record(address(2))])
    yield "aaaa", message([record(v6, AAAA)], questions=[question(qtype=AAAA)])
    yield "cname", message([record(target, CNAME), record(address(1), owner=target)])
    yield "https", message([svcb(params=hint(1, b"\x02h2") + hint(4, address(1) + address(2)) +
                                 hint(6, v6))], questions=[question(qtype=HTTPS)])
    yield "https_bad_hint", message([svcb(params=hint(4, b"\1\2\3")), svcb(SVCB, b"\0\4\0\xff")])
    yield "txt", message([record(b"\x03abc\x00\x02\xff\"", TXT)])
    yield "txt_short", message([record(b"\x09abc", TXT)])
    yield "ns_glue", message([record(address(1))], [record(name("ns1.example.com"), NS)],
                             [record(address(9), owner=name("ns1.example.com")),
                              record(b"", OPT, owner=b"\0", rclass=1232)])
    yield "nxdomain", message([], [record(name("ns.com") * 2 + bytes(20), SOA)], flags=0x8183)
    yield "tc", message(flags=0x8380)
    yield "opcode", message([record(address(1))], flags=0xc800)
    yield "ttl_top_bit", message([record(address(1), ttl=0x80000001)])
    yield "no_question", message([record(address(1), owner=QNAME)], questions=[])
    yield "two_questions", message([record(address(1))], questions=[question(), question()])
    yield "pointer_self", message([record(address(1), owner=b"\xc0\x21")])
    yield "pointer_forward", message([record(address(1), owner=b"\xc0\x80")])
    yield "pointer_header", message([record(address(1), owner=b"\xc0\x04")])
    yield "pointer_question", message(questions=[question(b"\xc0\x0c")])
    yield "pointer_loop", message([record(b"\xc0\x2f\xc0\x2d", TXT),
                                   record(address(1), owner=b"\xc0\x2f")])
    yield "hops_most", hops(127)
    yield "hops_many", hops(200)
    yield "label_63", message([record(address(1), owner=b"\x3f" + b"a" * 63 + b"\0")])
    yield "label_64", message([record(address(1), owner=b"\x40" + b"a" * 64 + b"\0")])
    yield "labels_127", message([record(address(1))], questions=[question(b"\1a" * 127 + b"\0")])
    yield "labels_128", message([record(address(1))], questions=[question(b"\1a" * 128 + b"\0")])
    yield "octets", message([record(address(1))],
                            questions=[question(b"\x3f" + bytes(range(63)) + b"\x3f" +
                                                bytes(range(193, 256)) + b"\0")])
    yield "rdlength_lies", message([record(address(1)), record(address(2), rdlen=400)])
    yield "a_of_5", message([record(b"\1\2\3\4\5")])
    yield "counts_lie", message([record(address(1))], counts=[1, 65535, 65535, 65535])
    yield "records_130", message([record(address(i)) for i in range(130)])
    long = b"\x3f" + b"x" * 63 + b"\x3f" + b"y" * 63 + b"\x3f" + b"z" * 63 + b"\0"
    yield "budget", message([record(address(1), owner=long)] +
                            [record(address(i), owner=b"\xc0\x21") for i in range(60)])
    yield "short", b"\0" * 11


def ipv4(payload, proto=17, frag=0, total=None):
    total = 20 + len(payload) if total is None else total
    return struct.pack(">BBHHHBBH", 0x45, 0, total, 0, frag, 64, proto, 0) + \
        bytes([192, 0, 2, 1, 192, 0, 2, 2]) + payload


def ipv6(payload, proto=17):
    return struct.pack(">IHBB", 6 << 28, len(payload), proto, 64) + bytes(31) + b"\1" + payload


def udp(payload, sport=53, dport=4000, length=None):
    return struct.pack(">HHHH", sport, dport, len(payload) + 8 if length is None else length,
                       0) + payload


def ether(ethertype, payload):
    return b"\2\0\0\0\0\1\2\0\0\0\0\2" + struct.pack(">H", ethertype) + payload


def frame_seeds():
    dns = message([record(address(1)), record(address(2))])
    packet = ipv4(udp(dns))
    snap = b"\xaa\xaa\3\0\0\0"
    tag = b"\0\1"
    yield "ipv4", ether(0x0800, packet)
    yield "ipv6", ether(0x86dd, ipv6(udp(dns)))
    yield "vlan", ether(0x8100, tag + b"\x08\0" + packet)
    yield "qinq", ether(0x88a8, tag + b"\x81\0" + tag + b"\x08\0" + packet)
    yield "vlan_17", ether(0x8100, (tag + b"\x81\0") * 17 + packet)
    yield "llc", ether(8 + len(packet), snap + b"\x08\0" + packet)
    yield "length_lies", ether(8, snap + b"\x08\0" + packet)
    hop, last = b"\x3c\0" + bytes(6), b"\x11\0" + bytes(6)
    yield "extensions", ether(0x86dd, ipv6(hop + last + udp(dns), 0))
    yield "extensions_9", ether(0x86dd, ipv6(hop * 9 + udp(dns), 60))
    yield "atomic", ether(0x86dd, ipv6(b"\x11\0\0\0" + bytes(4) + udp(dns), 44))
    yield "fragment_v6", ether(0x86dd, ipv6(b"\x11\0\0\1" + bytes(4) + udp(dns), 44))
    yield "fragment_v4", ether(0x0800, ipv4(udp(dns), frag=0x2000))
    yield "offload", ether(0x0800, ipv4(udp(dns), total=0))
    yield "total_lies", ether(0x0800, ipv4(udp(dns), total=9000))
    yield "udp_lies", ether(0x0800, ipv4(udp(dns, length=9000)))
    yield "udp_7", ether(0x0800, ipv4(udp(dns, length=7)))
    yield "tcp", ether(0x0800, ipv4(struct.pack(">HH", 53, 4000) + bytes(16), proto=6))
    yield "esp", ether(0x0800, ipv4(bytes(20), proto=50))
    yield "options", ether(0x0800, b"\x46" + packet[1:])
    yield "arp", ether(0x0806, bytes(28))
    yield "sll", bytes(14) + b"\x08\0" + packet
    yield "sll2", b"\x08\0" + bytes(18) + packet
    yield "null_le", b"\2\0\0\0" + packet
    yield "null_be", b"\0\0\0\x1e" + ipv6(udp(dns))
    yield "fddi", b"\x50" + bytes(12) + snap + b"\x08\0" + packet
    yield "raw", packet
    # The payload is a message in itself, for the target also takes its input as one.
    for title, seed in dns_seeds():
        yield "dns_" + title, seed


def config_seeds():
    yield "empty", b"{}"
    yield "nothing", b""
    yield "text", b"workers = 2"
    yield "array", b"[1, 2]"
    yield "number", b'{"epoch_seconds": 30, "workers": 4}'
    yield "range", b'{"epoch_seconds": -1, "workers": 1e99}'
    yield "unknown", b'{"epoch_second": 10}'
    yield "twice", b'{"workers": 1, "workers": 2}'
    yield "wrong_type", b'{"workers": "two", "http": 3, "dns": {"ports": {}}}'
    yield "ports", b'{"dns": {"ports": [53, 8053, 0, 65536]}}'
    yield "listen", b'{"http": {"listen": "[::1]:8953"}}'
    yield "controls", b'{"http": {"listen": "\\u0000\\u001b[2J\\ud800"}, "\\"\\n": 1}'
    yield "octets", b'{"' + bytes(range(256)) + b'": 1}'
    yield "deep", b'{"dns":' * 3000 + b"1" + b"}" * 3000
    yield "many", b'{"dns": {"ports": [' + b", ".join(b"%d" % i for i in range(1, 200)) + b"]}}"


def main():
    directory, stamp = sys.argv[1:3]
    for kind, seeds in (("dns", dns_seeds), ("frame", frame_seeds), ("config", config_seeds)):
        os.makedirs(os.path.join(directory, kind), exist_ok=True)
        for title, seed in seeds():
            with open(os.path.join(directory, kind, title), "wb") as file:
                file.write(seed)
    with open(stamp, "w", encoding="ascii"):
        pass


if __name__ == "__main__":
    main()
