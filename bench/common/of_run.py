# SPDX-License-Identifier: BSD-3-Clause
"""What other commands of this folder share with bench/run: `run`, that program as a module, and a few words."""

import datetime
import importlib.machinery
import importlib.util
import pathlib
import statistics
import sys

BENCH = pathlib.Path(__file__).resolve().parent.parent
TESTS = BENCH.parent / "tests"


def load():
    loader = importlib.machinery.SourceFileLoader("run", str(BENCH / "run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("run", loader))
    loader.exec_module(module)
    return module


sys.dont_write_bytecode = True
run = load()


def row(name):
    """Packets and arguments of trafficgen of a row of bench/run."""
    return next((packets, arguments) for n, _, packets, arguments, _ in run.ROWS if n == name)


def spread(values):
    """As bench/results.schema.json has it; None where nothing was measured."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)} if values else None


def now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
