# SPDX-License-Identifier: BSD-3-Clause
"""DNS over TCP: connections as lists of packets, whole, cut, swapped, repeated, with holes."""

import struct

import octets

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
TIMESTAMPS = b"\1\1\10\12" + struct.pack("!II", 1000, 2000)
SYN_OPTIONS = b"\2\4\5\xb4\4\2\10\12" + struct.pack("!II", 1000, 0) + b"\1\3\3\7"


def framed(messages):
    return b"".join(struct.pack("!H", len(m)) + m for m in messages)


def pieces(data, cuts):
    """[(offset, octets)] of data cut at these offsets."""
    ends = [0, *cuts, len(data)]
    return [(a, data[a:b]) for a, b in zip(ends, ends[1:])]


class Connection:
    """One connection; offsets count octets of a direction's stream from 0."""

    def __init__(self, client, server, port, idents, numbers=(1000, 9000000), options=b""):
        self.client, self.server, self.port = client, server, port
        self.idents, self.options = idents, options
        self.start = {True: numbers[0] + 1, False: numbers[1] + 1}  # True: from the client
        self.sent = {True: 0, False: 0}

    def packet(self, ours, offset, payload, flags=ACK, options=None, **fields):
        ends = (self.client, self.server, self.port, 53)
        if not ours:
            ends = (self.server, self.client, 53, self.port)
        return octets.tcp(*ends, self.start[ours] + offset,
                          self.start[not ours] + self.sent[not ours], flags, payload, self.idents,
                          self.options if options is None else options, **fields)

    def handshake(self):
        return [self.packet(True, -1, b"", SYN, SYN_OPTIONS),
                self.packet(False, -1, b"", SYN | ACK, SYN_OPTIONS), self.packet(True, 0, b"")]

    def segment(self, ours, offset, payload, flags=ACK | PSH, **fields):
        """Data at an offset; what was sent before it may be missing or follow."""
        self.sent[ours] = max(self.sent[ours], offset + len(payload))
        return self.packet(ours, offset, payload, flags, **fields)

    def data(self, ours, parts):
        """Segments of [(offset, octets)], relative to what was sent so far."""
        start = self.sent[ours]
        return [self.segment(ours, start + at, part) for at, part in parts]

    def finish(self):
        last = self.sent
        return [self.packet(True, last[True], b"", FIN | ACK),
                self.packet(False, last[False], b"", FIN | ACK),
                self.packet(True, last[True] + 1, b"")]

    def reset(self):
        return [self.packet(False, self.sent[False], b"", RST | ACK)]

    def keepalive(self, ours):
        """One octet of garbage before the next sequence number."""
        return self.packet(ours, self.sent[ours] - 1, b"\xee")

    def window_probe(self, ours):
        return self.packet(ours, self.sent[ours] - 1, b"", window=0)
