# SPDX-License-Identifier: BSD-3-Clause
"""What is generated and how it is replayed: the scenes of the evaluation."""

import dataclasses

HOUR, DAY, WEEK = 3600, 86400, 7 * 86400

CLASSIC = "darkcloud", "double", "srg", "v6flux", "cnameflux", "fluxhost"
SMALL = "gamaredon", "vps"
SLOW = "slow", "slow6h"
FLUX = *CLASSIC, *SMALL, "nsflux", *SLOW
NEGATIVES = ("cdn", "cdn_offnet", "cdn_edge", "multicdn", "cloudlb", "ntppool", "btcseed",
             "mirrors", "dyndns", "dyndns_psl", "dnsbl", "plexlike", "gslb", "anycast",
             "randsub", "wildsaas", "nsfleet", "nsturns", "cdnturns")
TEMPTING = ("cdn_offnet", "cdn_edge", "multicdn", "ntppool", "btcseed", "mirrors", "dyndns",
            "plexlike", "cdnturns")
ATTACKS = "unsolicited", "racing", "oneserver", "fiftyservers", "exonerate", "whitewash"

# Rules are fitted with other seeds: each seed has networks, pools and campaigns of its own.
HELD_OUT = 101, 102, 103, 104, 105


@dataclasses.dataclass(frozen=True)
class Scene:
    """One replay. Scenes that differ in what is below `replay` alone share their capture."""
    name: str
    seconds: int
    families: tuple  # of (name, domains, seconds between two look-ups of one; 0: as its row says)
    seed: int = HELD_OUT[0]
    campaign: int = 1
    onset: int = 0  # seconds before what fluxes is first asked for
    vantage: str = "resolver"
    loss: int = 0
    domains: int = 1000  # of the background, look-ups a second:
    rate: float = 0
    attacks: tuple = ()  # of (name, domains)
    # replay
    databases: bool = True
    eyeballs: bool = False  # with the list of networks that serve households
    workers: int = 1
    baselines: bool = False

    def arguments(self):
        """Of trafficgen."""
        out = ["--seed", self.seed, "--duration", self.seconds, "--campaign", self.campaign,
               "--onset", self.onset,
               "--vantage", self.vantage, "--loss", self.loss, "--domains", self.domains,
               "--rate", self.rate]
        for family, count, interval in self.families:
            out += ["--family", f"{family}={count}" + (f"@{interval}" if interval else "")]
        for attack, count in self.attacks:
            out += ["--attack", f"{attack}={count}"]
        return tuple(map(str, out))


def each(names, count, interval=0):
    return tuple((name, count, interval) for name in names)


def flux(count, seed, suffix=""):
    """A day of what shows within a day, a week of what is slow, alone and rented out."""
    day = each((*CLASSIC, *SMALL, "nsflux"), count)
    lone = Scene("day" + suffix, DAY, day, seed=seed, baselines=not suffix)
    return [
        lone, knowing_households(lone),
        Scene("rented" + suffix, DAY, day, seed=seed, campaign=5),
        Scene("week" + suffix, WEEK, each((*SLOW, "vps"), count), seed=seed,
              baselines=not suffix),
    ]


def knowing_households(scene):
    name, slash, seed = scene.name.partition("/")
    return dataclasses.replace(scene, name=f"{name}-eyeballs{slash}{seed}", eyeballs=True,
                               baselines=False)


def new(count, seed, suffix=""):
    """Flux that begins where a sensor has watched the network for three days, both vantages."""
    mixture = each((*CLASSIC, *SMALL), count) + each(TEMPTING, 2, 60)
    here = Scene("new" + suffix, 4 * DAY, mixture, seed=seed, onset=3 * DAY)
    return [here, dataclasses.replace(here, name="new-client" + suffix, vantage="client")]


def variations(seed, suffix=""):
    """The same twelve hours in all circumstances."""
    mixture = each(("darkcloud", "double", "srg", "gamaredon"), 5, 30) + each(TEMPTING, 2, 60)
    plain = Scene("plain" + suffix, 12 * HOUR, mixture, seed=seed)
    changed = {
        "workers2": {"workers": 2}, "workers4": {"workers": 4}, "no-asn": {"databases": False},
        "client": {"vantage": "client"}, "loss1": {"loss": 1}, "loss10": {"loss": 10},
        "loss50": {"loss": 50},
        "client-no-asn": {"vantage": "client", "databases": False},
    }
    return [plain, knowing_households(plain)] + [dataclasses.replace(plain, name=name + suffix, **change)
                      for name, change in changed.items()]


def attacks(count, seed, suffix=""):
    """Attacks beside honest traffic and flux that nobody touches, from both vantages."""
    mixture = each(("darkcloud",), count) + each(("anycast",), count)
    here = Scene("attacks" + suffix, DAY, mixture, seed=seed,
                 attacks=tuple((name, count) for name in ATTACKS))
    return [here, dataclasses.replace(here, name="attacks-client" + suffix, vantage="client")]


def quick(seeds):
    scenes = []
    for seed in seeds:
        suffix, first = suffix_of(seed, seeds), seed == seeds[0]
        scenes += flux(10, seed, suffix) + new(10, seed, suffix)
        scenes.append(Scene("negatives" + suffix, WEEK, each(NEGATIVES, 3, 60), seed=seed,
                            baselines=first))
        scenes.append(knowing_households(scenes[-1]))
        scenes.append(Scene("negatives-client" + suffix, WEEK, each(NEGATIVES, 3, 60), seed=seed,
                            vantage="client"))
        scenes.append(Scene("caches" + suffix, WEEK, each(("cdn_edge", "cdn_offnet"), 6, 120),
                            seed=seed))
        scenes.append(knowing_households(scenes[-1]))
        scenes.append(Scene("background" + suffix, DAY, (), seed=seed, domains=20000, rate=4,
                            baselines=first))
        scenes += variations(seed, suffix) + attacks(6, seed, suffix)
    return scenes


def suffix_of(seed, seeds):
    """Of the scenes' names: those of the first seed have none."""
    return "" if seed == seeds[0] else f"/{seed}"


def full(seeds):
    scenes = []
    for seed in seeds:
        suffix = suffix_of(seed, seeds)
        scenes += flux(20, seed, suffix) + new(20, seed, suffix)
        for name, interval in ("negatives", 60), ("negatives-often", 15):
            scenes.append(Scene(name + suffix, WEEK, each(NEGATIVES, 4, interval), seed=seed,
                                baselines=not suffix and interval == 60))
            scenes.append(knowing_households(scenes[-1]))
        scenes.append(Scene("negatives-client" + suffix, WEEK, each(NEGATIVES, 4, 60), seed=seed,
                            vantage="client"))
        scenes.append(Scene("background" + suffix, DAY, (), seed=seed, domains=400000, rate=25))
        scenes += variations(seed, suffix) + attacks(10, seed, suffix)
    return scenes
