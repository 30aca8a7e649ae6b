# SPDX-License-Identifier: BSD-3-Clause
"""What must hold: a target of the design where it is met, otherwise what is reached today.

A row is scene, family, measure, the bound that is held, and the target (None: the design names
none). Where the two differ the point's name says so, and that the bound is to be raised when it is
surpassed. Of which nothing is reached is skipped, with what is missed: it holds nothing. Shares
are of the family's domains.
"""

import harness
from scenes import CLASSIC, SMALL
from tables import VARIATIONS, merged

CLASSIC_1H, SMALL_24H, SLOW_7D, NONE = 0.98, 0.95, 0.85, 0

# At least: shares flagged in time.
AT_LEAST = [
    # A sensor that is new.
    ("day", "darkcloud", "1h", 0.5, CLASSIC_1H),
    ("day", "double", "1h", CLASSIC_1H, CLASSIC_1H),
    ("day", "srg", "1h", 0, CLASSIC_1H),
    ("day", "v6flux", "1h", 0, CLASSIC_1H),
    ("day", "cnameflux", "1h", 0, CLASSIC_1H),
    ("day", "fluxhost", "1h", 0, CLASSIC_1H),
    # The same with a list of households' networks that is complete; docs/adr/0013 has others.
    *(("day-eyeballs", family, "1h", CLASSIC_1H, CLASSIC_1H) for family in CLASSIC),
    ("day", "gamaredon", "24h", SMALL_24H, SMALL_24H),
    ("day", "vps", "24h", SMALL_24H, SMALL_24H),
    ("day", "nsflux", "24h", 1, None),
    ("day", "nsflux", "class", 1, None),
    ("day", "darkcloud", "24h", 1, None),
    ("day", "srg", "24h", 1, None),
    ("day", "v6flux", "24h", 1, None),
    ("day", "cnameflux", "24h", 1, None),
    ("day", "fluxhost", "24h", 1, None),
    ("day", "darkcloud", "class", 1, None),
    ("day", "double", "class", 1, None),
    ("day", "srg", "class", 1, None),
    ("rented", "darkcloud", "1h", CLASSIC_1H, CLASSIC_1H),
    ("rented", "double", "1h", CLASSIC_1H, CLASSIC_1H),
    ("rented", "srg", "1h", CLASSIC_1H, CLASSIC_1H),
    ("rented", "v6flux", "1h", CLASSIC_1H, CLASSIC_1H),
    ("rented", "cnameflux", "1h", CLASSIC_1H, CLASSIC_1H),
    ("rented", "fluxhost", "1h", CLASSIC_1H, CLASSIC_1H),
    ("rented", "gamaredon", "24h", SMALL_24H, SMALL_24H),
    ("rented", "vps", "24h", SMALL_24H, SMALL_24H),
    *((scene, family, "1h", CLASSIC_1H, CLASSIC_1H) for scene in ("new", "new-client")
      for family in CLASSIC),
    *((scene, family, "24h", SMALL_24H, SMALL_24H) for scene in ("new", "new-client")
      for family in SMALL),
    ("week", "slow", "7d", SLOW_7D, SLOW_7D),
    ("week", "slow6h", "7d", SLOW_7D, SLOW_7D),
    ("week", "vps", "7d", 1, None),
    ("attacks", "darkcloud", "24h", 1, None),
    ("attacks", "exonerate", "24h", 1, 1),
    ("attacks", "whitewash", "24h", 1, 1),
    ("attacks-client", "darkcloud", "24h", 1, None),
    ("attacks-client", "exonerate", "24h", 1, 1),
    ("attacks-client", "whitewash", "24h", 1, 1),
    ("plain", "flux", "24h", 1, None),
    ("no-asn", "flux", "24h", 1, None),
    ("client", "flux", "24h", 0.95, None),
    ("client-no-asn", "flux", "24h", 0.95, None),
    ("loss1", "flux", "24h", 1, None),
    ("loss10", "flux", "24h", 0.95, None),
    ("loss50", "flux", "24h", 0.85, None),
]

