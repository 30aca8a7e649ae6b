# SPDX-License-Identifier: BSD-3-Clause
"""The same exchanges in every encapsulation, alone and stacked, give the same responses."""

import functools
import random

import exchanges
import harness
import judge
import octets
import plain
from layers import LAYERS, ppp, wrap

STACKS, DEEPEST, MOST_HEADERS = 60, 6, 12


@functools.cache
def kind_around(name, kind):
    """The kind of packet that a layer makes of one."""
    packet = octets.ip4("10.0.0.1", "10.0.0.2", 17, bytes(26), 1)
    if kind == octets.IP6:
        packet = octets.ip6("::1", "::2", 17, bytes(26))
    elif kind == octets.ETHER:
        packet = octets.ether(0x0800, packet)
    return LAYERS[name].put((kind, packet), octets.Idents())[0]


def fits(names, exchange):
    """Whether each layer takes what the one inside it makes, and the length has room."""
    kind = octets.IP4 if exchange.version == 4 else octets.IP6
    for name in names:
        if kind not in LAYERS[name].takes:
            return False
        kind = kind_around(name, kind)
    room = min((LAYERS[n].cut for n in names if LAYERS[n].cut), default=60000)
    return len(exchange.response) + 60 * len(names) < room


def scenario(number, names, idents):
    chosen = [i for i, e in enumerate(plain.base()) if fits(names, e)]
    packets = exchanges.over_udp([plain.base()[i] for i in chosen], number, idents)
    frames = [octets.on_ethernet(wrap(p, names, idents)) for p in packets]
    return judge.Scenario(" / ".join(names), frames, chosen,
                          tuple(layer for name in names for layer in LAYERS[name].shown),
                          next((LAYERS[n].blind for n in names if LAYERS[n].blind), ""))


def random_stacks():
    """Distinct stacks, innermost layer first, that at least one exchange fits into."""
    dice, found = random.Random(3), set()
    while len(found) < STACKS:
        names = tuple(dice.choices(list(LAYERS), k=dice.randint(2, DEEPEST)))
        if sum(LAYERS[n].depth for n in names) <= MOST_HEADERS and any(
                fits(names, plain.base()[i]) for i in plain.generated()):
            found.add(names)
    return sorted(found)


@functools.cache
def alone():
    book, idents = judge.Book(), octets.Idents()
    for number, name in enumerate(LAYERS, 1):
        book.add(scenario(number, [name], idents))
    book.write()
    return book


@functools.cache
def stacked():
    book, idents = judge.Book(), octets.Idents()
    for number, names in enumerate(random_stacks(), 1):
        book.add(scenario(number, names, idents))
    book.write()
    return book


@functools.cache
def links():
    """Captures of other link types: PPP with each form of its header, and IP alone."""
    books = []
    for link, shown, forms in ((octets.LINK_PPP, ("ppp",), [(False, False), (False, True),
                                                            (True, False), (True, True)]),
                               (octets.LINK_RAW, (), [()])):
        book = judge.Book(link)
        for number, form in enumerate(forms, 1):
            packets = exchanges.over_udp(plain.base(), number, octets.Idents())
            frames = [ppp(p, *form) if link == octets.LINK_PPP else p[1] for p in packets]
            book.add(judge.Scenario(f"link type {link} {form}", frames,
                                    list(range(len(plain.base()))), shown))
        book.write()
        books.append(book)
    return books


def links_give_the_same():
    """Captures of PPP and of IP alone give the responses of Ethernet, also by tshark"""
    for book in links():
        book.check()
        book.check_tshark()


def each_alone():
    """Each encapsulation alone gives the responses of plain UDP, and is named"""
    alone().check()
    print(f"# {len(LAYERS)} encapsulations, {len(plain.base())} exchanges")


def each_stack():
    """Stacks of up to six encapsulations give the responses of plain UDP"""
    stacked().check()


def counts_the_same():
    """Replays count as they do plain UDP, with 1, 2 and 4 workers"""
    alone().check_replay()
    stacked().check_replay()


def alone_by_tshark():
    """tshark sees the same names and addresses in each encapsulation"""
    alone().check_tshark()


def stacked_by_tshark():
    """tshark sees the same names and addresses in each stack"""
    stacked().check_tshark()


if __name__ == "__main__":
    harness.main(plain.is_true, links_give_the_same, each_alone, each_stack, counts_the_same,
                 alone_by_tshark, stacked_by_tshark)
