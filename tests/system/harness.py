# SPDX-License-Identifier: BSD-3-Clause
"""What the system tests share: cases as TAP, waiting on conditions, the program under test.

A test file defines functions, each one case: its docstring is the case's name, an exception
fails it, Skip skips it. They are given to main() in order. Arguments: the built fluxgate and
trafficgen.
"""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.request

TOP = pathlib.Path(__file__).resolve().parents[2]
DEMO = TOP / "deploy" / "demo"
DEMO_CAPTURE = DEMO / "demo.pcap.gz"
SHARED = pathlib.Path(os.environ.get("FLUXGATE_SHARED") or TOP.parent / "shared")

FLUXGATE = sys.argv[1] if len(sys.argv) > 1 else None
TRAFFICGEN = sys.argv[2] if len(sys.argv) > 2 else None

# How often a condition is looked at.
POLL_SECONDS = 0.02


class Skip(Exception):
    """This case can't run here; the message says why."""


def main(*cases):
    """Runs the cases, speaks TAP, ends the process."""
    failures = 0
    print(f"1..{len(cases)}", flush=True)
    for number, case in enumerate(cases, 1):
        name = " ".join(case.__doc__.split()).rstrip(".")
        started = time.monotonic()
        try:
            case()
            print(f"ok {number} - {name}")
        except Skip as why:
            print(f"ok {number} - {name} # SKIP {why}")
        except Exception as error:
            failures += 1
            print(f"not ok {number} - {name}")
            text = str(error) if isinstance(error, AssertionError) and str(error) else (
                traceback.format_exc())
            for line in text.splitlines():
                print(f"# {line}")
            # Of what a TAP test says, meson shows but this when it failed.
            print(f"{name}:\n{text}", file=sys.stderr)
        print(f"# {time.monotonic() - started:.1f} s", flush=True)
    sys.exit(1 if failures else 0)


def skip_all(why):
    print(f"1..0 # SKIP {why}")
    sys.exit(0)


def equal(got, wanted, what):
    assert got == wanted, f"{what}: {got!r}, expected {wanted!r}"


def wait_for(condition, seconds, what):
    """The first true value of condition(); fails when none came in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"waited {seconds} s in vain: {what}"
        time.sleep(POLL_SECONDS)


def fluxgate(*arguments, seconds=240, environment=None, stdout=subprocess.PIPE):
    """Runs the program to its end, with no FLUXGATE_ variable but those in `environment`."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("FLUXGATE_")}
    return subprocess.run([FLUXGATE, *map(str, arguments)], env={**env, **(environment or {})},
                          stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE,
                          text=True, timeout=seconds, check=False)


def replay(*arguments, seconds=240):
    """The object that `fluxgate replay --json` prints."""
    run = fluxgate("replay", "--json", *arguments, seconds=seconds)
    assert run.returncode == 0, f"replay {arguments}: exit code {run.returncode}: {run.stderr}"
    return json.loads(run.stdout)


def status_served(*arguments):
    """What a replay says of itself over HTTP when it is done, and its exit code when told to stop."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with subprocess.Popen([FLUXGATE, "replay", "--serve", address, *map(str, arguments)],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True) as process:
        try:
            assert "serving" in process.stderr.readline()
            with urllib.request.urlopen(f"http://{address}/api/v1/status", timeout=9) as answer:
                status = json.load(answer)
        finally:
            process.terminate()
    return status, process.returncode


def go_first():
    """This process and all that it starts go before what else the machine does: a sensor has its
    processor for itself."""
    os.setpriority(os.PRIO_PROCESS, 0, -20)
    # Where the kernel weighs sessions, nice counts only inside of one.
    with contextlib.suppress(OSError):
        os.setsid()
    with contextlib.suppress(OSError):
        pathlib.Path("/proc/self/autogroup").write_text("-20")


def demo_databases():
    return "--asn-db", DEMO / "asn.mmdb", "--country-db", DEMO / "country.mmdb"


def shared(*parts):
    """A file or folder of the shared material, or Skip."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        raise Skip(f"{'/'.join(parts)} is not here: set FLUXGATE_SHARED")
    return path


def leaves(tree):
    """Sum of all numbers in a tree of objects."""
    return sum(map(leaves, tree.values())) if isinstance(tree, dict) else tree


def tree_leaves(tree, path=()):
    """Path ("a.b.c") and value of each leaf in a tree of objects."""
    for key, below in tree.items():
        if isinstance(below, dict):
            yield from tree_leaves(below, (*path, key))
        elif not isinstance(below, list):
            yield ".".join((*path, key)), below


def scratch():
    return tempfile.TemporaryDirectory(prefix="fluxgate-test.")


def check_schema(**answers):
    """Holds answers against the schema of their name; `a_2` is another one of `a`. Skips the case
    where there is nothing to check by."""
    with scratch() as folder:
        for name, answer in answers.items():
            path = pathlib.Path(folder) / f"{name.replace('_', '-')}.json"
            path.write_text(json.dumps(answer))
        done = subprocess.run(
            [sys.executable, "-B", TOP / "tests/unit/check_schema.py", TOP / "docs/schema", folder],
            capture_output=True, text=True, check=False)
        if done.returncode == 77:
            raise Skip((done.stdout + done.stderr).strip())
        assert done.returncode == 0, done.stdout + done.stderr
