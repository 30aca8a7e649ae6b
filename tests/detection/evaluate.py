#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""How well the rules tell flux from what resembles it, on generated traffic whose truth is known.

usage: evaluate.py FLUXGATE TRAFFICGEN --quick|--full [OPTION]...

--quick takes minutes a seed and speaks TAP, one point a gate of gates.py; of several seeds targets are
held over all of them, and what is reached today with the first. The exit code is 1 when a gate does
not hold. --full takes hours and writes the tables, with --docs between the markers of that
file. Both write what was counted as JSON and Markdown where asked. While rules are being fitted:
--seed with another one than those of scenes.HELD_OUT, and --only for single scenes.
"""

import argparse
import json
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "system"))

# pylint: disable=wrong-import-position
import gates
import harness
import measure
import scenes
import tables


def arguments():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].removeprefix("usage: "))
    parser.add_argument("fluxgate")
    parser.add_argument("trafficgen")
    form = parser.add_mutually_exclusive_group(required=True)
    form.add_argument("--quick", action="store_true")
    form.add_argument("--full", action="store_true")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--markdown", type=pathlib.Path)
    parser.add_argument("--docs", type=pathlib.Path)
    parser.add_argument("--seed", type=int, help="of --quick")
    parser.add_argument("--seeds", type=int,
                        help="how many; default 1 of --quick, all of --full")
    parser.add_argument("--jobs", type=int, default=2, help="captures judged at a time, default 2")
    parser.add_argument("--only", metavar="SCENE,...", help="these alone")
    return parser.parse_args()


def chosen(options):
    if options.quick:
        seeds = scenes.HELD_OUT[:options.seeds or 1]
        found = scenes.quick([options.seed] if options.seed else seeds)
    else:
        found = scenes.full(scenes.HELD_OUT[:options.seeds])
    if options.only:
        wanted = options.only.split(",")
        found = [scene for scene in found if scene.name.partition("/")[0] in wanted]
    return found


def write(options, results):
    if options.json:
        kept = {name: {k: v for k, v in result.items() if k != "domains"}
                for name, result in results.items()}
        options.json.write_text(json.dumps(kept, indent=1) + "\n")
    text = tables.markdown(results)
    if options.markdown:
        options.markdown.write_text(text)
    if options.docs:
        options.docs.write_text(tables.between_markers(options.docs.read_text(), text))
    return text


def main():
    options = arguments()
    with harness.scratch() as folder, \
            measure.Bench(chosen(options), folder, options.jobs) as bench:
        cases = gates.cases(bench) if options.quick else []

        def tables_are_written():
            """The tables are written"""
            text = write(options, bench.all())
            for line in text.splitlines():
                print(f"# {line}".rstrip())

        harness.main(*cases, tables_are_written)


if __name__ == "__main__":
    sys.exit(main())
