#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Sends mutated frames of real captures through the whole program.

usage: whole.py [options] MUTATE FLUXGATE

MUTATE and FLUXGATE are BUILD/tests/fuzz/mutate and BUILD/app/fluxgate; sanitizers find what
they find when the build has them. Frames go over a pipe into `fluxgate replay`. A run passes
when the program exits with 0 and says nothing about memory or undefined behaviour, when
accounting_error is 0, and when it received each frame that was sent. `fluxgate dump` reads a
share of the frames, too: exit code 0, each line JSON. `MUTATE --check` sends the same frames
through a worker's path as copies beyond whose end nothing may be read; within a packet buffer
of the whole program that would not show.

  --frames N    of each link type with --quick, in all without (300000 and 10000000)
  --jobs N      runs at the same time (2)
  --seed N      of the first run (1); others count on
  --quick       what the test runs: mostly Ethernet, some of each other link type

The full run, 10 million frames in 32 runs, two at a time:

  CC=clang meson setup -Db_sanitize=address,undefined -Db_lundef=false build-sanitized
  ninja -C build-sanitized
  tests/fuzz/whole.py build-sanitized/tests/fuzz/mutate build-sanitized/app/fluxgate

Captures are those of $FLUXGATE_SHARED, else ../shared; where they are absent the
demonstration's stands in for them. A run at fault is made again by
`MUTATE --seed S --link L --frames N PATH... | FLUXGATE replay --json /dev/stdin`; --from leaves
frames out, so that the one at fault can be closed in on.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get("FLUXGATE_SHARED") or TOP.parent / "shared")
OTHER_LINKS = ("sll", "sll2", "raw", "null", "fddi", "ppp", "hdlc", "arcnet", "nflog", "80211",
               "radiotap", "ppi")
