# SPDX-License-Identifier: BSD-3-Clause
"""Generates the captures of scenes, replays them and holds the verdicts against the truth."""

import collections
import concurrent.futures
import datetime
import functools
import json
import pathlib
import subprocess
import sys
import time

import baselines
import mmdb
from harness import FLUXGATE, TRAFFICGEN, replay
from scenes import DAY, HOUR, WEEK

WITHIN = {"1h": HOUR, "6h": 6 * HOUR, "24h": DAY, "7d": WEEK}
BACKGROUND = "background"
SUFFIXES = "dyndns_psl",  # families whose domain is a public suffix
NOT_COUNTED = *SUFFIXES, "dnsbl"  # the truth counts special-purpose addresses, too
FALSE_SHOWN = 20
SECONDS_A_REPLAY = 600


def seconds_of(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Owners:
    """Which domain of the truth a registered domain, or any name, belongs to."""

    def __init__(self, truth):
        self.rows = {row["domain"]: row for row in truth["domains"]}
        for attack in truth.get("attacks", ()):
            # A victim is honest before: what counts is how long after the attack's beginning.
            if not self.rows[attack["domain"]]["flux"]:
                self.rows[attack["domain"]]["first_response"] = attack["first_response"]

    @functools.cache
    def row(self, name):
        labels = name.split(".")
        for at in range(len(labels)):
            found = self.rows.get(".".join(labels[at:]))
            if found:
                return found
        return None

    @functools.cache
    def registered(self, name):
        """The registered domain of a name: the truth's, below a suffix one label more; of the
        background two labels, or three."""
        row, labels = self.row(name), name.split(".")
        if row and row["family"] not in SUFFIXES:
            return row["domain"]
        deep = row or labels[-2] in ("co", "com")
        return ".".join(labels[-3 if deep else -2:])


def family_of(row):
    """Families by name; the honest alias of a fluxing domain apart."""
    if row["flux"] or row["family"] != "cnameflux":
        return row["family"]
    return "cnameflux alias"


def family_new(row):
    return {"flux": row["flux"], "domains": 0, "alarms": 0, "flagged": 0, "firm": 0,
            "class_right": 0, "within": dict.fromkeys(WITHIN, 0), "minutes": [], "epochs": [],
            "false": [], "baselines": {}}


def why(verdict):
    """The rule that spoke, for whoever looks after a false alarm."""
    return {"domain": verdict["domain"], "class": verdict["class"], "window": verdict["window"],
            "suspected": verdict["suspected"],
            "reasons": {r["code"]: r["value"] for r in verdict["reasons"]}}


def count_verdict(family, row, verdict):
    family["alarms"] += 1
    delay = max(0, seconds_of(verdict["first_flagged"]) - row["first_response"])
    for name, limit in WITHIN.items():
        family["within"][name] += delay <= limit
    family["minutes"].append(delay / 60)
    family["epochs"].append(delay / max(1, verdict["ttl_max"]))
    family["class_right"] += verdict["class"] == row["class"]
    family["firm"] += not verdict["suspected"]
    if not row["flux"] and len(family["false"]) < FALSE_SHOWN:
        family["false"].append(why(verdict))


def families_of(truth, owners, domains):
    """Per family how many domains there are, were flagged, when and as what."""
    families, strangers = {}, []
    for row in truth["domains"]:
        if row["first_response"] is not None:
            name = family_of(row)
            families.setdefault(name, family_new(row))["domains"] += 1
    hit = collections.defaultdict(set)
    for verdict in domains:
        row = owners.row(verdict["domain"])
        if row is None:
            strangers.append(why(verdict))
            continue
        name = family_of(row)
        hit[name].add(row["domain"])
        count_verdict(families[name], row, verdict)
    for name, family in families.items():
        family["flagged"] = len(hit[name])
    return families, strangers


def differing(by_domain, owners):
    """Domains of which the reader of the baselines counts other than the truth says."""
    return [name for name, row in owners.rows.items()
            if row["family"] not in NOT_COUNTED and row["addresses"]
            and (row["addresses"], row["networks"]) != (
                len(by_domain[name].addresses), len(by_domain[name].networks))]


def add_baselines(result, path, database, owners):
    """How many domains of each family, and of the background, the two other rules flag."""
    by_domain, by_owner = baselines.counted(path, database, owners.registered)
    result["differing"] = differing(by_domain, owners)
    for rule, domains in baselines.flagged(by_domain, by_owner, owners.registered).items():
        counts = collections.Counter()
        for domain in domains:
            row = owners.row(domain)
            counts[family_of(row) if row else BACKGROUND] += 1
        for name, family in result["families"].items():
            family["baselines"]["of"] = family["domains"]
            family["baselines"][rule] = counts[name]
        result["background"][rule] = counts[BACKGROUND]


class Bench:
    """Results of scenes, made `jobs` captures at a time in the order of the scenes; a capture is
    removed after its last use."""

    def __init__(self, scenes, folder, jobs=1):
        self.folder = pathlib.Path(folder)
        self.pool = concurrent.futures.ThreadPoolExecutor(jobs)
        self.made = {}
        self.groups = collections.defaultdict(list)
        self.group_of = {}
        self.results = {}
        for scene in scenes:
            self.groups[scene.arguments()].append(scene)
            self.group_of[scene.name] = scene.arguments()
        self.asn, self.country = self.folder / "asn.mmdb", self.folder / "country.mmdb"
        households, self.config = self.folder / "eyeballs", self.folder / "eyeballs.json"
        subprocess.run([TRAFFICGEN, "--asn-db", self.asn, "--country-db", self.country,
                        "--eyeballs", households], check=True)
        self.config.write_text(json.dumps({"networks": {"eyeballs": str(households)}}))
        for number, (arguments, group) in enumerate(self.groups.items()):
            self.made[arguments] = self.pool.submit(self.make, number, group)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.pool.shutdown(cancel_futures=True)

    @functools.cached_property
    def database(self):
        return mmdb.Database(self.asn)

    def of(self, name):
        self.made[self.group_of[name]].result()
        return self.results[name]

    def all(self):
        for name in self.group_of:
            self.of(name)
        return self.results

    def make(self, number, group):
        capture, truth_path = (self.folder / f"{number}.{kind}" for kind in ("pcap", "json"))
        started = time.monotonic()
        subprocess.run([TRAFFICGEN, *group[0].arguments(), "--out", capture, "--truth",
                        truth_path], check=True)
        truth = json.loads(truth_path.read_text())
        made = time.monotonic() - started
        for scene in group:
            started = time.monotonic()
            self.results[scene.name] = self.judge(scene, capture, truth)
            print(f"# {scene.name}: {truth['packets']} packets, made in {made:.1f} s, judged in "
                  f"{time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)
        capture.unlink()

    def judge(self, scene, capture, truth):
        databases = ("--asn-db", self.asn, "--country-db", self.country) if scene.databases else ()
        config = ("--config", self.config) if scene.eyeballs else ()
        object_ = replay(*config, *databases, "--workers", scene.workers, capture,
                         seconds=SECONDS_A_REPLAY)
        owners = Owners(truth)
        families, strangers = families_of(truth, owners, object_["domains"])
        days = scene.seconds / DAY
        names = truth["background"]["names"]
        result = {
            "arguments": " ".join(scene.arguments()),
            "seconds": scene.seconds,
            "packets": truth["packets"],
            "accounting_error": object_["accounting"]["accounting_error"],
            "families": families,
            "background": {"names": names, "registered": truth["background"]
                           ["registered_domains"], "days": days, "flagged": len(strangers),
                           "false": strangers[:FALSE_SHOWN]},
            "domains": object_["domains"],
        }
        if scene.baselines:
            add_baselines(result, capture, self.database, owners)
        return result
