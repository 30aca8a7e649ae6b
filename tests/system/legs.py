#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A tap's two legs: one that is late, and one that is missing."""

import gzip
import pathlib
import struct

from harness import (DEMO_CAPTURE, check_schema, demo_databases, equal, main, replay, scratch,
                     status_served)

LATE_NS = 45_000_000  # less than a response waits for its query


def packets():
    """The demonstration's file header, and its packets as (ns, frame, is a query)."""
    data = gzip.decompress(DEMO_CAPTURE.read_bytes())
    magic, = struct.unpack_from("<I", data)
    unit = {0xa1b2c3d4: 1000, 0xa1b23c4d: 1}[magic]
    at, found = 24, []
    while at < len(data):
        seconds, part, length, wire = struct.unpack_from("<4I", data, at)
        frame = data[at + 16:at + 16 + length]
        equal(wire, length, "length on the wire")
        udp = 14 + (20 if frame[12:14] == b"\x08\x00" else 40)
        query = frame[udp + 10] < 0x80
        found.append((seconds * 10**9 + part * unit, frame, query))
        at += 16 + length
    return data[:24], unit, found


def write(path, header, unit, found):
    with open(path, "wb") as out:
        out.write(header)
        for time, frame, _ in found:
            out.write(struct.pack("<4I", time // 10**9, time % 10**9 // unit, len(frame),
                                  len(frame)) + frame)


def a_late_leg_of_queries_changes_nothing():
    """Queries that are read 45 ms late find their responses: the same domains, paired as well"""
    header, unit, found = packets()
    # By time, and by the place in the capture.
    late = sorted(((t + LATE_NS * q, f, q) for t, f, q in found), key=lambda p: p[0])
    plain = replay(*demo_databases(), DEMO_CAPTURE)
    with scratch() as folder:
        path = pathlib.Path(folder) / "late.pcap"
        write(path, header, unit, late)
        result = replay(*demo_databases(), path)
    account, before = result["accounting"], plain["accounting"]
    equal([d["domain"] for d in result["domains"]], [d["domain"] for d in plain["domains"]],
          "domains")
    equal(account["accounting_error"], 0, "accounting error")
    early = account["early_responses"]
    equal(early["held"], 0, "held at the end")
    assert early["paired"] > before["dns"]["responses"]["paired"] / 2, early
    # The first one of each partition comes where no query was seen yet.
    lost = before["dns"]["responses"]["paired"] - account["dns"]["responses"]["paired"]
    assert 0 <= lost <= 4, account["dns"]


def status_of(path):
    """What a replay's status says."""
    status, _ = status_served(path)
    check_schema(status=status)
    return status["pairing"]


def a_missing_leg_is_told():
    """With responses only the status says so, and all that is flagged is suspected, with less
    confidence; with queries only nothing is flagged"""
    header, unit, found = packets()
    both = replay(*demo_databases(), DEMO_CAPTURE)
    sure = {d["domain"]: d["confidence"] for d in both["domains"]}
    pairing = status_of(DEMO_CAPTURE)
    equal((pairing["direction"], pairing["paired_share"] > 0.9), ("both", True), pairing)
    with scratch() as folder:
        for direction, queries in ("responses_only", False), ("queries_only", True):
            path = pathlib.Path(folder) / f"{direction}.pcap"
            write(path, header, unit, [p for p in found if p[2] == queries])
            equal(status_of(path)["direction"], direction, "direction")
            result = replay(*demo_databases(), path)
            equal(result["accounting"]["early_responses"]["taken"], 0, "early responses")
            equal(bool(result["domains"]), not queries, "something is flagged")
            for domain in result["domains"]:
                assert domain["suspected"], domain
                assert domain["confidence"] < sure.get(domain["domain"], 1), domain


main(a_late_leg_of_queries_changes_nothing, a_missing_leg_is_told)
