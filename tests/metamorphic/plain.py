# SPDX-License-Identifier: BSD-3-Clause
"""The exchanges in plain UDP over Ethernet: what all wrappings are compared with.

An exchange is known by its index here; generated ones come first, then real ones.
"""

import csv
import functools
import json

import exchanges
import harness
import judge
import octets


@functools.cache
def base():
    found = exchanges.generated()
    table = harness.SHARED / "captures" / "ORACLE.tsv"
    if table.exists():
        with open(table, encoding="utf-8", newline="") as file:
            found += exchanges.real(table.parent, list(csv.DictReader(file, delimiter="\t")))
    return found


@functools.cache
def generated():
    """Indices of the generated exchanges."""
    return range(len(exchanges.generated()))


@functools.cache
def book():
    """One scenario an exchange."""
    pages, idents = judge.Book(), octets.Idents()
    for i, exchange in enumerate(base()):
        packets = exchanges.over_udp([exchange], i + 1, idents)
        pages.add(judge.Scenario(str(i), list(map(octets.on_ethernet, packets)), [i]))
    pages.write()
    return pages


@functools.cache
def responses():
    """[response as dump shows it], by exchange."""
    found = book().dump()
    for i in range(len(base())):
        harness.equal(len(found[str(i)]), 1, f"responses of exchange {i} in plain UDP")
    return [judge.response_key(found[str(i)][0]) for i in range(len(base()))]


@functools.cache
def views():
    """[(names, addresses)] that tshark sees, by exchange."""
    seen = judge.tshark(book())
    return [seen[str(i)] for i in range(len(base()))]


def is_true():
    """Plain exchanges give what their messages were built to say, to dump and to tshark"""
    for i in generated():
        exchange, line = base()[i], dict(zip(judge.KEPT, json.loads(responses()[i])))
        harness.equal(judge.said(line), exchange.said, f"exchange {i}")
        names, addresses = views()[i]
        harness.equal(list(names.elements()), [exchange.said[0]], f"tshark's name of exchange {i}")
        harness.equal(sorted(addresses.elements()), sorted(exchange.addresses),
                      f"tshark's addresses of exchange {i}")
