# SPDX-License-Identifier: BSD-3-Clause
"""The same exchanges in fragments, in tunnels or of tunnels, give the same responses; what is
incomplete or contradicts itself gives none, harms no other, and is counted."""

import functools
import random

import exchanges
import fragments
import harness
import judge
import octets
import plain
from layers import LAYERS, wrap

ARRIVALS = fragments.in_order, fragments.reversed_, fragments.shuffled, fragments.duplicated, (
    fragments.overlapping)
SIZES = 8, 24, 256, 1472
PARTS_MAX = 64  # of a datagram, FRAGMENT_PARTS_MAX of lib/reasm

# Around fragments, or within the packet that is fragmented; IPv6 ones for IPv6 only.
TUNNELS = ("802.1Q", "MPLS 2", "PPPoE", "L2TP L S", "GRE key", "GRE in UDP", "ERSPAN I",
           "ERSPAN III subheader", "VXLAN", "Geneve options", "GTP-U chain", "in IPv4", "in IPv6",
           "IPv6 hop-by-hop", "IPv6 destination", "IPv6 four headers", "Teredo origin")

LONGER_THAN_TIMEOUT = 120 * 1000000


def cut(packet, size, arrival, idents, dice):
    """Packets: the fragments of one as they arrive."""
    parts = fragments.fragment(packet, size, idents)
    return [f.packet() for f in arrival(parts, dice)]


def scenario(name, number, steps, chosen=None, blind=""):
    """Each packet of the exchanges goes through `steps`, each [packet] -> [packet]."""
    chosen = list(plain.generated()) if chosen is None else chosen
    idents = octets.Idents()
    frames = []
    for packet in exchanges.over_udp([plain.base()[i] for i in chosen], number, idents):
        packets = [packet]
        for step in steps:
            packets = [p for one in packets for p in step(one, number)]
        frames += map(octets.on_ethernet, packets)
    return judge.Scenario(name, frames, chosen, blind=blind)


# Of a whole capture: no two fragmented datagrams have the same identification.
IDENTS = octets.Idents()


def cutting(size, arrival):
    return lambda packet, number: cut(packet, size, arrival, IDENTS, random.Random(number))


def limiting(size, arrival=fragments.in_order):
    """As a router does: only what is longer than its link takes."""
    return lambda packet, number: [packet] if len(packet[1]) <= size else (
        cut(packet, size - 60 & ~7, arrival, IDENTS, random.Random(number)))


def putting(name):
    return lambda packet, number: [wrap(packet, [name], IDENTS)]


def small(size):
    """Exchanges whose response needs no more than PARTS_MAX fragments of this size."""
    return [i for i in plain.generated() if len(plain.base()[i].response) < PARTS_MAX * size - 16]


def of_version(version):
    return [i for i in plain.generated() if plain.base()[i].version == version]


@functools.cache
def whole():
    """All that must become whole."""
    book = judge.Book()
    for size in SIZES:
        for arrival in ARRIVALS:
            book.add(scenario(f"{size} octets, {arrival.__name__}", len(book.scenarios) + 1,
                              [cutting(size, arrival)], small(size)))
    for name in TUNNELS:
        takes = LAYERS[name].takes
        chosen = [i for v, kind in ((4, octets.IP4), (6, octets.IP6)) if kind in takes
                  for i in of_version(v)]
        # A header that IPv6 fragments carry each stands before the fragment header.
        inner, outer = cutting(512, fragments.shuffled), limiting(316, fragments.overlapping)
        ways = {"of fragments": [inner, putting(name)]}
        if name.startswith("IPv6"):
            ways = {}
        if around(name) != octets.ETHER:
            ways["in fragments"] = [putting(name), outer]
            if "of fragments" in ways:
                ways["in fragments, of fragments"] = [inner, putting(name), outer]
        for way, steps in ways.items():
            book.add(scenario(f"{name} {way}", len(book.scenarios) + 1, steps, chosen))
    book.add(interleaved(len(book.scenarios) + 1))
    book.write()
    return book


@functools.cache
def disordered():
    """Tunnels whose fragments arrive in any order, down to ones that hold no inner address. One
    reader sees all; of several, the one that shall have them is told by the first fragment."""
    book = judge.Book()
    for name in TUNNELS:
        if around(name) != octets.ETHER and octets.IP4 in LAYERS[name].takes:
            for size in (16, 64, 256):
                book.add(scenario(f"{name} in {size} octets", len(book.scenarios) + 1,
                                  [putting(name), cutting(size, fragments.shuffled)],
                                  [i for i in small(size) if len(plain.base()[i].response) < 700]))
    book.write()
    return book


@functools.cache
def some():
    """Only what is too long for a link is fragmented: responses, and not their queries; the
    first fragments within a tunnel, and not the last."""
    book = judge.Book()
    book.add(scenario("plain", 1, [limiting(600)]))
    for name in TUNNELS:
        takes, link = LAYERS[name].takes, limiting(600)
        if octets.IP4 not in takes or around(name) == octets.ETHER:
            continue
        book.add(scenario(f"{name} on a link", len(book.scenarios) + 1, [putting(name), link]))
        book.add(scenario(f"{name} on a link, of fragments", len(book.scenarios) + 1,
                          [link, putting(name), link]))
    book.write()
    return book


