# SPDX-License-Identifier: BSD-3-Clause
"""The same exchanges over TCP, however their octets are cut into segments and however these
arrive, give the same responses; what is lost takes with it only the messages that it touched."""

import functools
import random

import exchanges
import fragments
import harness
import judge
import octets
import plain
import streams
from layers import LAYERS, wrap
from streams import ACK, PSH, URG, framed, pieces

SEGMENT = 100  # octets in one, where a stream is cut evenly
SHORT = 0, 7   # exchanges of each version whose messages are short, to be cut everywhere
STACKS = 25

LONGER_THAN_HOLES = 3 * 1000000  # microseconds

BEHIND_A_HOLE = "it reads nothing behind a hole, or starts in the middle of a message"


class Talk:
    """A connection in the making: its packets, and the exchanges that it must give."""

    def __init__(self, number, version, idents, port=30000, **more):
        self.line = streams.Connection(exchanges.client(number, version),
                                       exchanges.server(version), port, idents, **more)
        self.packets, self.wanted, self.pauses = [], [], {}

    def ask(self, chosen):
        """The queries, each a segment."""
        for i in chosen:
            self.packets += self.line.data(True, [(0, framed([plain.base()[i].query]))])
        self.wanted += chosen

    def answers(self, chosen):
        return framed([plain.base()[i].response for i in chosen])


def of_version(version):
    return [i for i in plain.generated() if plain.base()[i].version == version]


def evenly(data, size=SEGMENT):
    return pieces(data, range(size, len(data), size))


# How the responses' octets arrive: [(offset, octets)] of a stream -> the same, as segments.

def in_one(data, _):
    return [(0, data)]


def cut_evenly(data, _):
    return evenly(data)


def swapped(data, dice):
    """Neighbours change places, about every second pair of them."""
    parts = evenly(data)
    for i in range(0, len(parts) - 1, 2):
        if dice.random() < 0.6:
            parts[i], parts[i + 1] = parts[i + 1], parts[i]
    return parts


def blocks_reversed(data, _):
    """Eight segments at a time arrive last first."""
    parts = evenly(data)
    return [p for i in range(0, len(parts), 8) for p in parts[i:i + 8][::-1]]


def duplicated(data, dice):
    return [p for part in evenly(data) for p in [part] * dice.choice((1, 1, 2))]


def retransmitted(data, dice):
    """Now and then again from some way back, further than before, cut otherwise."""
    out, at = [], 0
    while at < len(data):
        back = dice.choice((0, 0, 30, 170))
        start, end = max(0, at - back), min(len(data), at + dice.randint(20, 150))
        out.append((start, data[start:end]))
        at = end
    return out


ARRIVALS = in_one, cut_evenly, swapped, blocks_reversed, duplicated, retransmitted


def arriving(number, version, arrival, idents, **more):
    """All queries pipelined in one segment, all responses as they arrive."""
    talk, dice = Talk(number, version, idents, **more), random.Random(number)
    chosen = of_version(version)
    talk.packets += talk.line.handshake()
    talk.packets += talk.line.data(True, [(0, framed([plain.base()[i].query for i in chosen]))])
    talk.packets += talk.line.data(False, arrival(talk.answers(chosen), dice))
    talk.packets += talk.line.finish()
    talk.wanted = chosen
    return talk


def in_turn(number, version, idents, opened=True, closed="finish", disturbed=False,
            part=slice(None), **more):
    """A query, its response, the next query; each in a segment."""
    talk = Talk(number, version, idents, **more)
    talk.packets += talk.line.handshake() if opened else []
    for i in of_version(version)[part]:
        talk.ask([i])
        if disturbed:
            talk.packets += [talk.line.keepalive(True), talk.line.keepalive(False),
                             talk.line.window_probe(True), talk.line.window_probe(False)]
        flags = {"flags": ACK | PSH | URG, "urgent": 1} if disturbed else {}
        talk.packets.append(talk.line.segment(False, talk.line.sent[False], talk.answers([i]),
                                              **flags))
    talk.packets += talk.line.reset() if closed == "reset" else talk.line.finish()
    return talk


def cut_at(number, chosen, cuts, port, idents):
    """The stream of responses is cut at these offsets, and so is that of queries."""
    talk = Talk(number, plain.base()[chosen[0]].version, idents, port=port)
    # Without a SYN a stream starts where a length is to be read: two octets.
    talk.packets += talk.line.handshake() if port % 2 or cuts[0] < 2 else []
    for ours, side in ((True, "query"), (False, "response")):
        data = framed([getattr(plain.base()[i], side) for i in chosen])
        talk.packets += talk.line.data(ours, pieces(data, [c for c in cuts if c < len(data)]))
    talk.packets += talk.line.finish()
    talk.wanted = chosen
    return talk


def add(book, name, *talks, blind=""):
    packets = [p for talk in talks for p in talk.packets]
    book.add(judge.Scenario(name, list(map(octets.on_ethernet, packets)),
                            [i for talk in talks for i in talk.wanted], blind=blind,
                            pauses=talks[0].pauses))