RUNS = 32
DUMP_SHARE = 20
FINDING = re.compile(r"AddressSanitizer|LeakSanitizer|runtime error|SUMMARY:")
ENVIRONMENT = {
    **{k: v for k, v in os.environ.items() if not k.startswith("FLUXGATE_")},
    "ASAN_OPTIONS": "abort_on_error=0:halt_on_error=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}

Run = collections.namedtuple("Run", "seed link frames")


class Fault(Exception):
    """What did not hold, in a few lines."""


def captures():
    if (SHARED / "captures").is_dir():
        return [SHARED / "captures" / part for part in ("dns", "decap", "flux")]
    print(f"# {SHARED}/captures: absent, mutating the demonstration's capture instead")
    return [TOP / "deploy" / "demo" / "demo.pcap.gz"]


def pipe(run, sources, mutate, command, stdout):
    """Mutated frames into a command; what each said on standard error."""
    make = [mutate, "--seed", run.seed, "--link", run.link, "--frames", run.frames, *sources]
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as told:
        source = subprocess.Popen([str(a) for a in make], stdout=subprocess.PIPE, stderr=told,
                                  env=ENVIRONMENT)
        code = subprocess.run([*map(str, command), "/dev/stdin"], stdin=source.stdout,
                              stdout=stdout, stderr=said, env=ENVIRONMENT, check=False).returncode
        source.stdout.close()
        made = source.wait()
        said.seek(0)
        told.seek(0)
        said, told = said.read(), told.read()
    # A reader that dies ends the writer as well, but by no finding of the writer's.
    if FINDING.search(told):
        raise Fault(f"{run}: mutate ended with {made}:\n{told[-6000:]}")
    if code or FINDING.search(said):
        raise Fault(f"{run}: {command[1]} ended with {code}:\n{said[-6000:]}")
    if made:
        raise Fault(f"{run}: mutate ended with {made}:\n{told[-6000:]}")
    return told


def leaves(tree):
    return sum(map(leaves, tree.values())) if isinstance(tree, dict) else tree


def replay(run, sources, mutate, fluxgate):
    """(frames received, seconds, counts by disposition, what mutate says of its frames)"""
    started = time.monotonic()
    with tempfile.TemporaryFile("w+") as out:
        told = pipe(run, sources, mutate, [fluxgate, "replay", "--json", "--workers", "4"], out)
        out.seek(0)
        accounting = json.load(out)["accounting"]
    rx = accounting["rx"]
    if accounting["accounting_error"] != 0:
        raise Fault(f"{run}: accounting_error {accounting['accounting_error']}:\n"
                    f"{json.dumps(accounting, indent=1)}")
    if rx["received"] != run.frames:
        raise Fault(f"{run}: {rx['received']} frames received")
    counts = collections.Counter({f"rx.{k}": leaves(v) for k, v in rx.items()})
    for name, part in accounting.items():
        if name not in ("rx", "port") and isinstance(part, dict):
            counts.update({f"{name}.{k}": leaves(v) for k, v in part.items()})
    return time.monotonic() - started, counts, told


def dump(run, sources, mutate, fluxgate):
    with tempfile.TemporaryFile("w+") as out:
        pipe(run, sources, mutate, [fluxgate, "dump"], out)
        out.seek(0)
        lines = 0
        for lines, line in enumerate(out, 1):
            json.loads(line)
    return lines


def check(run, sources, mutate):
    made = subprocess.run([str(a) for a in (mutate, "--check", "--seed", run.seed, "--link", run.link,
                                            "--frames", run.frames, *sources)], env=ENVIRONMENT,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          check=False)
    if made.returncode or FINDING.search(made.stderr):
        raise Fault(f"{run}: mutate --check ended with {made.returncode}:\n{made.stderr[-6000:]}")


def plan(options):
    if options.quick:
        each = options.frames // 25
        rest = [Run(options.seed, link, each) for link in OTHER_LINKS]
        return [Run(options.seed, "ethernet", options.frames - each * len(rest)), *rest]
    each, rest = divmod(options.frames, RUNS)
    links = ["ethernet"] * (RUNS - len(OTHER_LINKS)) + list(OTHER_LINKS)
    return [Run(options.seed + i, link, each + (i < rest)) for i, link in enumerate(links)]


def one(run, sources, options):
    """One run through replay, its beginning through dump."""
    part = run._replace(frames=max(1, run.frames // DUMP_SHARE))
    result = replay(run, sources, options.mutate, options.fluxgate)
    check(run, sources, options.mutate)
    return run, *result, dump(part, sources, options.mutate, options.fluxgate)


def main():
    parser = argparse.ArgumentParser(description=__doc__, usage=argparse.SUPPRESS,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("mutate")
    parser.add_argument("fluxgate")
    options = parser.parse_args()
    options.frames = options.frames or (300_000 if options.quick else 10_000_000)

    sources, runs = captures(), [run for run in plan(options) if run.frames]
    total, faults, started = collections.Counter(), 0, time.monotonic()
    print(f"1..{len(runs)}", flush=True)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        work = [pool.submit(one, run, sources, options) for run in runs]
        for number, (run, future) in enumerate(zip(runs, work), 1):
            title = f"{number} - seed {run.seed}, {run.link}, {run.frames} frames"
            try:
                _, seconds, counts, told, lines = future.result()
            except (Fault, json.JSONDecodeError, KeyError) as fault:
                faults += 1
                print(f"not ok {title}")
                print("\n".join(f"# {line}" for line in str(fault).splitlines()), flush=True)
                continue
            total.update(counts)
            print(f"ok {title}\n# {run.frames / seconds:.0f} frames a second, {lines} lines of dump"
                  f"\n# {told.strip().splitlines()[-1]}", flush=True)
    seconds = time.monotonic() - started
    print(f"# {total['rx.received']} frames in {seconds:.0f} s: "
          f"{total['rx.received'] / seconds:.0f} a second")
    print("# " + ", ".join(f"{name} {n}" for name, n in sorted(total.items())))
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
