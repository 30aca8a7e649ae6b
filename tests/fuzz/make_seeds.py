#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes the seeds of the fuzz targets: DNS messages after RFC 9267, frames, configurations,
saved states.

usage: make_seeds.py DIRECTORY STAMP

One file a seed in DIRECTORY/dns, frame, config and state, the same in each run. They are made
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


def tcp(payload, seq=1, flags=0x18, sport=53, dport=4000, words=5):
    return struct.pack(">HHIIBBHHH", sport, dport, seq, 0, words << 4, flags, 8192, 0, 0) + payload


def ppp(packet, protocol=0x21):
    return struct.pack(">H", protocol) + packet


def gre(protocol, payload, flags=0):
    """With each optional word that the flags promise."""
    words = sum(bool(flags & bit) for bit in (0x8000, 0x2000, 0x1000))
    return struct.pack(">HH", flags, protocol) + bytes(4 * words) + payload


def geneve(protocol, payload, options=b"", words=None):
    words = len(options) // 4 if words is None else words
    return struct.pack(">BBHI", words, 0, protocol, 0x100) + options + payload


def gtpu(payload, flags=0x30, options=b"", kind=255, length=None):
    length = len(options) + len(payload) if length is None else length
    return struct.pack(">BBHI", flags, kind, length, 7) + options + payload


def l2tp(payload, flags=2, fields=b""):
    return struct.pack(">H", flags) + fields + payload


def ether(ethertype, payload):
    return b"\2\0\0\0\0\1\2\0\0\0\0\2" + struct.pack(">H", ethertype) + payload


def link_seeds(packet):
    """Behind the rarer link types."""
    data = b"\x08\0" + bytes(22) + b"\xaa\xaa\3\0\0\0\x08\0" + packet
    quality = b"\x88\2" + bytes(24) + b"\xaa\xaa\3\0\0\0\x08\0" + packet
    yield "ppp", b"\xff\3\0\x21" + packet
    yield "ppp_short", b"\x21" + packet
    yield "hdlc", b"\x0f\0\x08\0" + packet
    yield "arcnet", b"\1\2\0\0\xd4\0\0\1" + packet
    yield "nflog", b"\2\0\0\0" + struct.pack("<HH", len(packet) + 4, 9) + packet
    yield "nflog_attributes", b"\2\0\0\0" + struct.pack("<HHHH", 7, 1, 0, 0) + \
        struct.pack("<HH", len(packet) + 4, 9) + packet
    yield "nflog_be", b"\2\0\0\0" + struct.pack(">HH", len(packet) + 4, 9) + packet
    yield "802_11", data
    yield "802_11_quality", quality
    yield "radiotap", b"\0\0\x08\0\0\0\0\0" + data
    yield "radiotap_padded", b"\0\0\x09\0\2\0\0\0\x20" + quality[:26] + b"\0\0" + quality[26:]
    yield "ppi", b"\0\0\x08\0\x69\0\0\0" + data
    yield "ppi_ethernet", b"\0\0\x08\0\1\0\0\0" + ether(0x0800, packet)


