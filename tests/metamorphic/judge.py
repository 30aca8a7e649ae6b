# SPDX-License-Identifier: BSD-3-Clause
"""Scenarios, and what the program and tshark see in them.

A Scenario is a list of frames and the exchanges whose responses must come out of it. A Book
writes many of them into one capture, one after the other in time, and tells by frame number
what each gave.
"""

import collections
import dataclasses
import json
import pathlib
import re
import shutil
import subprocess
import tempfile

import exchanges
import harness
import octets
import plain

START = 1700000000 * 1000000
WORKERS = 1, 2, 4
FRAME_GAP, SCENARIO_GAP = 200, 20000  # microseconds

# What must be the same whatever is wrapped around a response.
KEPT = "qname", "qtype", "rcode", "truncated", "answers"

# tshark knows some layers only by being told; with labels as layers.py gives them.
TSHARK = ["-d", "udp.port==8472,vxlan", "-d", "mpls.label==2001,pwethcw",
          "-d", "mpls.label==3001,pwethnocw", "-o", "tcp.reassemble_out_of_order:TRUE"]


@dataclasses.dataclass
class Scenario:
    name: str
    frames: list         # octets of each, in order of arrival
    wanted: list         # indices of the exchanges whose responses come out
    shown: tuple = None  # names in `encapsulation`; None: not looked at
    blind: str = ""      # why tshark does not see the same
    pauses: dict = dataclasses.field(default_factory=dict)  # {frame: microseconds before it}


def response_key(line):
    return json.dumps([line[k] for k in KEPT])


def said(line):
    """What `Exchange.said` holds, of a line of fluxgate dump."""
    return (line["qname"], line["qtype"], line["rcode"], line["truncated"],
            [a["rdata"] for a in line["answers"] if a["rrtype"] in ("A", "AAAA")])


class Book:
    """Scenarios in one capture file, of one link type."""

    def __init__(self, link=octets.LINK_ETHERNET):
        self.link, self.scenarios, self.owner = link, [], [None]
        self.folder = tempfile.TemporaryDirectory(prefix="fluxgate-test.")
        self.path = pathlib.Path(self.folder.name) / "scenarios.pcap"

    def add(self, scenario):
        self.scenarios.append(scenario)

    def write(self):
        frames, now = [], START
        for scenario in self.scenarios:
            for i, data in enumerate(scenario.frames):
                now += scenario.pauses.get(i, 0)
                frames.append((now, data))
                self.owner.append(scenario.name)
                now += FRAME_GAP
            now += SCENARIO_GAP
        octets.write_capture(self.path, frames, self.link)

    def dump(self):
        """{scenario: [lines]}."""
        run = harness.fluxgate("dump", self.path)
        assert run.returncode == 0, f"dump: exit code {run.returncode}: {run.stderr[:500]}"
        found = {scenario.name: [] for scenario in self.scenarios}
        for line in map(json.loads, run.stdout.splitlines()):
            found[self.owner[line["frame"]]].append(line)
        return found

    def differences(self):
        """Scenarios that give more or less than they must, or name other layers; in words."""
        found, wrong = self.dump(), []
        for scenario in self.scenarios:
            lines = found[scenario.name]
            got = collections.Counter(map(response_key, lines))
            wanted = collections.Counter(plain.responses()[i] for i in scenario.wanted)
            if got != wanted:
                wrong.append(f"{scenario.name}: {(wanted - got).total()} of {wanted.total()} "
                             f"responses missing, {(got - wanted).total()} too many")
            elif scenario.shown is not None:
                shown = {name for line in lines for name in line["encapsulation"]}
                if shown != set(scenario.shown):
                    wrong.append(f"{scenario.name}: shows {sorted(shown)}, "
                                 f"expected {sorted(set(scenario.shown))}")
        return wrong

    def check(self):
        tell(self.differences(), len(self.scenarios))

    def check_tshark(self):
        """tshark sees the names and the addresses, too, of the same responses."""
        found, wrong, blind = tshark(self), [], collections.Counter()
        for scenario in self.scenarios:
            if scenario.blind:
                blind[scenario.blind] += 1
                continue
            names = sum((plain.views()[i][0] for i in scenario.wanted), collections.Counter())
            addresses = sum((plain.views()[i][1] for i in scenario.wanted), collections.Counter())
            seen = found[scenario.name]
            if (names, addresses) != seen:
                wrong.append(f"{scenario.name}: tshark sees {seen[0].total()} names of "
                             f"{names.total()}, {seen[1].total()} addresses of "
                             f"{addresses.total()}")
        for why, count in sorted(blind.items()):
            print(f"# not compared with tshark, {count} of {len(self.scenarios)}: {why}")
        tell(wrong, len(self.scenarios))

    def replay(self, workers=1):
        found = harness.replay("--workers", workers, self.path)["accounting"]
        harness.equal(found["accounting_error"], 0, f"accounting_error, {workers} workers")
        return found

    def check_replay(self):
        """What verdicts are made of is the same as of the responses in plain UDP."""
        twin, idents = Book(), octets.Idents()
        for number, scenario in enumerate(self.scenarios, 1):
            chosen = [plain.base()[i] for i in scenario.wanted]
            packets = exchanges.over_udp(chosen, number, idents)
            twin.add(Scenario(scenario.name, list(map(octets.on_ethernet, packets)), []))
        twin.write()
        wanted = evidence(twin.replay())
        for workers in WORKERS:
            harness.equal(evidence(self.replay(workers)), wanted, f"counters, {workers} workers")


def evidence(accounting):
    """Of the counters those that must not depend on how messages came."""
    return {"dns": accounting["dns"], "records": accounting["records"],
            "updates": accounting["table"]["shard"]["updates"]}


def tell(wrong, total):
    shown = "\n".join(wrong[:50]) + ("\n..." if len(wrong) > 50 else "")
    assert not wrong, f"{len(wrong)} of {total} scenarios differ:\n{shown}"


def tshark(book):
    """{scenario: (names, addresses of all sections)} of responses, counted."""
    if not shutil.which("tshark"):
        raise harness.Skip("no tshark")
    fields = ("frame.number", "dns.flags.response", "dns.qry.name", "dns.a", "dns.aaaa")
    run = subprocess.run(["tshark", "-n", "-r", str(book.path), *TSHARK, "-Y",
                          "dns.flags.response == 1", "-T", "fields",
                          *(arg for field in fields for arg in ("-e", field))],
                         capture_output=True, text=True, timeout=120, check=True)
    found = {s.name: (collections.Counter(), collections.Counter()) for s in book.scenarios}
    for line in run.stdout.splitlines():
        frame, flags, names, *addresses = line.split("\t")
        assert not re.search("0|False", flags), f"frame {frame} holds queries and responses"
        counts = found[book.owner[int(frame)]]
        counts[0].update(filter(None, names.split(",")))
        counts[1].update(filter(None, ",".join(addresses).split(",")))
    return found
