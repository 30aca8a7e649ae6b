#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""bench/run --loss --quick: its results against the schema, and every frame accounted for.

    loss.py BUILD

Nothing is held of the rates: on a busy machine there may be no figure at all.
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
CATCH_UP = 256 + 32  # frames that a schedule may be behind at a trial's end, and a burst


def check_trial(t):
    assert t["lost"] <= t["generated"], t
    if t["asked_mpps"] is None:
        assert t["lost"] == 0, t
        return
    asked = t["asked_mpps"] * 1e6 * t["seconds"]
    made = t["generated"] + t["withheld"]
    assert abs(made - asked) <= CATCH_UP, (made, asked, t)


def check(result, trials):
    a = result["accounting"]
    assert a["error"] == 0, a
    assert a["generated"] == a["received"] + a["lost"] and a["port_sent"] == a["received"], a
    # The warming up loses none, and its frames are in no trial.
    assert a["lost"] == sum(t["lost"] for t in trials), a
    assert a["generated"] > sum(t["generated"] for t in trials) > 0, a
    for t in trials:
        check_trial(t)


def check_find(find):
    for r in find["rounds"]:
        if r["zero_loss_mpps"] is None:
            continue
        assert r["zero_loss_mpps"] <= r["passed_mpps"] < r["failed_mpps"], r
        assert any(t["asked_mpps"] == r["passed_mpps"] and t["lost"] == 0 for t in r["trials"]), r
        assert any(t["asked_mpps"] == r["failed_mpps"] and t["lost"] > 0 for t in r["trials"]), r


def check_overload(overload):
    for r in overload["rounds"]:
        assert r["memory"]["heap_growth"] == 0, r["memory"]
        assert sum(r["lost_each_10_ms"]) <= r["recovery"]["lost"], r
        assert r["recovery_ms"] is None or r["recovery_ms"] == r["last_loss_ms"] < 1000, r


def main():
    schema = json.loads((BENCH / "loss.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    result = {}
    with tempfile.TemporaryDirectory() as out:
        subprocess.run([BENCH / "run", "--loss", "--quick", "--build", sys.argv[1], "--out", out], check=True)
        for mode in ("find", "overload"):
            result[mode] = json.loads((pathlib.Path(out) / f"loss-pairs-zipf-1m-{mode}.json").read_text())
            Draft202012Validator(schema).validate(result[mode])
    rounds = {mode: result[mode][mode]["rounds"] for mode in result}
    check(result["find"], [t for r in rounds["find"] for t in (r["capacity"], *r["trials"])])
    check(result["overload"], [t for r in rounds["overload"] for t in (r["capacity"], r["overload"], r["recovery"])])
    check_find(result["find"]["find"])
    check_overload(result["overload"]["overload"])


if __name__ == "__main__":
    main()