def around(name):
    """The kind of packet that a tunnel makes."""
    packet = octets.IP4, octets.ip4("10.0.0.1", "10.0.0.2", 17, bytes(26), 1)
    if octets.IP4 not in LAYERS[name].takes:
        packet = octets.IP6, octets.ip6("::1", "::2", 17, bytes(26))
    return wrap(packet, [name], octets.Idents())[0]


def interleaved(number):
    """First all queries, then all responses, their fragments mixed."""
    chosen, dice = list(plain.generated()), random.Random(5)
    packets = exchanges.over_udp([plain.base()[i] for i in chosen], number, IDENTS)
    frames = []
    for some in (packets[0::2], packets[1::2]):
        parts = [fragments.shuffled(fragments.fragment(p, 64, IDENTS), dice) for p in some]
        frames += [octets.on_ethernet(f.packet()) for f in fragments.interleaved(parts)]
    return judge.Scenario("interleaved", frames, chosen)


def harmed(arrival, size=256):
    """(book, harmed fragments): of each second response `arrival` makes what can't be read."""
    book, count = judge.Book(), 0
    for number in range(1, 9):
        dice, frames, wanted = random.Random(number), [], []
        for i in plain.generated():
            query, response = exchanges.over_udp([plain.base()[i]], number * 100 + i, IDENTS)
            frames.append(octets.on_ethernet(query))
            ill = (i + number) % 2
            parts = cut(response, size, arrival if ill else fragments.shuffled, IDENTS, dice)
            frames += map(octets.on_ethernet, parts)
            count += len(parts) if ill else 0
            wanted += [] if ill else [i]
        book.add(judge.Scenario(f"{arrival.__name__} {number}", frames, wanted))
    book.add(scenario("afterwards", len(book.scenarios) + 1, []))
    book.scenarios[-1].pauses = {0: LONGER_THAN_TIMEOUT}
    book.write()
    return book, count


def gives_none(arrival, fate, size=256):
    book, count = harmed(arrival, size)
    book.check()
    for workers in judge.WORKERS:
        found = book.replay(workers)
        harness.equal(found["fragments"][fate], count, f"fragments.{fate}, {workers} workers")
        harness.equal(found["fragments"]["held"], 0, "fragments.held")
        harness.equal(sum(found["dns"]["responses"][k] for k in ("unpaired", "conflicting")), 0,
                      "responses that are not paired")


def gives_the_same():
    """Fragments in any order, twice, overlapping, in tunnels and of tunnels give all responses"""
    whole().check()
    print(f"# {len(whole().scenarios)} scenarios")


def counts_the_same():
    """Replays count as they do plain UDP, with 1, 2 and 4 workers"""
    whole().check_replay()


def disorder_gives_the_same():
    """Tunnels in fragments of any size and in any order give all responses"""
    disordered().check()
    for workers in judge.WORKERS:
        disordered().replay(workers)  # its accounting_error
    print(f"# {len(disordered().scenarios)} scenarios")


def links_give_the_same():
    """Where a link fragments only what is too long for it all responses are there"""
    some().check()
    print(f"# {len(some().scenarios)} scenarios")


def links_count_the_same():
    """And replays count as they do plain UDP"""
    some().check_replay()


def by_tshark():
    """tshark sees the same names and addresses in these fragments"""
    whole().check_tshark()
    disordered().check_tshark()
    some().check_tshark()


def contradictions_overlapping():
    """A datagram whose fragments overlap with other octets gives no response, and is counted"""
    gives_none(fragments.contradicting, "conflicting_overlap")


def contradictions_repeated():
    """A datagram of which a fragment comes twice, otherwise, gives none, and is counted"""
    gives_none(fragments.repeated_otherwise, "conflicting_overlap")


def incomplete():
    """A datagram of which a fragment is missing gives none, and is counted when its time is up"""
    gives_none(fragments.missing, "timed_out")


def too_many():
    """A datagram in more fragments than are kept gives none, and is counted"""
    large = [i for i in plain.generated() if len(plain.base()[i].response) > PARTS_MAX * 8 + 8]
    book = judge.Book()
    good = [i for i in plain.generated() if i not in large]
    packets = exchanges.over_udp([plain.base()[i] for i in large], 1, IDENTS)[1::2]
    frames, count = [], 0
    for packet in packets:
        parts = cut(packet, 8, fragments.shuffled, IDENTS, random.Random(1))
        frames += map(octets.on_ethernet, parts)
        count += len(parts)
    book.add(judge.Scenario("too many", frames, []))
    book.add(scenario("beside", 2, [cutting(8, fragments.shuffled)], good))
    book.write()
    book.check()
    assert large, "no exchange is large"
    harness.equal(book.replay()["fragments"]["too_many_parts"], count, "fragments.too_many_parts")


if __name__ == "__main__":
    harness.main(gives_the_same, counts_the_same, disorder_gives_the_same, links_give_the_same,
                 links_count_the_same, by_tshark, contradictions_overlapping,
                 contradictions_repeated, incomplete, too_many)
