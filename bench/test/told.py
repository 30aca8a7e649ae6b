#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""bench/latency, bench/peers and bench/scrapes in their quick form: what they print against its schema, and what must be so.

    told.py latency|peers|scrapes BUILD
"""

import json
import pathlib
import subprocess
import sys

try:
    from jsonschema import Draft202012Validator
except ImportError:
    print("skipped: python3-jsonschema is not installed")
    sys.exit(77)

BENCH = pathlib.Path(__file__).resolve().parent.parent


def latency(r):
    a, d = r["accounting"], r["domains"]
    assert d["flagged"] == d["sent"] == 10 and d["classes"] == ["double_flux"], d
    assert a["generated"] > 4 * d["sent"] and a["error"] == 0, a
    assert a["generated"] == a["received"] + a["left_to_kernel"] + a["lost"] + a["in_flight"] + a["unknown"], a
    for q in r["latency_ms"], r["after_epoch_end_ms"], r["poll"]["share_ms"]:
        assert 0 < q["min"] <= q["p50"] <= q["p99"] <= q["max"], q
    assert r["holds"] == (r["latency_ms"]["p99"] <= r["required_p99_ms"]), r


def peers(r):
    seen = {p["program"]: p for p in r["programs"]}
    assert seen["fluxgate replay"]["messages_seen"] == r["capture"]["packets"], seen
    for p in seen.values():
        assert p["messages_seen"] >= 0.99 * r["capture"]["packets"], p
        assert p["packets_per_cpu_second"]["median"] > 0, p
    assert len(seen) + len(r["not_installed"]) == 4, r


def scrapes(r):
    assert not r["threads_on_the_workers_processor"], r
    assert r["sensor"]["domains_flagged"] == 10 and r["scrapes"]["octets_each"] > 10000, r
    assert r["scrapes"]["per_second"] > 0, r
    for p in r["phases"].values():
        assert p["frames_per_clock_second"]["min"] > 0, r


def main():
    name, build = sys.argv[1:]
    done = subprocess.run([BENCH / name, "--quick", "--json", "--build", build],
                          stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(done.returncode)
    results = json.loads(done.stdout)
    schema = json.loads((BENCH / f"{name}.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(results)
    {"latency": latency, "peers": peers, "scrapes": scrapes}[name](results)


if __name__ == "__main__":
    main()
