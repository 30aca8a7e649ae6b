# SPDX-License-Identifier: BSD-3-Clause
"""Domains that are one answer short of a verdict by the default rules, and that answer.

Ten addresses in ten /16 and name servers on six of them, three to a name, are double flux whatever they do
in time (docs/detection.md, "Rules": base and two signs, NS and glue, and one host name). So it takes
seconds, and no saved state, to have them there. A verdict is raised when a rule is met in two epochs:

    prepare    nine addresses by four servers: no rule is met
    meet       the tenth: a rule is met, once
    complete   another answer, which brings nothing new: the rule is met twice
"""

import exchanges
import octets

TTL = 150
POOL, HOSTS_OF_SERVERS = 10, 6
SERVERS = 4
SHARES = (0, 1, 2), (3, 4), (5, 6), (7, 8)  # what each server answers with
TENTH = 9, 0
AGAIN = 9, 1
CLIENT = "100.64.0.1"


def pool_address(number, i):
    return f"45.{10 + i}.{number >> 8}.{number & 255}"


def server_address(number, i):
    return f"{61 + i}.{number >> 8}.{number & 255}.53"


class Short:
    """Domain `number`, below 2^16: no two have an address in common."""

    def __init__(self, number, idents):
        self.number = number
        self.idents = idents
        self.name = f"latency-{number:04}.example"
        self.asked = 0

    def exchange(self, server, addresses):
        """Two frames: the query, and the response by one of the servers with these of the addresses."""
        host = "www." + self.name
        names = [f"ns{i}.{self.name}" for i in (1, 2)]
        built = exchanges.build(
            self.number, host, exchanges.A,
            answers=[(host, exchanges.A, TTL, pool_address(self.number, i)) for i in addresses],
            authority=[(self.name, exchanges.NS, TTL, name) for name in names],
            additional=[(names[i % 2], exchanges.A, TTL, pool_address(self.number, i))
                        for i in range(HOSTS_OF_SERVERS)])
        self.asked += 1
        ours, theirs, port = CLIENT, server_address(self.number, server), 20000 + self.asked
        return [octets.on_ethernet(packet) for packet in (
            octets.udp(ours, theirs, port, exchanges.DNS_PORT, built.query, self.idents),
            octets.udp(theirs, ours, exchanges.DNS_PORT, port, built.response, self.idents))]

    def prepare(self):
        return [frame for server, share in enumerate(SHARES) for frame in self.exchange(server, share)]

    def meet(self):
        return self.exchange(0, TENTH)

    def complete(self):
        return self.exchange(1, AGAIN)
