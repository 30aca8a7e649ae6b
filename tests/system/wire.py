# SPDX-License-Identifier: BSD-3-Clause
"""What tests send over the wire, and what a sensor is told so that some seconds of it show flux."""

import json
import re
import subprocess

import network
from harness import TRAFFICGEN, equal
from sensor import get_json

# The kernel's ring holds the whole capture, so that a slow machine loses nothing of it.
RING_FRAMES = 16384
# Faster, a capture would be over within an epoch or two, and what is flagged a matter of luck.
FRAMES_A_SECOND = 3000

# Some seconds of wire hold fourteen hours of capture: movement in time can't be shown by them, so
# that only diversity and structure are asked for.
DETECT = {"min_fresh_epochs": 0, "min_new_per_epoch": 0, "min_growth_1h": 0, "min_novelty": 0}


def make_capture(path):
    """The demonstration's traffic; what is true of it stands beside it, in truth.json."""
    subprocess.run([TRAFFICGEN, "--mix", "demo", "--out", path,
                    "--truth", path.with_name("truth.json")], check=True)


def truth_of(path):
    return json.loads(path.with_name("truth.json").read_text())


def flux_of(path):
    """Domains in flux that a capture has."""
    return {d["domain"] for d in truth_of(path)["domains"] if d["flux"]}


def start_capture(path, rate=FRAMES_A_SECOND, loops=1, stdout=subprocess.DEVNULL):
    """tcpreplay, which sends a capture over the wire so many times; 0: without end."""
    return subprocess.Popen(
        network.inside("client", "tcpreplay", "--quiet", "--intf1=eth0", f"--loop={loops}",
                       f"--pps={rate}", path),
        stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.STDOUT, text=True)


def send_capture(path):
    """Sends a capture over the wire, all of it; returns what is true of it."""
    truth = truth_of(path)
    assert truth["packets"] < RING_FRAMES, truth["packets"]
    with start_capture(path, stdout=subprocess.PIPE) as sender:
        said, _ = sender.communicate(timeout=60)
    equal(sender.returncode, 0, f"exit code of tcpreplay: {said}")
    equal(int(re.search(r"Successful packets:\s+(\d+)", said)[1]), truth["packets"],
          "frames that tcpreplay sent")
    return truth


def settled(sensor):
    """Waits until three epochs in a row brought no event."""
    seen = {}

    def quiet():
        events = get_json("/api/v1/events")
        if events["newest"] != seen.get("newest"):
            seen.update(newest=events["newest"], generation=events["generation"])
        return events["generation"] >= seen["generation"] + 3
    sensor.until(quiet, "no more events")


def certificate_make(certificate, key, name):
    """A new pair for localhost, signed by itself; its subject says `name`."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", key, "-out", certificate], capture_output=True, check=True)
    key.chmod(0o600)
