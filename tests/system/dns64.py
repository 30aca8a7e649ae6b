# SPDX-License-Identifier: BSD-3-Clause
"""`dns.dns64_prefixes`: what fluxes behind a network's own DNS64 is found as elsewhere."""

import ipaddress
import json
import pathlib
import random
import struct

from harness import equal, main, replay, scratch

NAME = "www.flux.example"
DOMAIN = "flux.example"
# No prefix of RFC 6052's own; below the /96 all of IPv4 would be a single /64.
WITH_96, WITH_48 = "2a00:64:1:2:3:4::/96", "2a00:64:9::/48"
DAY, STEP, LIFE, SHOWN = 86400, 240, 1200, 4
START = 1700000000
LINK_RAW = 101
TTL = 120
SERVERS = 8

A, AAAA = 1, 28


def pool():
    """Hosts in as many networks: SHOWN at a time, each for LIFE seconds, never to return."""
    chance = random.Random(6052)
    return [[ipaddress.IPv4Address(f"{chance.randrange(80, 96)}.{chance.randrange(256)}."
                                   f"{chance.randrange(256)}.{chance.randrange(1, 255)}")
             for _ in range(SHOWN)] for _ in range(DAY // LIFE)]


def below_96(v4):
    return ipaddress.IPv6Network(WITH_96).network_address.packed[:12] + v4.packed


def below_48(v4):
    """RFC 6052, section 2.2: two octets before the zero one, two behind it."""
    head = ipaddress.IPv6Network(WITH_48).network_address.packed[:6]
    return head + v4.packed[:2] + b"\0" + v4.packed[2:] + bytes(5)


def plain(v4):
    return v4.packed


def message(ident, kind, answers):
    """A query without answers, else its response."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in NAME.split("."))
    head = struct.pack("!6H", ident, 0x8180 if answers else 0x100, 1, len(answers), 0, 0)
    records = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, TTL, len(data)) + data
                       for data in answers)
    return head + labels + b"\0" + struct.pack("!HH", kind, 1) + records


def packet(source, target, data):
    """UDP without a checksum in IPv4."""
    (from_, from_port), (to, to_port) = source, target
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(data), 1, 0, 64, 17, 0,
                       ipaddress.IPv4Address(from_).packed, ipaddress.IPv4Address(to).packed)
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xffff) + (total >> 16)
    return (head[:10] + struct.pack("!H", ~total & 0xffff) + head[12:]
            + struct.pack("!HHHH", from_port, to_port, 8 + len(data), 0) + data)


def capture(path, rdata, hosts=None):
    """A day of look-ups of the name; rdata() makes an answer's octets of a host's address."""
    hosts, kind = hosts or pool(), A if rdata is plain else AAAA
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, LINK_RAW)]
    for number, at in enumerate(range(0, DAY, STEP)):
        client = "100.64.0.1", 20000 + number
        server = f"93.{number % SERVERS}.7.53", 53
        answers = [rdata(host) for host in hosts[at // LIFE % len(hosts)]]
        pair = (packet(client, server, message(number, kind, ())),
                packet(server, client, message(number, kind, answers)))
        for later, octets in enumerate(pair):
            out.append(struct.pack("<IIII", START + at, later * 20000, len(octets), len(octets))
                       + octets)
    path.write_bytes(b"".join(out))


def judged(folder, rdata, prefixes, hosts=None):
    """The verdicts, and what is known of the domain."""
    path, config = folder / "a.pcap", folder / "config.json"
    capture(path, rdata, hosts)
    config.write_text(json.dumps({"dns": {"dns64_prefixes": prefixes}}))
    result = replay("-c", config, "--explain", NAME, path)
    equal(result["accounting"]["accounting_error"], 0, "accounting error")
    return result["domains"], result["explained"][0]


def flux_is_found_behind_dns64():
    """With its prefix named flux behind a network's own DNS64 is judged as by A records"""
    with scratch() as name:
        folder = pathlib.Path(name)
        wanted = judged(folder, plain, [])
        equal([d["domain"] for d in wanted[0]], [DOMAIN], "flagged by A records")
        equal(judged(folder, below_96, [WITH_96]), wanted, "below the /96")
        equal(judged(folder, below_48, [WITH_96, WITH_48]), wanted, "below the /48")


def without_the_prefix_it_is_one_address():
    """Without the prefix, or with another, all of IPv4 below a /96 is one address"""
    with scratch() as name:
        folder = pathlib.Path(name)
        for prefixes in [], [WITH_48]:
            flagged, known = judged(folder, below_96, prefixes)
            equal(flagged, [], "flagged")
            equal(known["tier"], "doorkeeper", "tier, of one address that is the same for ever")


def honest_stays_honest():
    """Four hosts for ever behind DNS64 are four addresses, and not flagged"""
    with scratch() as name:
        flagged, known = judged(pathlib.Path(name), below_96, [WITH_96], pool()[:1])
        equal(flagged, [], "flagged")
        equal(sorted(a["address"] for a in known["sample"]), sorted(map(str, pool()[0])),
              "addresses")


main(flux_is_found_behind_dns64, without_the_prefix_it_is_one_address, honest_stays_honest)