@functools.cache
def whole():
    """Nothing is lost."""
    book, idents = judge.Book(), octets.Idents()
    for version in (4, 6):
        ip = f"IPv{version}"
        here = lambda: 1 + len(book.scenarios)
        for arrival in ARRIVALS:
            add(book, f"{ip} {arrival.__name__}", arriving(here(), version, arrival, idents))
        add(book, f"{ip} numbers wrap", arriving(here(), version, swapped, idents,
                                                 numbers=(2**32 - 40, 2**32 - 777)))
        add(book, f"{ip} in turn", in_turn(here(), version, idents))
        add(book, f"{ip} no SYN", in_turn(here(), version, idents, opened=False))
        add(book, f"{ip} reset", in_turn(here(), version, idents, closed="reset"))
        add(book, f"{ip} options", in_turn(here(), version, idents, options=streams.TIMESTAMPS))
        add(book, f"{ip} keepalives, window probes, urgent data",
            in_turn(here(), version, idents, disturbed=True))
        number = here()
        add(book, f"{ip} port used again", in_turn(number, version, idents, part=slice(0, 6)),
            in_turn(number, version, idents, part=slice(6, None), numbers=(77000, 88000)))
        number, both = here(), [of_version(version)[i] for i in SHORT]
        length = len(framed([plain.base()[i].response for i in both]))
        add(book, f"{ip} cut at each octet", *(
            cut_at(number, both, [c], 20000 + c, idents) for c in range(1, length)))
        number, length = here(), 2 + len(plain.base()[both[0]].response)
        cuts = [(a, b) for a in range(1, length) for b in range(a + 1, length)]
        add(book, f"{ip} three parts", *(
            cut_at(number, both[:1], c, 20000 + n, idents) for n, c in enumerate(cuts[::3])))
    book.write()
    return book


@functools.cache
def wrapped():
    """Segments in encapsulations, and in IP fragments within these."""
    book, idents, dice = judge.Book(), octets.Idents(), random.Random(11)
    # AH is of a datagram, never of its fragments.
    names = [n for n, layer in LAYERS.items() if octets.IP4 in layer.takes and not layer.cut
             and not layer.blind and n != "IPv4 AH"]
    for name in dice.sample(names, STACKS):
        number = len(book.scenarios) + 1
        talk = arriving(number, 4, swapped, idents)
        frames = []
        for packet in talk.packets:
            parts = [packet]
            if number % 2 and len(packet[1]) > 100:
                parts = [f.packet() for f in fragments.fragment(packet, 48, idents)]
            frames += [octets.on_ethernet(wrap(p, [name], idents)) for p in parts]
        book.add(judge.Scenario(name, frames, talk.wanted))
    book.write()
    return book


def holed(number, version, lost, cut_into, idents):
    """Of each response `cut_into` segments, none with two responses; number `lost` is lost. By
    the time of the last response nobody waits for it any more."""
    talk, chosen = Talk(number, version, idents), of_version(version)
    talk.packets += talk.line.handshake()
    talk.ask(chosen)
    at = 0
    for i in chosen:
        data = talk.answers([i])
        size = -(-len(data) // cut_into)
        if i == chosen[-1]:
            talk.pauses[len(talk.packets)] = LONGER_THAN_HOLES
        for offset, part in evenly(data, size):
            packet = talk.line.segment(False, talk.line.sent[False], part)
            if at == lost:
                talk.wanted.remove(i)
            else:
                talk.packets.append(packet)
            at += 1
    talk.packets += talk.line.finish()
    return talk


def from_the_middle(number, version, idents):
    """Seen from the middle of the first response on."""
    talk, chosen = Talk(number, version, idents), of_version(version)
    talk.ask(chosen)
    for i in chosen:
        talk.packets += talk.line.data(False, evenly(talk.answers([i]), 30))
    first = len(evenly(talk.answers(chosen[:1]), 30))
    assert first > 1, "the first response is one segment"
    talk.packets.pop(len(chosen))
    talk.wanted = chosen[1:]
    return talk


@functools.cache
def with_holes():
    book, idents = judge.Book(), octets.Idents()
    for version in (4, 6):
        for cut_into in (1, 3):
            for lost in range((len(of_version(version)) - 2) * cut_into):
                add(book, f"IPv{version}, segment {lost} of {cut_into} a response lost",
                    holed(len(book.scenarios) + 1, version, lost, cut_into, idents),
                    blind=BEHIND_A_HOLE)
        add(book, f"IPv{version}, from the middle of a message",
            from_the_middle(len(book.scenarios) + 1, version, idents), blind=BEHIND_A_HOLE)
    book.write()
    return book


def gives_the_same():
    """Over TCP, cut, swapped, doubled, retransmitted, wrapping around: all responses are there"""
    whole().check()
    print(f"# {len(whole().scenarios)} scenarios")


def counts_the_same():
    """Replays count as they do plain UDP, with 1, 2 and 4 workers"""
    whole().check_replay()
    wrapped().check_replay()


def in_tunnels():
    """Segments in encapsulations and in fragments give all responses"""
    wrapped().check()


def holes():
    """A lost segment and a start in mid-stream cost only the messages that they touch"""
    book = with_holes()
    book.check()
    for workers in judge.WORKERS:
        found = book.replay(workers)
        harness.equal(found["tcp"]["octets"]["held"], 0, "tcp.octets.held at the end")
        assert found["tcp"]["octets"]["gap"], "tcp.octets.gap is 0"
        assert found["tcp"]["octets"]["unsynchronised"], "tcp.octets.unsynchronised is 0"
    print(f"# {len(book.scenarios)} scenarios")


def by_tshark():
    """tshark sees the same names and addresses in these streams"""
    whole().check_tshark()
    wrapped().check_tshark()


if __name__ == "__main__":
    harness.main(gives_the_same, in_tunnels, counts_the_same, holes, by_tshark)
