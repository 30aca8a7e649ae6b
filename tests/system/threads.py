# SPDX-License-Identifier: BSD-3-Clause
"""One thread of a running sensor, stopped while the others go on: ptrace(2) is the only way."""

import contextlib
import ctypes
import os
import pathlib
import re

from harness import wait_for

STOP_SECONDS = 5

PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def ptrace(request, thread):
    if libc.ptrace(request, thread, None, None) != 0:
        raise OSError(ctypes.get_errno(), f"ptrace of thread {thread}")


def thread_of(sensor, lcore):
    """Id of the thread that runs a worker lcore."""
    for task in pathlib.Path(f"/proc/{sensor.process.pid}/task").iterdir():
        if re.fullmatch(rf"\w+-worker-?{lcore}", (task / "comm").read_text().strip()):
            return int(task.name)
    raise AssertionError(f"no thread runs lcore {lcore}")


@contextlib.contextmanager
def halted(thread):
    """One thread is stopped in the block, and no other of its process."""
    ptrace(PTRACE_SEIZE, thread)
    ptrace(PTRACE_INTERRUPT, thread)
    os.waitpid(thread, WALL)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            ptrace(PTRACE_DETACH, thread)


def wait_traced(sensor, thread):
    """The exit code, once the halted thread is laid to rest too: that is its tracer's to do."""
    def ended():
        with contextlib.suppress(ChildProcessError):
            os.waitpid(thread, WALL | os.WNOHANG)
        return sensor.process.poll() is not None
    wait_for(ended, STOP_SECONDS, f"it ends: {sensor.said()}")
    return sensor.process.returncode