# At most: registered domains flagged that are none.
AT_MOST = [
    ("day", "honest", "alarms", NONE, NONE),
    ("rented", "honest", "alarms", NONE, NONE),
    ("new", "honest", "alarms", NONE, NONE),
    ("new-client", "honest", "alarms", NONE, NONE),
    ("negatives", "cdn", "alarms", NONE, NONE),
    ("negatives", "cdn_offnet", "alarms", NONE, NONE),
    ("negatives", "cdn_edge", "alarms", NONE, NONE),
    ("negatives", "multicdn", "alarms", NONE, NONE),
    ("negatives", "cdnturns", "alarms", NONE, NONE),
    ("negatives", "cloudlb", "alarms", NONE, NONE),
    ("negatives", "ntppool", "alarms", NONE, NONE),
    ("negatives", "btcseed", "alarms", NONE, NONE),
    ("negatives", "mirrors", "alarms", NONE, NONE),
    ("negatives", "dyndns", "alarms", NONE, NONE),
    ("negatives", "dyndns_psl", "alarms", NONE, NONE),
    ("negatives", "dnsbl", "alarms", NONE, NONE),
    ("negatives", "plexlike", "alarms", NONE, NONE),
    ("negatives", "gslb", "alarms", NONE, NONE),
    ("negatives", "anycast", "alarms", NONE, NONE),
    ("negatives", "randsub", "alarms", NONE, NONE),
    ("negatives", "wildsaas", "alarms", NONE, NONE),
    ("negatives", "nsfleet", "alarms", NONE, NONE),
    ("negatives", "nsturns", "alarms", NONE, NONE),
    ("negatives-client", "honest", "alarms", NONE, NONE),
    ("caches", "honest", "alarms", NONE, NONE),
    ("negatives-eyeballs", "honest", "alarms", NONE, NONE),
    ("caches-eyeballs", "honest", "alarms", NONE, NONE),
    ("plain-eyeballs", "honest", "alarms", NONE, NONE),
    ("background", "background", "alarms", NONE, NONE),
    ("attacks", "anycast", "alarms", NONE, NONE),
    ("attacks", "victim:unsolicited", "alarms", NONE, NONE),
    ("attacks", "victim:racing", "firm", NONE, NONE),
    ("attacks", "victim:oneserver", "alarms", NONE, NONE),
    ("attacks", "victim:fiftyservers", "firm", NONE, NONE),
    ("attacks-client", "anycast", "alarms", NONE, NONE),
    ("attacks-client", "victim:unsolicited", "alarms", NONE, NONE),
    ("attacks-client", "victim:racing", "firm", NONE, NONE),
    ("attacks-client", "victim:oneserver", "alarms", NONE, NONE),
    ("attacks-client", "victim:fiftyservers", "firm", NONE, NONE),
    *((scene, "honest", "alarms", 1 if scene == "no-asn" else NONE, NONE) for scene in VARIATIONS),
]


def families_of(result, name):
    """The families that a row speaks of: one, all that flux, or all that do not."""
    if name in ("flux", "honest"):
        return [f for f in result["families"].values() if f["flux"] == (name == "flux")]
    return [result["families"][name]]


def value_of(result, name, measure):
    if name == "background":
        return result["background"]["flagged"]
    families = families_of(result, name)
    if measure == "alarms":
        return sum(f["alarms"] for f in families)
    if measure in ("flagged", "firm"):
        return sum(f[measure] for f in families)
    if measure == "class":
        return share(sum(f["class_right"] for f in families), sum(f["flagged"] for f in families))
    return share(sum(f["within"][measure] for f in families), sum(f["domains"] for f in families))


def share(count, total):
    return count / total if total else 0


def gate(bench, row, least):
    scene, family, measure, bound, target = row
    sign = ">=" if least else "<="

    def holds():
        value = value_of(bench.of(scene), family, measure)
        if least and value == 0 == bound:  # nothing to hold: told, and never counted as passed
            raise harness.Skip(f"missed: {value:.3g} where the target is {target:.3g}")
        surpassed = value > bound if least else value < bound
        if surpassed and bound != target and value != bound:
            print(f"# {scene}, {family}, {measure}: {value:.3g}: raise the gate from {bound:.3g}")
        assert (value >= bound if least else value <= bound), f"{value:.3g}, {sign} {bound:.3g}"

    holds.__doc__ = f"{scene}: {family}: {measure} {sign} {bound:.3g}" + (
        " (target)" if bound == target else
        f" (today; the target is {target:.3g})" if target is not None else " (today)")
    return holds


def gate_pooled(bench, row):
    scene, family, measure, bound, _ = row

    def holds():
        value = value_of(merged(bench.all())[scene], family, measure)
        assert value >= bound, f"{value:.3g}, >= {bound:.3g}"

    holds.__doc__ = f"{scene}, all seeds: {family}: {measure} >= {bound:.3g} (target)"
    return holds


def equal_for_workers(bench):
    def holds():
        """1, 2 and 4 workers flag the same domains, to the last digit"""
        for scene in {"workers2", "workers4"} & set(bench.group_of):
            assert bench.of(scene)["domains"] == bench.of("plain")["domains"], scene

    return holds


def accounted(bench):
    def holds():
        """In no scene is a packet unaccounted for"""
        wrong = {name: r["accounting_error"] for name, r in bench.all().items()
                 if r["accounting_error"]}
        assert not wrong, wrong

    return holds


def read_alike(bench):
    def holds():
        """What the other rules are computed from is what the truth says"""
        wrong = {name: r["differing"] for name, r in bench.all().items() if r.get("differing")}
        assert not wrong, wrong

    return holds


def cases(bench):
    """One case a gate, in the order of the scenes."""
    rows = [(row, True) for row in AT_LEAST] + [(row, False) for row in AT_MOST]
    order = list(bench.group_of)
    # What is reached today is so with the first seed. Targets are to be met over all seeds, and
    # nothing honest flagged with any.
    more = [((name, *row[1:]), False) for name in order if "/" in name for row in AT_MOST
            if name.partition("/")[0] == row[0] and row[3] == row[4]]
    rows = [row for row in rows + more if row[0][0] in order]
    rows.sort(key=lambda item: order.index(item[0][0]))
    pooled = [row for row in AT_LEAST if more and row[3] == row[4] and row[0] in order]
    return [*(gate(bench, row, least) for row, least in rows),
            *(gate_pooled(bench, row) for row in pooled), equal_for_workers(bench),
            accounted(bench), read_alike(bench)]
