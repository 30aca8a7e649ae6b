# SPDX-License-Identifier: BSD-3-Clause
"""What fluxgate.service confines the program to, imposed without systemd: user, capabilities,
system calls, address families and memory as the unit and its drop-ins say.

As a program, the inner half: `confined.py RULES COMMAND...` forbids system calls and becomes COMMAND.
"""

import functools
import json
import os
import pathlib
import shutil
import subprocess
import sys

UNIT = pathlib.Path(__file__).resolve().parents[2] / "deploy/debian/fluxgate.service"
DROP_IN = UNIT.with_name("af-xdp.conf")

# The distribution's own: its package of seccomp is for no other.
PYTHON = "/usr/bin/python3"

PROT_WRITE, PROT_EXEC = 2, 4


def settings(*files):
    """Values of a unit and its drop-ins by key, in order; an empty one takes back those before."""
    values = {}
    for file in files:
        for line in file.read_text().splitlines():
            key, equals, value = line.partition("=")
            if not equals or line.startswith("#"):
                continue
            values[key] = [*values.get(key, ()), value] if value else []
    return values


@functools.cache
def groups():
    """What stands in each of systemd's groups of system calls; some of it is groups."""
    done = subprocess.run(["systemd-analyze", "syscall-filter"], capture_output=True, text=True,
                          check=True, env={**os.environ, "SYSTEMD_COLORS": "0"})
    found = {}
    for line in done.stdout.splitlines():
        if line.startswith("@"):
            found[line.strip()] = members = []
        elif line.startswith(" ") and not line.strip().startswith("#"):
            members.append(line.strip())
    return found


def expand(words):
    """Names of system calls; @group is what systemd means by it."""
    calls = set()
    for word in words:
        calls |= expand(groups()[word]) if word.startswith("@") else {word}
    return calls


def allowed_calls(values):
    # What systemd adds by itself to a list of what is allowed.
    calls = expand(["@default"])
    for line in values["SystemCallFilter"]:
        named = expand(line.removeprefix("~").split())
        calls = calls - named if line.startswith("~") else calls | named
    return calls


def command(user, *files):
    """The words in front of a command that is to run as the unit would have it."""
    values = settings(*files)
    capabilities = ",".join("+" + c.removeprefix("CAP_").lower()
                            for line in values["AmbientCapabilities"] for c in line.split())
    assert values["NoNewPrivileges"] == values["MemoryDenyWriteExecute"] == ["yes"], values
    rules = {
        "calls": sorted(allowed_calls(values)),
        "families": [f for line in values["RestrictAddressFamilies"] for f in line.split()],
    }
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--no-new-privs",
            f"--inh-caps=-all,{capabilities}", f"--ambient-caps=-all,{capabilities}",
            f"--bounding-set=-all,{capabilities}",
            PYTHON, "-B", __file__, json.dumps(rules)]


def forbid(rules):
    """As systemd does: EPERM to what is not allowed."""
    import errno
    import seccomp

    families = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16, "AF_PACKET": 17,
                "AF_XDP": 44}
    no = seccomp.ERRNO(errno.EPERM)
    f = seccomp.SyscallFilter(no)
    special = {"mmap", "mprotect", "pkey_mprotect", "socket", "shmat"}
    for name in rules["calls"]:
        if name in special:
            continue
        try:
            f.add_rule(seccomp.ALLOW, name)
        except RuntimeError:
            pass  # of another architecture
    for family in rules["families"]:
        f.add_rule(seccomp.ALLOW, "socket", seccomp.Arg(0, seccomp.EQ, families[family]))
    both = PROT_WRITE | PROT_EXEC
    for protection in 0, PROT_WRITE, PROT_EXEC:
        f.add_rule(seccomp.ALLOW, "mmap", seccomp.Arg(2, seccomp.MASKED_EQ, both, protection))
    f.add_rule(seccomp.ALLOW, "mprotect", seccomp.Arg(2, seccomp.MASKED_EQ, PROT_EXEC, 0))
    f.load()


def unavailable():
    """Why this can't be done here; None when it can."""
    if subprocess.run([PYTHON, "-c", "import seccomp"], capture_output=True, check=False).returncode:
        return "needs python3-seccomp"
    for program in "setpriv", "systemd-analyze":
        if not shutil.which(program):
            return f"needs {program}"
    return None


if __name__ == "__main__":
    forbid(json.loads(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])
