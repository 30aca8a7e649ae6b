#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Do verdicts depend on what the store samples and estimates? A replay with an exact oracle
beside the store, which keeps everything and is judged by the same rules.

usage: exact.py EXACT TRAFFICGEN [--seed N] [--json FILE]
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "system"))

# pylint: disable=wrong-import-position
import harness
import scenes

DIFFERING = 0.005  # at most, of the domains compared: the target of the design
SECONDS = 300  # for the replay at most


def scene(seed):
    """A day of flux that shows within one, and everything that resembles it. After fewer hours
    more differ: the oracle is sure sooner."""
    return scenes.Scene("exact", scenes.DAY, scenes.each(
        (*scenes.CLASSIC, *scenes.SMALL, "nsflux"), 8, 240) + scenes.each(
        scenes.NEGATIVES, 3, 240), seed=seed, rate=1)


def compared(options, folder):
    folder = pathlib.Path(folder)
    capture, asn, country = folder / "scene.pcap", folder / "asn.mmdb", folder / "country.mmdb"
    for arguments in (("--asn-db", asn, "--country-db", country),
                      (*scene(options.seed).arguments(), "--out", capture)):
        subprocess.run([options.trafficgen, *arguments], check=True)
    out = options.json or folder / "out.json"
    run = subprocess.run(
        [options.exact, out, "--asn-db", asn, "--country-db", country, capture],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=SECONDS,
        check=False)
    assert run.returncode == 0, f"exit code {run.returncode}: {run.stderr}"
    return json.loads(out.read_text())


def one_sided(found):
    return [row["domain"] for row in found["domains"] if bool(row["store"]) != bool(row["oracle"])]


def print_delays(found):
    """How much later the store's verdict comes, of what both flag."""
    minutes = sorted((row["store"]["first_flagged"] - row["oracle"]["first_flagged"]) / 60
                     for row in found["domains"] if row["store"] and row["oracle"])
    print(f"# the store flags {statistics.median(minutes):.0f} minutes later than the oracle in "
          f"the median, {minutes[len(minutes) * 95 // 100]:.0f} in the 95th percentile")


def print_errors(found):
    print("# feature, error relative to the exact value: mean, 95th percentile")
    for name, error in found["errors"].items():
        print(f"# {name:22} {error['mean']:7.1%} {error['p95']:7.1%}")


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].removeprefix("usage: "))
    parser.add_argument("exact")
    parser.add_argument("trafficgen")
    parser.add_argument("--seed", type=int, default=scenes.HELD_OUT[0])
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    found = {}

    def both_see_flux():
        """Store and oracle see the same replay, and flag something in it"""
        with harness.scratch() as folder:
            found.update(compared(options, folder))
        print_errors(found)
        assert found["compared"] >= 100, f"{found['compared']} domains compared"
        assert found["both"] > 0, "nothing was flagged by both"
        # What neither samples nor rounds must be the same, or they do not see the same.
        for name in "ttl_max", "ns_ttl":
            error = found["errors"][name]
            assert error["compared"] > 1000 and error["mean"] < 0.001, f"{name}: {error}"

    def few_differ():
        assert found, "there is no replay"
        share = found["differing_of_compared"]
        print_delays(found)
        print(f"# {found['compared']} domains, {found['both']} flagged by both, "
              f"{found['store_only']} by the store only, {found['oracle_only']} by the oracle "
              f"only: {share:.2%} of all, {found['differing_of_flagged']:.2%} of the flagged")
        print(f"# one-sided: {', '.join(one_sided(found))}")
        assert share <= DIFFERING, f"{share:.2%} differ: {', '.join(one_sided(found))}"

    few_differ.__doc__ = (f"At most {DIFFERING:.1%} are flagged by the store or by the oracle "
                          "alone (target)")
    harness.main(both_see_flux, few_differ)


if __name__ == "__main__":
    sys.exit(main())
