#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Fits the logistic model, and holds it against the rules on campaigns it was not fitted to.

usage: fit.py FLUXGATE TRAFFICGEN DUMP_FEATURES [--model FILE] [--docs FILE]

The split is by campaign and by time. Weights come from the first half of the captures of FIT_SEEDS,
the threshold from their second half (above every honest domain there), figures from the whole
captures of another seed, one that is held out. The same input gives the same file. It takes some
minutes.
"""

import argparse
import collections
import csv
import dataclasses
import json
import math
import pathlib
import subprocess
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "system"))

# pylint: disable=wrong-import-position
import harness
import measure
import scenes
import tables

FIT_SEEDS = 1, 2
TEST_SEED = scenes.HELD_OUT[0]
BEGIN, END = "<!-- model: begin -->", "<!-- model: end -->"

MOMENTS = 12  # of a domain in a capture, for fitting: neighbouring hours tell the same
PENALTY = 0.003  # L2, on weights of standardised terms
STEPS = 400
MARGIN = 0.25  # of the log-odds, between the threshold and the most that an honest domain had
SECONDS = 900  # a replay at most

LINEAR, LOG = "linear", "log1p"
RAISES, LOWERS = "raises", "lowers"

# Feature, transform, clamp, sign: fixed by what the feature means, not by what was generated.
TERMS = [
    ("addresses", LOG, 0, 1000, RAISES),
    ("networks", LOG, 0, 100, RAISES),
    ("effective_networks", LOG, 0, 50, RAISES),
    ("top_network_share", LINEAR, 0, 1, LOWERS),
    ("effective_aggregates", LOG, 0, 100, RAISES),
    ("ttl_max", LOG, 30, 86400, LOWERS),
    ("growth", LINEAR, 0, 1, RAISES),
    ("novelty", LINEAR, 0, 1, RAISES),
    ("new_per_epoch", LOG, 0, 10, RAISES),
    ("never_return", LINEAR, 0, 1, RAISES),
    ("names_share", LINEAR, 0, 1, RAISES),
    ("host_networks", LOG, 0, 50, RAISES),
    ("host_share", LINEAR, 0, 1, RAISES),
    ("ns_addresses", LOG, 0, 50, RAISES),
    ("ns_networks", LOG, 0, 50, RAISES),
    ("ns_changes", LOG, 0, 20, RAISES),
    ("glue_in_pool", LOG, 0, 10, RAISES),
    ("shared_networks", LOG, 0, 50, RAISES),
    ("siblings", LOG, 0, 10, RAISES),
    ("open_ratio", LOG, 0, 10, RAISES),
    ("open_evidence", LOG, 0, 50, RAISES),
    ("owned_share", LINEAR, 0, 1, RAISES),
    ("paired_share", LINEAR, 0, 1, RAISES),
    ("contested_share", LINEAR, 0, 1, LOWERS),
    ("top_server_share", LINEAR, 0, 1, LOWERS),
]


def transformed(row, term):
    name, transform, low, high, _ = term
    x = min(max(row[name], low), high)
    return math.log1p(x) if transform == LOG else x


@dataclasses.dataclass
class Judged:
    """One domain in one capture: what the sensor saw of it, hour by hour."""
    scene: str
    family: str
    flux: bool
    begin: int  # of the capture, seconds since 1970
    seconds: int  # its length
    flagged: bool = False  # by the rules
    model_flagged: bool = False
    moments: dict = dataclasses.field(default_factory=lambda: collections.defaultdict(list))


class Captures:
    """Captures of a seed, replayed once for features and the verdicts of the rules."""

    def __init__(self, options, folder):
        self.options, self.folder = options, pathlib.Path(folder)
        self.databases = ("--asn-db", self.folder / "asn.mmdb",
                          "--country-db", self.folder / "country.mmdb")
        subprocess.run([options.trafficgen, *self.databases], check=True)

    def replayed(self, capture, *arguments):
        """(rows of features, names of flagged domains)"""
        out = self.folder / "features.tsv"
        run = subprocess.run(
            [self.options.dump, out, "--json", *self.databases, *arguments, capture],
            stdout=subprocess.PIPE, timeout=SECONDS, check=True)
        with out.open() as rows:
            return (list(csv.DictReader(rows, delimiter="\t")),
                    {d["domain"] for d in json.loads(run.stdout)["domains"]})

    def judged(self, seed, config=None):
        """All domains that were answered; with `config` also what the model flags by it."""
        return [domain for scene in chosen(seed) for domain in self.judged_in(scene, config)]

    def judged_in(self, scene, config):
        capture, truth_path = self.folder / "scene.pcap", self.folder / "truth.json"
        subprocess.run([self.options.trafficgen, *scene.arguments(), "--out", capture,
                        "--truth", truth_path], check=True)
        truth = json.loads(truth_path.read_text())
        domains = {row["domain"]: Judged(scene.name, measure.family_of(row), row["flux"],
                                         truth["start"], scene.seconds)
                   for row in truth["domains"] if row["first_response"] is not None}
        owners = measure.Owners(truth)

        def of(name):
            return domains[owners.row(name)["domain"]]

        rows, flagged = self.replayed(capture)
        for row in rows:
            values = {name: float(row[name]) for name, *_ in TERMS}
            of(row["domain"]).moments[int(row["time"])].append(values)
        for name in flagged:
            of(name).flagged = True
            if not of(name).flux:
                print(f"# the rules flag {name}, {of(name).family}", file=sys.stderr)
        for name in self.replayed(capture, "--config", config)[1] if config else ():
            of(name).model_flagged = True
        capture.unlink()
        print(f"# seed {scene.seed}, {scene.name}: {len(domains)} domains", file=sys.stderr)
        return domains.values()


def chosen(seed):
    """Every family, smaller than in the evaluation: all replays together take minutes."""
    day = scenes.each((*scenes.CLASSIC, *scenes.SMALL), 4, 120)
    return [scenes.Scene("day", scenes.DAY, day, seed=seed),
            scenes.Scene("rented", scenes.DAY, day, seed=seed, campaign=4),
            scenes.Scene("week", scenes.WEEK, scenes.each((*scenes.SLOW, "vps"), 4, 240),
                         seed=seed),
            scenes.Scene("negatives", scenes.WEEK, scenes.each(scenes.NEGATIVES, 2, 120),
                         seed=seed)]


def halves(domain):
    """Moments of the capture's first half and of its second."""
    times = sorted(domain.moments)
    middle = domain.begin + domain.seconds / 2
    return [t for t in times if t < middle], [t for t in times if t >= middle]


