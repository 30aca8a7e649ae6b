# SPDX-License-Identifier: BSD-3-Clause
"""A running sensor, and what it says of itself by HTTP."""

import contextlib
import http.client
import json
import os
import pathlib
import signal
import subprocess

import network
from harness import DEMO, FLUXGATE, equal, leaves, scratch, wait_for

LISTEN = "127.0.0.1:8953"

# On a busy machine all but the stop may take its time.
PATIENCE_SECONDS = 60
STOP_SECONDS = 5


def af_packet(frames, interface="tap0"):
    """The EAL device that listens on an interface with a ring of so many frames."""
    return (f"net_af_packet0,iface={interface},blocksz=65536,framesz=2048,"
            f"framecnt={frames}")


def sensor_config(*ports, **more):
    """A small sensor of one worker, on EAL devices or whole entries of "ports"."""
    return {
        "epoch_seconds": 1,
        "workers": 1,
        "eal": {"huge": False},
        "ports": [{"device": p} if isinstance(p, str) else p for p in ports],
        "networks": {"asn_db": str(DEMO / "asn.mmdb"),
                     "country_db": str(DEMO / "country.mmdb")},
        "pairing": {"entries": 65536},
        "shard": {"entries": 16384},
        "store": {"door_entries": 65536, "candidates": 16384, "domains": 1024},
        "http": {"listen": LISTEN},
        **more,
    }


def get(path):
    """Status and body of a page; status 0 when nobody answers."""
    with contextlib.closing(http.client.HTTPConnection(LISTEN, timeout=20)) as client:
        try:
            client.request("GET", path)
            answer = client.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""


def get_json(path):
    status, body = get(path)
    equal(status, 200, f"GET {path}: {body}")
    return json.loads(body)


class Sensor:
    """A running `fluxgate run`, ended with the block. `stderr`: a descriptor other than the log's;
    `within`: words in front of the command, which become it; `environment`: more of it; `program`:
    another than the built one."""

    def __init__(self, settings, stderr=None, within=(), environment=None, program=None):
        self.folder = scratch()
        self.path = pathlib.Path(self.folder.name)
        self.configure(settings)
        self.log = open(self.path / "log", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [*within, program or FLUXGATE, "run", "-c", str(self.path / "config.json")],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=stderr or self.log,
            env={**os.environ, **(environment or {})})

    def configure(self, settings):
        """Writes the file that it reads at start and on SIGHUP."""
        (self.path / "config.json").write_text(json.dumps(settings))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log.close()
        self.folder.cleanup()

    def said(self):
        return (self.path / "log").read_text()

    def alive(self):
        assert self.process.poll() is None, (
            f"ended with exit code {self.process.returncode}: {self.said()}")

    def until(self, condition, what):
        def look():
            self.alive()
            return condition()
        return wait_for(look, PATIENCE_SECONDS, what)

    def ready(self):
        # No request before that: until its socket is bound, af_packet hears all interfaces.
        self.until(lambda: "fluxgate: running" in self.said(), "the port is up")
        self.until(lambda: get("/readyz")[0] == 200, "/readyz is 200")

    def stats_of_all_frames(self):
        """The statistics, once all frames that the kernel brought are in them."""
        seen = {}

        def whole():
            stats = get_json("/api/v1/stats")
            equal(stats["accounting"]["accounting_error"], 0, "accounting error")
            seen["received"] = stats["accounting"]["rx"]["received"]
            seen["brought"] = network.frames_on_tap() - self.before
            return stats if seen["received"] == seen["brought"] else None
        try:
            return self.until(whole, "all frames of the tap are counted")
        except AssertionError as error:
            raise AssertionError(f"{error}: {seen}") from None

    def start_counting(self):
        """To be called while the wire is silent: frames count from here."""
        self.ready()
        self.before = network.frames_on_tap()
        equal(get_json("/api/v1/stats")["accounting"]["rx"]["received"], 0, "frames at start")

    def stop(self, by=signal.SIGTERM):
        self.process.send_signal(by)
        try:
            code = self.process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"did not end within {STOP_SECONDS} s of "
                                 f"{by.name}: {self.said()}") from None
        equal(code, 0, f"exit code after {by.name}, {self.said()}")


def responses(stats):
    return leaves(stats["accounting"]["dns"]["responses"])


def queries(stats):
    return leaves(stats["accounting"]["dns"]["queries"])
