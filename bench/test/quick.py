#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""bench/run --quick: its results against the schema, and every frame accounted for.

    quick.py BUILD
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


def check_row(row):
    a = row["accounting"]
    assert a["taken_by_a_b_c"] > 0 and a["taken_by_d"] > 0, row
    assert a["generated"] == a["lost_by_port"] + a["taken_by_a_b_c"] + a["taken_by_d"], a
    assert a["counted_by_d"] == a["taken_by_d"], a
    assert a["error"] == 0, a
    for stage in row["stages"]:
        assert stage["rounds"] + stage["dropped"] == 1, stage
    ten, forty = (line["mpps"] for line in row["line_rates"])
    assert abs(forty - 4 * ten) < 1e-6 * forty, row["line_rates"]
    # 14.88 Mpps of shortest frames, by the definition of Ethernet.
    assert abs(ten * row["traffic"]["wire_octets_mean"] - 1250) < 1e-3, row
    assert (row["traffic"]["memory_octets"] > 0) == (row["port"]["kind"] == "mem"), row


def main():
    with tempfile.TemporaryDirectory() as out:
        subprocess.run([BENCH / "run", "--quick", "--build", sys.argv[1], "--out", out], check=True)
        results = json.loads((pathlib.Path(out) / "results.json").read_text())
    schema = json.loads((BENCH / "results.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(results)
    rows = {row["row"]: row for row in results["rows"]}
    assert {row["port"]["kind"] for row in rows.values()} == {"mem", "pcap", "null"}
    assert len(results["steps"]) == 3 * len({step["step"] for step in results["steps"]})
    for row in rows.values():
        check_row(row)
    assert rows["reject"]["domains_live"] == 0
    assert rows["vlan-gtpu"]["domains_live"] > 0


if __name__ == "__main__":
    main()