def tunnel_seeds(packet):
    """As Ethernet frames, and, as the target tries each link type, as IP packets."""
    frame = ether(0x0800, packet)
    outer = {
        "ipip": ipv4(packet, 4),
        "6in4": ipv4(ipv6(packet[20:]), 41),
        "4in6": ipv6(packet, 4),
        "6in6": ipv6(ipv6(packet[20:]), 41),
        "gre": ipv4(gre(0x0800, packet), 47),
        "gre_all": ipv4(gre(0x0800, packet, 0xb000), 47),
        "gre_bridge": ipv4(gre(0x6558, frame, 0x2000), 47),
        "gre_ppp": ipv4(gre(0x880b, ppp(packet), 0x3001), 47),
        "gre_routed": ipv4(gre(0x0800, packet, 0x4000), 47),
        "gre_udp": ipv4(udp(gre(0x0800, packet), 50000, 4754)),
        "erspan_1": ipv4(gre(0x88be, frame), 47),
        "erspan_2": ipv4(gre(0x88be, b"\x10" + bytes(7) + frame, 0x1000), 47),
        "erspan_3": ipv4(gre(0x22eb, b"\x20" + bytes(11) + frame, 0x1000), 47),
        "erspan_3_sub": ipv4(gre(0x22eb, b"\x20" + bytes(10) + b"\1" + bytes(8) + frame, 0x1000),
                             47),
        "vxlan": ipv4(udp(b"\x08\0\0\0\0\0\7\0" + frame, 50000, 4789)),
        "vxlan_8472": ipv6(udp(b"\x08\0\0\0\0\0\7\0" + frame, 50000, 8472)),
        "vxlan_gpe": ipv4(udp(b"\x0c\0\0\1\0\0\7\0" + packet, 50000, 4790)),
        "geneve": ipv4(udp(geneve(0x6558, frame), 50000, 6081)),
        "geneve_options": ipv4(udp(geneve(0x0800, packet, b"\0\1\0\1abcd"), 50000, 6081)),
        "geneve_lies": ipv4(udp(geneve(0x0800, packet, words=63), 50000, 6081)),
        "gtpu": ipv4(udp(gtpu(packet), 2152, 2152)),
        "gtpu_sequence": ipv4(udp(gtpu(packet, 0x32, bytes(4)), 2152, 2152)),
        "gtpu_extension": ipv4(udp(gtpu(packet, 0x34, b"\0\0\0\x85\1\0\x09\0"), 2152, 2152)),
        "gtpu_chain": ipv4(udp(gtpu(packet, 0x34, b"\0\0\0\x85" + b"\1\0\x09\x85" * 20), 2152,
                               2152)),
        "gtpu_zero": ipv4(udp(gtpu(packet, 0x34, b"\0\0\0\x85\0\0\0\x85"), 2152, 2152)),
        "gtpu_echo": ipv4(udp(gtpu(b"", 0x32, bytes(4), kind=1), 2152, 2152)),
        "gtpu_lies": ipv4(udp(gtpu(packet, length=9000), 2152, 2152)),
        "l2tp": ipv4(udp(l2tp(ppp(packet), fields=b"\0\1\0\2"), 1701, 1701)),
        "l2tp_all": ipv4(udp(l2tp(b"\xff\3" + ppp(packet), 0x4a02, struct.pack(
            ">HHHHHH3x", len(packet) + 21, 1, 2, 0, 0, 3)), 1701, 1701)),
        "l2tp_control": ipv4(udp(l2tp(b"", 0xc802, b"\0\x0c" + bytes(8)), 1701, 1701)),
        "teredo": ipv4(udp(ipv6(packet[20:]), 3544, 3544)),
        "icmp": ipv4(b"\3\3" + bytes(6) + packet, 1),
        "icmp_cut": ipv4(b"\3\3" + bytes(6) + packet[:28], 1),
        "icmpv6": ipv6(b"\1\4" + bytes(6) + ipv6(packet[20:]), 58),
        "mpls_ip": ipv4(b"\0\1\1\x40" + packet, 137),
        "ah": ipv6(b"\x11\4" + bytes(22) + packet[20:], 51),
    }
    outer["nested"] = ipv4(gre(0x0800, outer["gtpu"]), 47)
    deep = packet
    for _ in range(17):
        deep = ipv4(deep, 4)
    outer["deep_17"] = deep
    for title, seed in outer.items():
        yield title, ether(0x86dd if seed[0] >> 4 == 6 else 0x0800, seed)
        yield title + "_raw", seed
    yield "mpls", ether(0x8847, b"\0\1\0\x40\0\1\1\x40" + packet)
    yield "mpls_17", ether(0x8847, b"\0\1\0\x40" * 16 + b"\0\1\1\x40" + packet)
    yield "mpls_wire", ether(0x8847, b"\0\1\1\x40" + bytes(4) + frame)
    yield "mpls_no_bottom", ether(0x8847, b"\0\1\0\x40" * 3)
    yield "pppoe", ether(0x8864, b"\x11\0\0\7" + struct.pack(">H", len(packet) + 2) + ppp(packet))
    yield "pppoe_lies", ether(0x8864, b"\x11\0\0\7\x23\x28" + ppp(packet))
    yield "pppoe_short", ether(0x8864, b"\x11\0\0\7" + struct.pack(">H", len(packet) + 1) +
                               b"\x21" + packet)


def sequence(*packets):
    return b"".join(struct.pack(">H", len(packet)) + packet for packet in packets)


