# SPDX-License-Identifier: BSD-3-Clause
"""The rules of Holz et al. (NDSS 2008) and of the Zeek community script, over cumulative counts
read from the capture. For comparison; no part of the sensor."""

import collections

import pcap

HOLZ_ADDRESSES, HOLZ_NETWORKS, HOLZ_LEAST = 1.32, 18.54, 142.38
ZEEK_TTL = 1800


def holz(addresses, networks):
    return HOLZ_ADDRESSES * addresses + HOLZ_NETWORKS * networks


def zeek(addresses, networks):
    return networks / addresses * holz(addresses, networks) if addresses else 0


class Counts:
    """Distinct addresses and networks of one name."""

    def __init__(self):
        self.addresses, self.networks = set(), set()

    def add(self, unit, network):
        self.addresses.add(unit)
        self.networks.add(network)

    def score(self, rule):
        return rule(len(self.addresses), len(self.networks))


def counted(path, database, registered):
    """Counts by registered domain, and by owner what the Zeek script looks at."""
    by_domain = collections.defaultdict(Counts)
    by_owner = collections.defaultdict(Counts)
    seen = set()
    for _, message in pcap.responses(path):
        for owner, address, ttl in pcap.answers(message):
            if (owner, address) in seen or not pcap.is_public(address):
                continue
            seen.add((owner, address))
            network = database.asn(address)
            if network is None:
                network = address[:2] if len(address) == pcap.IPV4_OCTETS else address[:4]
            by_domain[registered(owner)].add(pcap.unit(address), network)
            if len(address) == pcap.IPV4_OCTETS and ttl <= ZEEK_TTL:
                by_owner[owner].add(address, network)
    return by_domain, by_owner


def flagged(by_domain, by_owner, registered):
    """{"holz": registered domains, "zeek": those of the owners} that the rules flag."""
    return {
        "holz": {d for d, c in by_domain.items() if c.score(holz) > HOLZ_LEAST},
        "zeek": {registered(o) for o, c in by_owner.items() if c.score(zeek) > HOLZ_LEAST},
    }
