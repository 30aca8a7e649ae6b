# SPDX-License-Identifier: BSD-3-Clause
"""Somebody who sends answers that nobody asked for: injector.py CLIENT SERVER

As from the server: "framed.example" on ever new addresses with name servers in flux, so that it be
convicted; and "victim.example", which is in flux, on two addresses that stay with a long TTL.
"""

import random
import socket
import struct
import sys
import time

import authority

PERIOD_SECONDS = 0.05


def framed(chance):
    hosts = [f"20.{chance.randrange(1, 250)}.{chance.randrange(256)}.9" for _ in range(5)]
    owner = "www.framed.example"
    servers = [f"ns{n}.framed.example" for n in range(1, 5)]
    return (owner, [authority.record(owner, 1, 2, socket.inet_aton(h)) for h in hosts],
            [authority.record("framed.example", 2, 2, authority.wire(s)) for s in servers],
            [authority.record(s, 1, 2, socket.inet_aton(h)) for s, h in zip(servers, hosts)])


def victim(_):
    owner = "www.victim.example"
    return (owner, [authority.record(owner, 1, 86400, socket.inet_aton(f"30.1.0.{n}"))
                    for n in (1, 2)],
            [authority.record("victim.example", 2, 86400, authority.wire("ns.example"))], [])


def main():
    client, server = sys.argv[1:]
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    chance = random.Random(7)
    while True:
        for make in framed, victim:
            owner, answers, ns, glue = make(chance)
            message = struct.pack("!6H", chance.randrange(65536), 0x8580, 1, len(answers), len(ns),
                                  len(glue)) + authority.wire(owner) + b"\0\1\0\1" + b"".join(
                                      answers + ns + glue)
            udp = struct.pack("!4H", 53, chance.randrange(1024, 65536), 8 + len(message), 0)
            head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(message), 0, 0, 64, 17, 0,
                               socket.inet_aton(server), socket.inet_aton(client))
            raw.sendto(head + udp + message, (client, 0))
        time.sleep(PERIOD_SECONDS)


if __name__ == "__main__":
    main()
