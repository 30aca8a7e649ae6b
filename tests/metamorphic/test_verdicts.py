# SPDX-License-Identifier: BSD-3-Clause
"""The demonstration, each packet of it in some encapsulation, in fragments or over TCP, gives
the same verdicts to the last digit."""

import gzip
import ipaddress
import pathlib
import random
import struct

import fragments
import harness
import octets
import streams
from layers import LAYERS, wrap

# Of an exchange both directions go the same way, as on a tap; and of a fragmented tunnel the
# first fragment, which comes first, shows the addresses inside.
FRAGMENT, STREAM = 0.3, 0.3
DEEPEST = 3

SAME = "dns", "records", "table", "verdict"


def frames_of(path, folder):
    plain = pathlib.Path(folder) / "plain.pcap"
    plain.write_bytes(gzip.decompress(path.read_bytes()))
    return octets.read_capture(plain)[1]


def over_tcp(kind, data, numbers, idents):
    """The message of a UDP packet, as a segment of a connection seen from its middle."""
    header = (data[0] & 15) * 4 if kind == octets.IP4 else 40
    addresses = (data[12:16], data[16:20]) if kind == octets.IP4 else (data[8:24], data[24:40])
    source, destination = (str(ipaddress.ip_address(a)) for a in addresses)
    sport, port = struct.unpack_from("!HH", data, header)
    payload = streams.framed([data[header + 8:]])
    key = source, destination, sport, port
    seq = numbers.get(key, 7000)
    numbers[key] = seq + len(payload)
    return octets.tcp(source, destination, sport, port, seq, 1, streams.ACK | streams.PSH, payload,
                      idents)


def way_of(flow, data, kind):
    """(over TCP, names of layers), the same in both directions of a flow."""
    dice = random.Random(flow)
    names = []
    for _ in range(dice.randint(0, DEEPEST)):
        # AH is of a datagram, never of its fragments.
        fitting = [n for n, layer in LAYERS.items()
                   if kind in layer.takes and not layer.cut and n != "IPv4 AH"]
        names.append(dice.choice(fitting))
        kind = wrap((kind, data), names[-1:], octets.Idents())[0]
    return dice.random() < STREAM, names


def disguised(frames):
    idents, numbers, out, dice = octets.Idents(), {}, [], random.Random(8)
    for stamp, frame in frames:
        ethertype = struct.unpack_from("!H", frame, 12)[0]
        kind = octets.IP4 if ethertype == 0x0800 else octets.IP6
        data = frame[14:]
        data = data[:struct.unpack_from("!H", data, 2)[0] if kind == octets.IP4 else (
            40 + struct.unpack_from("!H", data, 4)[0])]
        at = (data[0] & 15) * 4 if kind == octets.IP4 else 40
        flow = "".join(sorted((data[at:at + 2].hex(), data[at + 2:at + 4].hex())))
        tcp, names = way_of(flow, data, kind)
        packet = over_tcp(kind, data, numbers, idents) if tcp else (kind, data)
        parts = [packet]
        if dice.random() < FRAGMENT:
            arrival = dice.choice((fragments.in_order, fragments.shuffled, fragments.overlapping))
            cut = fragments.fragment(packet, 64, idents)
            parts = [f.packet() for f in arrival(cut, dice)]
        out += [(stamp, octets.on_ethernet(wrap(p, names, idents))) for p in parts]
    return out


def gives_the_same_verdicts():
    """The demonstration in disguise gives the same verdicts, with 1, 2 and 4 workers"""
    with harness.scratch() as folder:
        frames = disguised(frames_of(harness.DEMO_CAPTURE, folder))
        path = pathlib.Path(folder) / "disguised.pcap"
        octets.write_capture(path, frames)
        wanted = harness.replay(*harness.demo_databases(), harness.DEMO_CAPTURE)
        assert wanted["domains"], "nothing is flagged"
        for workers in (1, 2, 4):
            got = harness.replay("--workers", workers, *harness.demo_databases(), path)
            harness.equal(got["accounting"]["accounting_error"], 0, "accounting_error")
            for branch in SAME:
                harness.equal(got["accounting"][branch], wanted["accounting"][branch], branch)
            assert got["domains"] == wanted["domains"], f"verdicts differ, {workers} workers"
    print(f"# {len(frames)} frames, {len(wanted['domains'])} flagged domains")


if __name__ == "__main__":
    harness.main(gives_the_same_verdicts)