def examples(domains):
    """(terms' values oriented so that more speaks for flux, flux?, weight) of the first halves."""
    rows = []
    for domain in domains:
        times = halves(domain)[0]
        times = times[::-(-len(times) // MOMENTS) or 1]
        picked = [values for t in times for values in domain.moments[t]]
        for values in picked:
            x = [transformed(values, term) * (1 if term[4] == RAISES else -1) for term in TERMS]
            rows.append((x, domain.flux, 1 / len(picked)))
    total = {flux: sum(w for _, f, w in rows if f == flux) for flux in (True, False)}
    return [(x, flux, w / total[flux] / 2) for x, flux, w in rows]


def standardised(rows):
    count = len(TERMS)
    mean = [sum(w * x[j] for x, _, w in rows) for j in range(count)]
    var = [sum(w * (x[j] - mean[j]) ** 2 for x, _, w in rows) for j in range(count)]
    scale = [math.sqrt(v) if v > 1e-9 else 0 for v in var]
    inverse = [1 / s if s else 0 for s in scale]
    return mean, inverse, [([(v - m) * i for v, m, i in zip(x, mean, inverse)], flux, w)
                           for x, flux, w in rows]


def sigmoid(z):
    return 1 / (1 + math.exp(-z)) if z > -700 else 0.0


def descended(rows):
    """Weights, none below 0, and intercept: accelerated projected gradient (Nesterov 1983)."""
    count = len(TERMS)
    step = 1 / (0.25 * (count + 1) + PENALTY)
    weights, before, t = [0.0] * (count + 1), [0.0] * (count + 1), 1.0
    for _ in range(STEPS):
        t_next = (1 + math.sqrt(1 + 4 * t * t)) / 2
        at = [w + (t - 1) / t_next * (w - b) for w, b in zip(weights, before)]
        gradient = [PENALTY * w for w in at[:-1]] + [0.0]
        for x, flux, weight in rows:
            error = weight * (sigmoid(sum(a * v for a, v in zip(at, x)) + at[-1]) - flux)
            for j, v in enumerate(x):
                gradient[j] += error * v
            gradient[-1] += error
        before, t = weights, t_next
        moved = [a - step * g for a, g in zip(at, gradient)]
        weights = [max(0.0, w) for w in moved[:-1]] + moved[-1:]
    return weights[:-1], weights[-1]


def rounded(x, digits=6):
    return float(f"{x:.{digits}g}")


def fitted(rows):
    """The model in the terms of its file, without the threshold."""
    mean, inverse, ready = standardised(rows)
    weights, intercept = descended(ready)
    raw = [w * i for w, i in zip(weights, inverse)]
    intercept -= sum(w * m for w, m in zip(raw, mean))
    terms = [{"feature": name, "transform": transform, "low": low, "high": high, "sign": sign,
              "weight": rounded(w if sign == RAISES else -w)}
             for w, (name, transform, low, high, sign) in zip(raw, TERMS) if w > 1e-6]
    return {"intercept": rounded(intercept), "terms": terms}


def log_odds(model, values):
    total = model["intercept"]
    for t in model["terms"]:
        total += t["weight"] * transformed(
            values, (t["feature"], t["transform"], t["low"], t["high"], t["sign"]))
    return total


def score(model, domain, times=None):
    """The most that any window had at any of the moments."""
    return max((log_odds(model, values) for t in (domain.moments if times is None else times)
                for values in domain.moments[t]), default=-math.inf)


def area(scores):
    """Under the ROC curve: the chance that a fluxing domain scores above an honest one."""
    flux = [s for s, f in scores if f]
    honest = [s for s, f in scores if not f]
    wins = sum((a > b) + (a == b) / 2 for a in flux for b in honest)
    return wins / (len(flux) * len(honest))


def counted(scored, same):
    """Of (score, domain): how many, flagged by rules, by the model, by the model above `same`."""
    return (len(scored), sum(d.flagged for _, d in scored),
            sum(d.model_flagged for _, d in scored), sum(s > same for s, _ in scored))


def told(model, domains):
    """The table of a seed, and the sentence above it."""
    scored = [(score(model, d), d) for d in domains]
    honest = [(s, d) for s, d in scored if not d.flux]
    flux = [(s, d) for s, d in scored if d.flux]
    alarms = sum(d.flagged for _, d in honest)
    same = sorted((s for s, _ in honest), reverse=True)[alarms]
    families = collections.defaultdict(list)
    for s, d in flux:
        families[d.scene, d.family].append((s, d))
    rows = []
    for (scene, family), members in sorted(families.items()):
        n, *found = counted(members, same)
        rows.append([scene, family, n, *(tables.rate(count, n) for count in found)])
    rows.append(["all", "honest: alarms", *counted(honest, same)])
    n, *found = counted(flux, same)
    rules, by_model, equal = (tables.rate(count, n) for count in found)
    rows.append(["all", "flux", n, rules, by_model, equal])
    text = (f"Seed {TEST_SEED}, {n} fluxing domains and {len(honest)} honest ones; area under the\n"
            f"ROC curve of the model's probability: {area([(s, d.flux) for s, d in scored]):.4f}. "
            f"False alarms {alarms}: the rules find {rules}, and the model\n{equal}. With the "
            f"threshold of the file, and what takes a rule's word back, the model finds "
            f"{by_model};\nfalse alarms {rows[-2][4]}.\n\n")
    return text + tables.table(["scene", "family", "domains", "rules", "model",
                                "model at the rules' false alarms"], rows)


def arguments():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].removeprefix("usage: "))
    parser.add_argument("fluxgate")
    parser.add_argument("trafficgen")
    parser.add_argument("dump")
    parser.add_argument("--model", type=pathlib.Path, default=harness.TOP / "deploy/model.json")
    parser.add_argument("--docs", type=pathlib.Path)
    return parser.parse_args()


def main():
    options = arguments()
    with harness.scratch() as folder:
        captures = Captures(options, folder)
        known = [d for seed in FIT_SEEDS for d in captures.judged(seed)]
        rows = examples(known)
        print(f"# {len(rows)} examples of {len(known)} domains", file=sys.stderr)
        model = fitted(rows)
        most = max(score(model, d, halves(d)[1]) for d in known if not d.flux)
        model = {
            "about": "Fitted by tests/detection/fit.py to generated traffic, seeds "
                     f"{', '.join(map(str, FIT_SEEDS))}; see docs/detection.md.",
            "intercept": model["intercept"],
            "threshold": min(0.999999, rounded(sigmoid(most + MARGIN))),
            "terms": model["terms"],
        }
        options.model.write_text(json.dumps(model, indent=1) + "\n")
        config = pathlib.Path(folder) / "config.json"
        config.write_text(json.dumps(
            {"detect": {"scorer": "model", "model": str(options.model.resolve())}}))
        text = told(model, captures.judged(TEST_SEED, config))
    print(text)
    if options.docs:
        options.docs.write_text(tables.between_markers(
            options.docs.read_text(), text, BEGIN, END))


if __name__ == "__main__":
    sys.exit(main())
