# SPDX-License-Identifier: BSD-3-Clause
"""Manual pages say what the program says, and mandoc finds nothing wrong with them."""

import json
import re
import shutil
import subprocess

from harness import TOP, Skip, equal, fluxgate, main

MANUALS = TOP / "docs/man"
SCHEMA = TOP / "docs/fluxgate.schema.json"


def configuration_page():
    """As the build writes it."""
    return subprocess.run([MANUALS / "make-conf", SCHEMA], capture_output=True, text=True,
                          check=True).stdout


def are_clean():
    """mandoc finds no error and no warning in any manual page"""
    if not shutil.which("mandoc"):
        raise Skip("needs mandoc")
    pages = [page.read_text() for page in sorted(MANUALS.glob("*.[1-8]"))]
    assert pages
    for page in [*pages, configuration_page()]:
        done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning"], input=page,
                              capture_output=True, text=True, check=False)
        equal((done.returncode, done.stdout + done.stderr), (0, ""), "mandoc")


def configuration_is_that_of_the_schema():
    """fluxgate.conf(5) has every key of the program"""
    page = configuration_page()
    told = json.loads(fluxgate("check-config", "--dump", TOP / "deploy/fluxgate.json").stdout)

    def keys(node, path=""):
        for name, value in node.items():
            if isinstance(value, dict):
                yield from keys(value, f"{path}{name}.")
            else:
                yield path + name
    missing = [key for key in keys(told) if f".It Cm {key}\n" not in page]
    equal(missing, [], "keys without an entry")


def options_are_those_of_the_program():
    """fluxgate(8) has each command and each long option that --help tells, and no other"""
    page = (MANUALS / "fluxgate.8").read_text()
    commands = re.findall(r"^  ([a-z-]+) +\S", fluxgate("--help").stdout, re.M)
    commands = [c for c in commands if not c.startswith("-")]
    assert len(commands) >= 5, commands
    told = {"version"}
    for command in commands:
        assert f".It Cm {command}\n" in page, f"{command} has no entry"
        told |= set(re.findall(r"--([a-z][a-z-]+)", fluxgate(command, "--help").stdout))
    equal(set(re.findall(r"Fl -([a-z][a-z-]+)", page)), told, "options")


def exit_codes_are_those_of_the_program():
    """fluxgate(8) and configuration.md have each exit code of app/cli/exit.h"""
    codes = set(re.findall(r"^\tEXIT_CODE_\w+ = (\d+),", (TOP / "app/cli/exit.h").read_text(), re.M))
    page = (MANUALS / "fluxgate.8").read_text()
    status = page[page.index(".Sh EXIT STATUS"):]
    equal(set(re.findall(r"^\.It (\d+)$", status, re.M)), codes, "codes in the manual page")
    guide = (TOP / "docs/configuration.md").read_text()
    guide = guide[guide.index("## Exit codes"):]
    equal(set(re.findall(r"^\| (\d+) \|", guide, re.M)), codes, "codes in configuration.md")


main(are_clean, configuration_is_that_of_the_schema, options_are_those_of_the_program,
     exit_codes_are_those_of_the_program)
