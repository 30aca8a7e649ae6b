#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""fluxmemory --quick and fluxbench --workers 2 for an instant: results against their schemas, all accounted for.

    scaling.py BUILD
"""

import json
import pathlib
import subprocess
import sys
import tempfile

try:
    from jsonschema import Draft202012Validator
except ImportError:
    print("skipped: python3-jsonschema is not installed")
    sys.exit(77)

BENCH = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(sys.argv[1]) / "bench"


def results_of(schema, *command):
    """A neighbour may have cost a figure, which is exit code 1; errors are told in the results."""
    run = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False)
    assert run.returncode in (0, 1) and run.stdout, (run.returncode, run.stderr)
    results = json.loads(run.stdout)
    schema = json.loads((BENCH / schema).read_text())
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(results)
    return results


def check_memory(r):
    assert r["error"] == 0, r
    for size in r["sizes"]:
        o = size["octets"]
        assert o["total"] == o["doorkeeper"] + o["candidates"] + o["full_records"] + o["fixed"], o
        assert o["doorkeeper"] == 8 * size["store"]["door_entries"], o
        assert o["candidates"] == 64 * size["store"]["candidates"], o
        assert size["octets_per_domain"]["seen_once"] <= r["bounds"]["seen_once_octets"], size
        assert size["octets_per_domain"]["full_record_alone"] <= r["bounds"]["full_record_octets"], size
        assert size["at_end"]["records"] == size["store"]["domains"], size
    full = r["full"]
    account, fate = full["account"], full["account"]["fate"]
    assert not full["lost_silently"] and full["confirmed"] > 0 and full["confirmed_lost"] == 0, full
    assert account["offered"] == sum(fate.values()), account
    assert fate["inserted"] == full["live_found"] + account["evicted"] + account["expired"], full
    assert account["promoted"] == account["tracked"] + account["demoted"] + account["released"], account
    assert account["evicted"] > 0 and account["door_evicted"] > 0 and account["demoted"] > 0, account
    apart, shared = r["epoch"]["epochs"]
    assert apart["entries"] == apart["offered"], apart
    assert shared["entries"] == r["epoch"]["workers"] * shared["offered"], shared


def check_scale(r):
    a = r["accounting"]
    assert a["generated"] == a["lost_by_ports"] + a["taken"] and a["taken"] == a["counted"] > 0, a
    assert a["error"] == 0, a
    assert [run["rounds"] + run["dropped"] for run in r["runs"]] == [1, 1], r["runs"]
    assert not (r["machine"]["two_cores_free"] and r["machine"]["control_shares_a_core"]), r["machine"]


def main():
    fluxbench, fluxmemory = BUILD / "fluxbench/fluxbench", BUILD / "fluxmemory/fluxmemory"
    check_memory(results_of("fluxmemory.schema.json", fluxmemory, "--quick", "--json"))
    with tempfile.TemporaryDirectory() as folder:
        capture = pathlib.Path(folder) / "capture.pcap"
        subprocess.run([BUILD / "trafficgen/trafficgen", "--mix", "bench", "--domains", "1000", "--packets", "20000",
                        "--nsec", "--out", capture], check=True)
        check_scale(results_of("scale.schema.json", fluxbench, "--workers", "2", "--capture", capture, "--rounds", "1",
                               "--epoch", "1", "--no-huge", "--json"))
    for wrong in ([fluxmemory, "--live", "many"], [fluxmemory, "--domains", "10"], [fluxbench, "--workers", "3"]):
        run = subprocess.run([str(w) for w in wrong], capture_output=True, text=True, check=False)
        assert run.returncode == 2 and run.stderr.count("\n") == 1, (wrong, run)


if __name__ == "__main__":
    main()
