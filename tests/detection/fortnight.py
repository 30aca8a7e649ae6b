#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Fourteen days of packet time in one replay: does memory stay flat, does what is flagged survive,
and how long do merges take?

usage: fortnight.py FLUXGATE TRAFFICGEN [OPTION]...

Two generators write into pipes that one replay reads, so that no capture is kept: the background
(Zipf 1.0), with all families that flux and all that only resemble it, and a flood of registered
domains out of five times as many, all equally likely, under other top-level domains: none is in both.
One packet in five is left out. Without the flood, or the loss, it tells what they are the cause of.
The store has the size of a live sensor's. While it runs the replay is asked over HTTP for what it
holds, and /proc for its memory. The tables come at the end; the exit code is 1 when something that
must hold does not.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "system"))

# pylint: disable=wrong-import-position
import harness
import measure
import scenes
import tables

ADDRESS = "127.0.0.1:18954"
EPOCH_SECONDS = 10
MIB = 1 << 20
FLOOD_TLDS = "xyz,top,shop,online,site,club,live,vip"  # none of the background's
LEAST_DOMAINS = 20000000  # in what was received, with flood and loss and for 14 days
MOST_SHARE = 0.1  # of an epoch, for a merge: p99
MOST_GROWTH = 0.01  # of memory, from the end of the first day to the end
SHOWN_DAYS = 1, 2, 7, 14
PAGE = 1000
LOOK_SECONDS, MEMORY_SECONDS = 0.2, 1

# A live sensor's store, beside the other tables of a replay with its four partitions. What is the
# replay's default is written out for the doctor, whose budget is that of a live sensor with these.
CONFIG = {
    "epoch_seconds": EPOCH_SECONDS, "workers": 4,
    "pairing": {"entries": 65536},
    "fragments": {"datagrams": 256},
    "tcp": {"streams": 4096, "buffers": 64},
    "shard": {"entries": 65536, "details_small": 16384, "details_large": 4096,
              "name_octets": 4194304},
    "store": {"door_entries": 16777216, "candidates": 2097152, "domains": 65536},
}


def arguments():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].removeprefix("usage: "))
    parser.add_argument("fluxgate")
    parser.add_argument("trafficgen")
    parser.add_argument("--days", type=float, default=14)
    parser.add_argument("--domains", type=int, default=10000000,
                        help="registered domains of the background to choose from")
    parser.add_argument("--flood", type=int, default=50000000, help="the same for the flood")
    parser.add_argument("--rate", type=float, default=54,
                        help="look-ups a second, half of them the flood's")
    parser.add_argument("--loss", type=int, default=20, metavar="P",
                        help="percent of the packets to leave out (default 20)")
    parser.add_argument("--no-flood", action="store_true", help="the background and families only")
    parser.add_argument("--each", type=int, default=5, help="domains of a family that fluxes")
    parser.add_argument("--seed", type=int, default=scenes.HELD_OUT[0])
    parser.add_argument("--json", type=pathlib.Path, help="all figures")
    parser.add_argument("--markdown", type=pathlib.Path, metavar="FILE", help="the tables, too")
    return parser.parse_args()


def families(each):
    found = scenes.each(scenes.FLUX, each)
    found += scenes.each([n for n in scenes.NEGATIVES if n != "randsub"], 2, 60)
    return found + (("randsub", 1, 0),)


def sources(options):
    """The arguments of trafficgen for the background, and for the flood if there is one."""
    common = {"seconds": round(options.days * scenes.DAY), "loss": options.loss,
              "rate": options.rate / 2}
    first = scenes.Scene("fortnight", families=families(options.each), seed=options.seed,
                         domains=options.domains, **common)
    flood = scenes.Scene("flood", families=(), seed=options.seed + 1, domains=options.flood,
                         **common)
    both = [first.arguments(), (*flood.arguments(), "--zipf", "0", "--tld", FLOOD_TLDS)]
    return both[:1] if options.no_flood else both


def ask(path):
    """An answer of the running replay, None while there is none."""
    try:
        with urllib.request.urlopen(f"http://{ADDRESS}{path}", timeout=5) as answer:
            return json.load(answer)
    except (urllib.error.URLError, OSError):
        return None


