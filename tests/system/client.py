# SPDX-License-Identifier: BSD-3-Clause
"""fluxgatectl as tests run it."""

import os
import subprocess
import sys

from harness import equal

CTL = sys.argv[3]

# Its exit codes, as docs/man/fluxgatectl.1 has them.
OK, LOCAL, USAGE, CONNECT, NOT_FOUND, UNAUTHORISED, DEGRADED, SERVER, NOT_READY = range(9)


def environment(**more):
    env = {k: v for k, v in os.environ.items()
           if not k.startswith("FLUXGATECTL_") and k not in ("NO_COLOR", "LC_ALL")}
    return {**env, "LC_ALL": "C.UTF-8", "TERM": "xterm", **more}


def ctl(*arguments, code=OK, text=True, **env):
    """Runs the client to its end; its exit code is part of the interface."""
    done = subprocess.run([CTL, *map(str, arguments)], env=environment(**env), text=text,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    equal(done.returncode, code, f"exit code of {arguments}: {done.stdout} {done.stderr}")
    return done


def refused(*arguments, code, says, **env):
    """It fails by one line that says so, and prints nothing else."""
    done = ctl(*arguments, code=code, **env)
    lines = done.stderr.splitlines()
    equal(len(lines), 1, f"lines about {arguments}: {lines}")
    assert lines[0].startswith("fluxgatectl: ") and says in lines[0], lines[0]
    equal(done.stdout, "", f"standard output of {arguments}")
