# SPDX-License-Identifier: BSD-3-Clause
"""An authoritative server of names in flux and of others.

Below "example": fluxN and victim have five addresses at a time of a pool over many networks, all
others two that stay. Name servers of the first are on the same pools and move, too: PARENT refers
to them, and whatever address is asked answers. A new set each TTL_SECONDS.
"""

import random
import socket
import struct
import time

TTL_SECONDS = 2
POOL, AT_A_TIME, SERVERS = 120, 5, 4
A, NS, SOA, IP_PKTINFO = 1, 2, 6, 8
PARENT = "10.53.0.2"
REFERRAL, AUTHORITATIVE = 0x8000, 0x8400


def in_flux(domain):
    return domain.startswith(("flux", "victim"))


def pool(domain):
    """Hosts in networks of their own, the same at each call."""
    chance = random.Random(domain)
    return [f"20.{n % 250 + 1}.{chance.randrange(256)}.{chance.randrange(1, 255)}"
            for n in chance.sample(range(250), POOL)]


def current(domain, which, count):
    """The hosts of this turn."""
    turn = int(time.time() / TTL_SECONDS)
    return random.Random(f"{domain} {which} {turn}").sample(pool(domain), count)


def wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def record(owner, kind, ttl, data):
    return wire(owner) + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data


def sections(name, kind, asked):
    """Flags; answer, authority and additional records."""
    labels = name.lower().split(".")
    domain = ".".join(labels[-2:])
    if len(labels) < 2 or labels[-1] != "example":
        return AUTHORITATIVE, [], [record("example", SOA, 5, wire("ns.example") +
                                          wire("h.example") +
                                          struct.pack("!5I", 1, 60, 60, 600, 5))], []
    if not in_flux(domain):
        start = sum(domain.encode()) % 200
        hosts = [f"30.{start}.0.{n}" for n in (1, 2)]
        answers = [record(name, A, 30, socket.inet_aton(h)) for h in hosts] if kind == A else []
        return AUTHORITATIVE, answers, [record(domain, NS, 300, wire("ns.example"))], [
            record("ns.example", A, 300, socket.inet_aton(PARENT))]
    servers = [f"ns{n}.{domain}" for n in range(1, SERVERS + 1)]
    ns = [record(domain, NS, TTL_SECONDS, wire(s)) for s in servers]
    glue = [record(s, A, TTL_SECONDS, socket.inet_aton(h))
            for s, h in zip(servers, current(domain, "ns", SERVERS))]
    if asked == PARENT:
        return REFERRAL, [], ns, glue
    if name.lower() in servers:
        return AUTHORITATIVE, [glue[servers.index(name.lower())]] if kind == A else [], ns, glue
    if kind == NS:
        return AUTHORITATIVE, ns if name.lower() == domain else [], [], glue
    hosts = current(domain, "www", AT_A_TIME)
    answers = [record(name, A, TTL_SECONDS, socket.inet_aton(h)) for h in hosts]
    return AUTHORITATIVE, answers if kind == A else [], ns, glue


def answer(message, asked):
    at, labels = 12, []
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode("latin-1"))
        at += 1 + message[at]
    kind, = struct.unpack_from("!H", message, at + 1)
    flags, answers, authority, additional = sections(".".join(labels), kind, asked)
    return message[:2] + struct.pack("!5H", flags, 1, len(answers), len(authority),
                                     len(additional)) + message[12:at + 5] + b"".join(
                                         answers + authority + additional)


def main():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    server.bind(("0.0.0.0", 53))
    print("ready", flush=True)
    while True:
        message, ancillary, _, peer = server.recvmsg(4096, 256)
        if len(message) < 17 or message[2] & 0x80:
            continue
        for level, kind, data in ancillary:
            if (level, kind) == (socket.IPPROTO_IP, IP_PKTINFO):
                # From the address asked.
                info = struct.pack("=I4s4s", 0, data[8:12], b"\0\0\0\0")
                reply = answer(message, socket.inet_ntoa(data[8:12]))
                server.sendmsg([reply], [(level, kind, info)], 0, peer)


if __name__ == "__main__":
    main()