def resident(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def budget(config):
    """What the doctor says that a live sensor of this configuration takes, in octets."""
    text = harness.fluxgate("doctor", "-c", config).stdout
    whole, of_tables = re.search(r"run takes (\d+) MiB = (\d+) of tables", text).groups()
    return int(whole) * MIB, int(of_tables) * MIB


class Watch:
    """What was seen of a replay while it ran."""

    def __init__(self, pid):
        self.pid = pid
        self.first_epoch = self.epoch = None
        self.memory = []  # (day, octets)
        self.first_day = None  # registered domains flagged at its end
        self.next_memory = 0

    def day(self):
        return (self.epoch - self.first_epoch) * EPOCH_SECONDS / scenes.DAY

    def look(self):
        stats = ask("/api/v1/stats")
        if stats is None or stats["first_ts"] is None:
            return
        if self.first_epoch is None:
            first = measure.seconds_of(stats["first_ts"])
            self.first_epoch = int(first) // EPOCH_SECONDS
        self.epoch = stats["epoch"]
        if self.first_day is None and self.day() >= 1:
            self.first_day = {d["domain"] for d in ask(f"/api/v1/domains?limit={PAGE}")["domains"]}
        if time.monotonic() >= self.next_memory:
            self.next_memory = time.monotonic() + MEMORY_SECONDS
            self.memory.append((self.day(), resident(self.pid)))

    def memory_at(self, day):
        """The first sample at the end of a day or after, else the last one."""
        return next((octets for at, octets in self.memory if at >= day), self.memory[-1][1])


def ended(log, replay, writers):
    """True when the result is out; fails when one of the programs did."""
    assert replay.poll() is None, f"the replay ended: {log.read_text()}"
    assert not any(w.poll() for w in writers), "a generator failed"
    return "fluxgate: serving" in log.read_text()


def run(options, folder):
    """The replay's object, the truths and what was watched."""
    config, log, out = folder / "config.json", folder / "log", folder / "out.json"
    config.write_text(json.dumps(CONFIG))
    databases = "--asn-db", folder / "asn.mmdb", "--country-db", folder / "country.mmdb"
    subprocess.run([options.trafficgen, *map(str, databases)], check=True)
    chosen = sources(options)
    pipes = [folder / f"{i}.pcap" for i in range(len(chosen))]
    truths = [folder / f"{i}.json" for i in range(len(chosen))]
    programs = []
    try:
        for pipe, truth, arguments_ in zip(pipes, truths, chosen):
            os.mkfifo(pipe)
            programs.append(subprocess.Popen([options.trafficgen, *arguments_, "--out", pipe,
                                              "--truth", truth]))
        writers = programs[:]
        with out.open("w") as to, log.open("w") as errors:
            replay = subprocess.Popen([options.fluxgate, "replay", "--json", "--serve", ADDRESS,
                                       "-c", config, *databases, *pipes], stdout=to, stderr=errors)
        programs.append(replay)
        watch = Watch(replay.pid)
        while not ended(log, replay, writers):
            watch.look()
            time.sleep(LOOK_SECONDS)
        watch.look()
        replay.terminate()
        assert replay.wait(60) == 0, log.read_text()
        for writer in writers:
            assert writer.wait(60) == 0, "a generator failed"
    finally:
        for program in programs:
            if program.poll() is None:
                program.kill()
                program.wait()
    return json.loads(out.read_text()), [json.loads(t.read_text()) for t in truths], watch


def seen(truths):
    """Registered domains of the background that had an answer in what was received, by source."""
    return [t["background"]["registered_domains"] for t in truths]


def load_rows(options, object_, truths):
    by_source = zip(("Zipf", "flood"), seen(truths))
    return [
        ("days of packet time", options.days),
        ("packets left out", f"{options.loss} %"),
        ("packets", f"{object_['capture']['packets']:,}"),
        ("packets a second", f"{object_['run']['packets_per_second']:,}"),
        ("background domains possible",
         f"{options.domains + (0 if options.no_flood else options.flood):,}"),
        ("... of which had an answer", f"{sum(seen(truths)):,} ("
         + ", ".join(f"{name} {count:,}" for name, count in by_source) + ")"),
        ("... names of theirs", f"{sum(t['background']['names'] for t in truths):,}"),
        ("accounting_error", object_["accounting"]["accounting_error"]),
    ]


def store_rows(object_):
    return [(f"store {key}", f"{value:,}")
            for key, value in object_["accounting"]["table"]["store"].items()]


def memory_rows(watch, limits):
    rows = [("budget", f"{limits[0] / MIB:.0f} MiB, of it tables {limits[1] / MIB:.0f} MiB")]
    rows += [(f"RSS at day {day}", f"{watch.memory_at(day) / MIB:.1f} MiB")
             for day in SHOWN_DAYS if day <= round(watch.day(), 2)]
    rows += [("RSS at most", f"{max(octets for _, octets in watch.memory) / MIB:.1f} MiB"),
             ("RSS growth from day 1", f"{growth(watch):+.3%}"), ("RSS samples", len(watch.memory))]
    return rows


def growth(watch):
    before = watch.memory_at(1)
    return max([before, *(octets for at, octets in watch.memory if at >= 1)]) / before - 1


def merge_rows(merges):
    rows = [(f"merge {name}", f"{merges[f'{name}_microseconds'] / 1000:.2f} ms")
            for name in ("p50", "p99", "max")]
    return [("merges, all counted", f"{merges['count']:,}"), *rows,
            ("merge limit, 10 % of the epoch", f"{MOST_SHARE * EPOCH_SECONDS * 1000:.0f} ms")]


def survival_rows(watch, object_):
    flagged = {d["domain"] for d in object_["domains"]}
    first = watch.first_day or set()
    verdict = object_["accounting"]["verdict"]
    return [("flagged at the end of day 1", len(first)),
            ("... of which at the end", len(first & flagged)),
            ("flagged at the end", len(flagged)),
            *((f"verdicts {key}", value) for key, value in verdict.items())]


def family_rows(found):
    rows = []
    for name, f in found.items():
        kind = "flux" if f["flux"] else "negative"
        rows.append([name, kind, f["domains"], f["flagged"],
                     tables.rate(f["flagged"], f["domains"]) if f["flux"] else "",
                     "" if f["flux"] else f["alarms"], f["firm"],
                     *(f["within"][w] for w in ("24h", "7d")), tables.middle(f["minutes"])])
    return rows


def broken(options, watch, object_, truths, found, strangers, limits):
    """What must hold and does not."""
    first = watch.first_day or set()
    lost = first - {d["domain"] for d in object_["domains"]}
    peak = max(octets for _, octets in watch.memory)
    p99 = object_["run"]["merges"]["p99_microseconds"] / 1e6
    whole = options.days >= 14 and not options.no_flood
    wrong = sum(f["alarms"] for f in found.values() if not f["flux"]) + len(strangers)
    checks = [
        (whole and sum(seen(truths)) < LEAST_DOMAINS, "too few domains were seen"),
        (peak > limits[0], "memory is above the budget"),
        (watch.day() > 1 and not first, "nothing was flagged on the first day"),
        (growth(watch) > MOST_GROWTH, "memory grows"),
        (p99 > MOST_SHARE * EPOCH_SECONDS, "merges take too long"),
        (lost, f"no longer flagged: {' '.join(sorted(lost))}"),
        (object_["accounting"]["accounting_error"], "the accounting misses something"),
        (wrong, f"{wrong} alarms on what does not flux"),
    ]
    return [text for failed, text in checks if failed]


def main():
    options = arguments()
    os.nice(5)
    started = time.monotonic()
    with harness.scratch() as name:
        folder = pathlib.Path(name)
        object_, truths, watch = run(options, folder)
        limits = budget(folder / "config.json")
    found, strangers = measure.families_of(truths[0], measure.Owners(truths[0]),
                                           object_["domains"])
    rows = [*load_rows(options, object_, truths), *store_rows(object_),
            *memory_rows(watch, limits), *merge_rows(object_["run"]["merges"]),
            *survival_rows(watch, object_),
            ("alarms on the background", len(strangers)),
            ("minutes it took", f"{(time.monotonic() - started) / 60:.1f}")]
    text = tables.table(["what", "figure"], rows) + "\n" + tables.table(
        ["family", "is", "domains", "flagged", "TPR", "alarms", "not only suspected", "in 24 h",
         "in 7 d", "delay, min"], family_rows(found))
    print(text)
    if options.markdown:
        options.markdown.write_text(text)
    faults = broken(options, watch, object_, truths, found, strangers, limits)
    if options.json:
        options.json.write_text(json.dumps({
            "rows": dict(rows), "families": found, "strangers": strangers, "run": object_["run"],
            "memory": watch.memory, "broken": faults, "accounting": object_["accounting"]},
            indent=1) + "\n")
    for fault in faults:
        print(f"fortnight.py: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
