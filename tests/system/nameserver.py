# SPDX-License-Identifier: BSD-3-Clause
"""A real name server (Knot DNS) and real clients (dnsperf, kdig) on the wire of network.py."""

import os
import pathlib
import re
import subprocess

import network
from harness import equal, scratch, wait_for

# Everything but the sensor's worker runs here, so that neither waits for the other.
TRAFFIC_CPU = 0
PROGRAMS = "knotd", "dnsperf", "kdig", "taskset"

ZONES = "flux.example", "plain.example", "net.test"
NAMES_A_ZONE = 6000

# One question in so many asks for a name that is not there.
MISSING_EVERY = 20

# Addresses of 28 octets each in responses that take so many IP datagrams of 1500 octets.
LARGE_RECORDS = {"one": 20, "two": 60, "three": 110}
PAYLOAD_OCTETS = 4096

START_SECONDS = 30


def pinned(namespace, *command):
    return network.inside(namespace, "taskset", "--cpu-list", TRAFFIC_CPU, *command)


def cpu_seconds(process):
    """Processor seconds in user and kernel mode of a process that was not waited for yet."""
    stat = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    tick = os.sysconf("SC_CLK_TCK")
    return int(stat[11]) / tick, int(stat[12]) / tick


def zone_text(zone):
    lines = [f"$ORIGIN {zone}.", "$TTL 300", "@ SOA ns host 1 3600 600 86400 300", "@ NS ns",
             f"ns A {network.SERVER}"]
    for i in range(NAMES_A_ZONE):
        lines += [f"www.site{i} A 20.{i >> 8}.{i & 255}.{k + 1}" for k in range(1 + i % 3)]
        lines.append(f"www.site{i} AAAA 2400:{i + 1:x}::1")
    for name, records in LARGE_RECORDS.items():
        lines += [f"{name}.large AAAA 2a00:{k + 1:x}::1" for k in range(records)]
    return "\n".join(lines) + "\n"


def questions_text():
    lines = []
    for i in range(NAMES_A_ZONE):
        for zone in ZONES:
            name = "nothing" if len(lines) % MISSING_EVERY == 0 else "www"
            lines.append(f"{name}.site{i}.{zone} {'AAAA' if i % 4 == 0 else 'A'}")
    return "\n".join(lines) + "\n"


class Knot:
    """knotd in its namespace with zones of our own; ended with the block."""

    def __enter__(self):
        self.folder = scratch()
        path = pathlib.Path(self.folder.name)
        conf = [f"server:\n    rundir: {path}\n    listen: {network.SERVER}@53\n"
                f"    udp-workers: 1\n    tcp-workers: 1\n    background-workers: 1\n"
                f"    udp-max-payload: {PAYLOAD_OCTETS}\n"
                f"database:\n    storage: {path}\n"
                "log:\n  - target: stderr\n    any: warning\nzone:\n"]
        for zone in ZONES:
            (path / zone).write_text(zone_text(zone))
            conf.append(f"  - domain: {zone}\n    file: {path / zone}\n"
                        "    zonefile-load: whole\n    journal-content: none\n")
        (path / "knot.conf").write_text("".join(conf))
        self.log = open(path / "log", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            pinned("server", "knotd", "-c", path / "knot.conf"),
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        try:
            wait_for(lambda: all(kdig(f"www.site0.{zone}") for zone in ZONES), START_SECONDS,
                     "knotd answers")
        except BaseException:
            self.log.seek(0)
            print(f"# {self.log.read()}")
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.log.close()
        self.folder.cleanup()


def kdig(*arguments):
    """The answers that `kdig +short` prints, a list of lines; empty when nobody answered."""
    done = subprocess.run(
        network.inside("client", "kdig", f"@{network.SERVER}", "+short", "+retry=0", "+time=3",
                       *arguments),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        return []
    return [line for line in done.stdout.splitlines() if line and not line.startswith(";")]


class Dnsperf:
    """A running dnsperf: so many queries a second for so many seconds; ended with the block."""

    def __init__(self, a_second, seconds, over="udp", clients=4):
        self.seconds = seconds
        self.folder = scratch()
        questions = pathlib.Path(self.folder.name) / "questions"
        questions.write_text(questions_text())
        self.process = subprocess.Popen(
            pinned("client", "dnsperf", "-m", over, "-s", network.SERVER, "-d", questions,
                   "-c", clients, "-T", 1, "-Q", a_second, "-l", seconds, "-t", 2, "-W"),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        self.folder.cleanup()

    def running(self):
        return not os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)

    def counts(self):
        """What it counted, once it has ended by itself: queries sent, completed and lost,
        responses by code, and its processor seconds."""
        # The pipe is drained to its end first: then the process is a zombie, its times readable.
        text = self.process.stdout.read()
        wait_for(lambda: not self.running(), 10, "dnsperf ends")
        cpu = cpu_seconds(self.process)
        equal(self.process.wait(), 0, f"exit code of dnsperf: {text}")

        def number(what):
            found = re.search(rf"Queries {what}:\s+(\d+)", text)
            assert found, f"dnsperf did not count what it {what}: {text}"
            return int(found[1])
        codes = re.search(r"Response codes:\s+(.*)", text)
        return {"sent": number("sent"), "completed": number("completed"), "lost": number("lost"),
                "codes": {c: int(n) for c, n in re.findall(r"([A-Z]+) (\d+)",
                                                           codes[1] if codes else "")},
                "cpu": cpu}