def sequence_seeds(dns):
    """IP packets one after the other: fragments of a datagram, segments of a connection."""
    data = udp(dns)
    parts = [(at, data[at:at + 24], at + 24 < len(data)) for at in range(0, len(data), 24)]
    four = [ipv4(part, frag=at // 8 | (0x2000 if more else 0)) for at, part, more in parts]
    six = [ipv6(struct.pack(">BBHI", 17, 0, at | more, 9) + part, 44) for at, part, more in parts]
    yield "fragments_v4", sequence(*four)
    yield "fragments_v6", sequence(*six)
    yield "fragments_backwards", sequence(*reversed(four))
    yield "fragments_twice", sequence(*four, *four)
    yield "fragments_missing", sequence(four[0], *four[2:])
    yield "fragments_overlap", sequence(four[0], ipv4(data[16:48], frag=2 | 0x2000), *four[2:])
    yield "fragments_end", sequence(four[0], ipv4(bytes(8), frag=0x1fff), four[-1])
    yield "fragments_odd", sequence(ipv4(data[:13], frag=0x2000), *four[1:])
    yield "fragments_many", sequence(*(ipv4(bytes(8), frag=i | 0x2000) for i in range(50)))
    wrapped = ipv4(gre(0x0800, ipv4(data)), 47)[20:]
    yield "fragments_tunnel", sequence(ipv4(wrapped[:32], 47, 0x2000), ipv4(wrapped[32:], 47, 4))

    stream = struct.pack(">H", len(dns)) + dns
    begin = ipv4(tcp(b"", 0, 2), 6)
    cut = [(at, ipv4(tcp(stream[at:at + 30], 1 + at), 6)) for at in range(0, len(stream), 30)]
    cut = [segment for _, segment in cut]
    end = ipv4(tcp(b"", 1 + len(stream), 0x11), 6)
    yield "tcp_whole", sequence(begin, ipv4(tcp(stream), 6), end)
    yield "tcp_v6", sequence(ipv6(tcp(b"", 0, 2), 6), ipv6(tcp(stream), 6))
    yield "tcp_two", sequence(begin, ipv4(tcp(stream * 2), 6))
    yield "tcp_cut", sequence(begin, *cut, end)
    yield "tcp_swapped", sequence(begin, *reversed(cut))
    yield "tcp_again", sequence(begin, *cut, *cut)
    yield "tcp_octets", sequence(begin, *(ipv4(tcp(stream[at:at + 1], 1 + at), 6)
                                          for at in range(min(60, len(stream)))))
    yield "tcp_gap", sequence(begin, cut[0], *cut[2:])
    yield "tcp_middle", sequence(*cut[1:], ipv4(tcp(stream, 1 + len(stream)), 6))
    yield "tcp_wrap", sequence(ipv4(tcp(b"", 0xfffffff0, 2), 6),
                               ipv4(tcp(stream[:30], 0xfffffff1), 6),
                               ipv4(tcp(stream[30:], 0x0000000f), 6))
    yield "tcp_reset", sequence(begin, cut[0], ipv4(tcp(b"", 31, 4), 6), *cut[1:])
    yield "tcp_length_0", sequence(begin, ipv4(tcp(bytes(2) + stream), 6))
    yield "tcp_length_most", sequence(begin, ipv4(tcp(b"\xff\xff" + stream), 6))
    yield "tcp_options", sequence(begin, ipv4(tcp(bytes(40) + stream, words=15), 6))
    yield "tcp_offset_lies", sequence(begin, ipv4(tcp(b"", words=15), 6))


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
    yield from link_seeds(packet)
    yield from tunnel_seeds(packet)
    yield from sequence_seeds(dns)
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


def state_record(kind, payload, length=None):
    return struct.pack("<BI", kind, len(payload) if length is None else length) + payload


def state_seeds():
    """Records behind a blank header: the target seals it. Whole ones are in tests/unit/state_v1.bin."""
    header = b"FLXSTATE" + bytes(24)
    head = state_record(1, struct.pack("<I3Q", 1_800_000_000, 1, 2, 3))
    yield "nothing", b""
    yield "blank", bytes(32)
    yield "header", header
    yield "head", header + head
    yield "whole", header + head + state_record(7, struct.pack("<Q", 1))
    yield "behind_the_end", header + head + state_record(7, struct.pack("<Q", 1)) + head
    yield "two_heads", header + head + head + state_record(7, struct.pack("<Q", 2))
    yield "unknown_kind", header + head + state_record(200, b"x" * 50) + state_record(
        7, struct.pack("<Q", 2))
    yield "long_record", header + head + state_record(2, b"x", 0xffffffff)
    candidate = struct.pack("<Q4IB", 5, 1, 2, 3, 60, 1)
    units = b"".join(struct.pack("<QHB", 0x08080808 + i, i, 3) for i in range(4))
    yield "candidate", header + head + state_record(
        4, candidate + struct.pack("<HH", 4, 11) + units) + state_record(7, struct.pack("<Q", 2))
    yield "list_without_end", header + head + state_record(
        4, candidate + struct.pack("<HH", 65535, 11) + units)
    yield "elements_of_nothing", header + head + state_record(
        4, candidate + struct.pack("<HH", 65535, 0))
    yield "door", header + head + state_record(
        5, struct.pack("<BIHH", 7, 0, 1, 8) + b"\2" + struct.pack("<QQ", 20834 << 48 | 9, 1)
    ) + state_record(7, struct.pack("<Q", 2))
    yield "door_beyond", header + head + state_record(5, struct.pack("<BIHH", 7, 127, 2, 8) + b"\0\0")
    yield "reverse", header + head + state_record(
        6, struct.pack("<QIHHQ", 0x08080808, 20000, 1, 8, 77)) + state_record(7, struct.pack("<Q", 2))


def main():
    directory, stamp = sys.argv[1:3]
    for kind, seeds in (("dns", dns_seeds), ("frame", frame_seeds), ("config", config_seeds),
                        ("state", state_seeds)):
        os.makedirs(os.path.join(directory, kind), exist_ok=True)
        for title, seed in seeds():
            with open(os.path.join(directory, kind, title), "wb") as file:
                file.write(seed)
    with open(stamp, "w", encoding="ascii"):
        pass


if __name__ == "__main__":
    main()
