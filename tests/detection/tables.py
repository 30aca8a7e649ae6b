# SPDX-License-Identifier: BSD-3-Clause
"""The results as tables in Markdown; scenes of several seeds are added up."""

import copy
import statistics

OTHER_RULES = "holz", "zeek"
BEGIN, END = "<!-- evaluation: begin -->", "<!-- evaluation: end -->"

# Scenes of which each family has a row of its own, and the titles.
BY_FAMILY = {
    "day": "Within a day, each domain with hosts of its own",
    "day-eyeballs": "The same, with a list of the networks that serve households",
    "rented": "Within a day, five domains to a campaign",
    "new": "Flux that begins when the sensor has watched for three days",
    "new-client": "The same, seen from the clients",
    "week": "Within a week",
}
NEGATIVES = {
    "negatives": "Hard negatives, a week, a look-up a minute",
    "negatives-eyeballs": "The same, with a list of the networks that serve households",
    "negatives-often": "Hard negatives, a week, a look-up every 15 s",
    "negatives-client": "Hard negatives, a week, seen from the clients",
}
VARIATIONS = ("plain", "workers2", "workers4", "no-asn", "client", "client-no-asn", "loss1",
              "loss10", "loss50")
ATTACKS = {"attacks": "Attacks, a day", "attacks-client": "Attacks, a day, seen from the clients"}


def added(one, other):
    """The sum of two results: numbers add up, lists join, the rest is the first one's."""
    if isinstance(one, bool) or isinstance(one, str):
        return one
    if isinstance(one, dict):
        return {k: added(one[k], other[k]) if k in one and k in other else one.get(k, other.get(k))
                for k in {**one, **other}}
    return one + other


def merged(results):
    """Results by scene without the seed."""
    out = {}
    for name, result in results.items():
        scene = name.partition("/")[0]
        out[scene] = added(out[scene], result) if scene in out else copy.deepcopy(result)
    return out


def rate(count, total):
    return f"{count / total:.2f}" if total else "-"


def middle(values):
    return f"{statistics.median(values):.0f}" if values else "-"


def table(head, rows):
    out = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    out += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(out) + "\n"


def flux_table(result):
    rows = []
    for name, f in result["families"].items():
        if f["flux"]:
            n = f["domains"]
            rows.append([name, n, *(rate(f["within"][w], n) for w in f["within"]),
                         rate(f["firm"], n), rate(f["class_right"], f["flagged"]),
                         middle(f["minutes"]), middle(f["epochs"]), *others(f)])
    return table(["family", "domains", "TPR 1 h", "6 h", "24 h", "7 d", "not only suspected",
                  "class right", "delay, min", "in TTLs", "Holz", "Zeek"], rows)


def others(family):
    counts = family["baselines"]
    return [rate(counts[rule], counts["of"]) if rule in counts else "" for rule in OTHER_RULES]


def negative_table(result):
    rows = [[name, f["domains"], f["flagged"], f["firm"], f["within"]["1h"], f["within"]["24h"],
             *(f["baselines"].get(rule, "") for rule in OTHER_RULES)]
            for name, f in result["families"].items() if not f["flux"]]
    return table(["negative", "domains", "flagged", "not only suspected", "in 1 h", "in 24 h",
                  "Holz", "Zeek"], rows)


def variation_table(results):
    rows = []
    names = [n for n, f in results["plain"]["families"].items() if f["flux"]]
    for scene in VARIATIONS:
        if scene not in results:
            continue
        families = results[scene]["families"]
        benign = [f for f in families.values() if not f["flux"]]
        flux = [families[name] for name in names]
        rows.append([scene, *(rate(f["flagged"], f["domains"]) for f in flux),
                     middle([m for f in flux for m in f["minutes"]]),
                     sum(f["alarms"] for f in benign), sum(f["domains"] for f in benign)])
    return table(["circumstance", *(f"TPR {name}" for name in names), "delay, min",
                  "false alarms", "of negatives"], rows)


def attack_table(result):
    rows = []
    for name, f in result["families"].items():
        n = f["domains"]
        rows.append([name, "flux" if f["flux"] else "honest", n, f["flagged"], f["firm"],
                     middle(f["minutes"])])
    return table(["domains of", "are", "domains", "flagged", "not only suspected", "delay, min"],
                 rows)


def per_million_a_day(background):
    """Alarms, and what the 95 % limit is when there were none (the rule of three)."""
    exposure = background["names"] / 1e6 * background["days"]
    if not exposure:
        return "-"
    if background["flagged"]:
        return f"{background['flagged'] / exposure:.1f}"
    return f"0 (below {3 / exposure:.0f})"


def background_table(results):
    rows = []
    for name, result in results.items():
        b = result["background"]
        if b["names"]:
            rows.append([name, b["registered"], b["names"], b["flagged"], per_million_a_day(b),
                         b.get("holz", ""), b.get("zeek", "")])
    return table(["scene", "registered domains", "names", "alarms", "a million names a day",
                  "Holz", "Zeek"], rows)


def markdown(results):
    results = merged_exposure(results)
    parts = []
    for titles, make in (BY_FAMILY, flux_table), (NEGATIVES, negative_table), (
            ATTACKS, attack_table):
        parts += [f"### {title}\n\n{make(results[scene])}" for scene, title in titles.items()
                  if scene in results]
    if "plain" in results:
        parts.append("### The same twelve hours in other circumstances\n\n"
                     + variation_table(results))
    parts.append("### Background\n\n" + background_table(results))
    return "\n".join(parts)


def merged_exposure(results):
    """merged(), with days that go with the sum of the names."""
    out = merged(results)
    for scene, result in out.items():
        same = [r for name, r in results.items() if name.partition("/")[0] == scene]
        result["background"]["days"] = same[0]["background"]["days"]
    return out


def between_markers(text, tables, begin=BEGIN, end=END):
    head, found, rest = text.partition(begin)
    _, closed, tail = rest.partition(end)
    if not found or not closed:
        raise SystemExit(f"the file has no {begin} and {end}")
    return f"{head}{begin}\n\n{tables}\n{end}{tail}"
