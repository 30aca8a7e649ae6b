# SPDX-License-Identifier: BSD-3-Clause
"""A sensor that remembers: stopped, killed, its saved state damaged, two on one file."""

import json
import os
import pathlib
import signal
import subprocess

import network
from harness import equal, fluxgate, main, scratch
from sensor import Sensor, af_packet, get_json, sensor_config
from wire import DETECT, RING_FRAMES, make_capture, send_capture

network.isolate("tcpreplay")

SCRATCH = scratch()
CAPTURE = pathlib.Path(SCRATCH.name) / "wire.pcap"
FOLDER = pathlib.Path(SCRATCH.name) / "kept"
STATE = FOLDER / "state"
BEFORE = FOLDER / "state.1"

STATE_CODE = 11


def config(**more):
    return sensor_config(af_packet(RING_FRAMES), detect=DETECT,
                         **{"state": {"path": str(STATE), "interval_seconds": 1}, **more})


def status():
    return get_json("/api/v1/status")


def flagged():
    """What is flagged, without what a second more of silence changes."""
    return {d["domain"]: (d["class"], d["first_flagged"], d["score"], d["reasons"], d["sample"])
            for d in get_json("/api/v1/domains")["domains"]}


def no_error(sensor):
    stats = get_json("/api/v1/stats")
    equal((stats["accounting"]["accounting_error"], stats["accounting"]["epochs_with_error"]),
          (0, 0), "accounting errors")
    sensor.alive()


def saved(sensor):
    """Waits until what is known now is on the disk."""
    seen = status()["state"]["saves"]
    sensor.until(lambda: status()["state"]["saves"] >= seen + 2, "it is saved")


def remembers_after_a_stop():
    """Flagged domains survive a stop: since when, class, score, reasons, addresses"""
    with Sensor(config()) as sensor:
        sensor.start_counting()
        equal(status()["state"]["loaded"]["result"], "none", "what the first start found")
        assert "none yet: starting empty" in sensor.said(), sensor.said()
        send_capture(CAPTURE)
        sensor.stats_of_all_frames()
        before = flagged()
        assert before, "nothing is flagged"
        sensor.stop()
    equal(STATE.stat().st_mode & 0o777, 0o600, "mode of the file")
    with Sensor(config()) as sensor:
        sensor.start_counting()
        equal(flagged(), before, "flagged after the restart")
        loaded = status()["state"]["loaded"]
        equal((loaded["result"], loaded["verdicts"], loaded["rejected"]),
              ("newest", len(before), 0), "what was loaded")
        verdict = get_json("/api/v1/stats")["accounting"]["verdict"]
        equal((verdict["raised"], verdict["restored"], verdict["active"]),
              (0, len(before), len(before)), "verdicts")
        # The same names are known: nothing is raised anew.
        send_capture(CAPTURE)
        sensor.stats_of_all_frames()
        after = flagged()
        equal({n: v[1] for n, v in after.items() if n in before},
              {n: v[1] for n, v in before.items()}, "since when")
        no_error(sensor)
        saved(sensor)
        sensor.stop()


def remembers_after_kills():
    """Killed again and again while it saves, it loads the newest or the one before"""
    names = None
    for round_ in range(6):
        with Sensor(config()) as sensor:
            sensor.ready()
            found = status()["state"]["loaded"]
            assert found["result"] in ("newest", "previous") and found["refused"] is None, found
            names = names or set(flagged())
            equal(set(flagged()), names, f"flagged in round {round_}")
            no_error(sensor)
            saved(sensor)
            sensor.process.kill()
            sensor.process.wait()


def says_what_is_damaged():
    """The newest is damaged: one line says what, where and what to do, and the one before is used"""
    octets = bytearray(STATE.read_bytes())
    octets[len(octets) // 2] ^= 4
    STATE.write_bytes(octets)
    with Sensor(config()) as sensor:
        sensor.ready()
        loaded = status()["state"]["loaded"]
        equal(loaded["result"], "previous", "what was loaded")
        lines = [line for line in sensor.said().splitlines() if "checksum is wrong" in line]
        equal(len(lines), 1, f"lines that say so: {sensor.said()}")
        assert str(STATE) in lines[0] and "see to the disk" in lines[0], lines
        assert loaded["refused"] in lines[0], (loaded, lines)
        assert flagged(), "nothing is flagged"
        assert (FOLDER / "state.refused").exists()
        saved(sensor)
        sensor.stop()


def starts_empty_when_all_is_damaged():
    """Both are damaged: it starts empty, and says so"""
    STATE.write_bytes(STATE.read_bytes()[:-1])
    BEFORE.write_bytes(b"")
    with Sensor(config()) as sensor:
        sensor.ready()
        equal(status()["state"]["loaded"]["result"], "refused", "what was loaded")
        assert "no file can be used: starting empty" in sensor.said(), sensor.said()
        equal(flagged(), {}, "flagged")
        no_error(sensor)
        sensor.stop()


def one_sensor_a_file():
    """A second sensor on the same file is refused with a code of its own"""
    with Sensor(config()) as sensor:
        sensor.ready()
        path = pathlib.Path(SCRATCH.name) / "second.json"
        path.write_text(json.dumps(config(http={"listen": "127.0.0.1:8954"})))
        run = fluxgate("run", "-c", path)
        equal(run.returncode, STATE_CODE, f"exit code: {run.stderr}")
        assert "another sensor" in run.stderr and str(STATE) in run.stderr, run.stderr
        sensor.stop()


def says_when_it_cannot_save():
    """A folder that goes makes it degraded, with the reason; a replay neither reads nor writes"""
    with Sensor(config()) as sensor:
        sensor.ready()
        saved(sensor)
        FOLDER.rename(FOLDER.with_name("gone"))
        os.chmod(FOLDER.with_name("gone"), 0o700)
        subprocess.run(["rm", "-r", FOLDER.with_name("gone")], check=True)
        sensor.until(lambda: "state_stale" in status()["degraded"], "it says so")
        assert status()["state"]["last_error"], status()
        sensor.process.send_signal(signal.SIGTERM)
        equal(sensor.process.wait(timeout=30), 0, "exit code")
    path = pathlib.Path(SCRATCH.name) / "replay.json"
    path.write_text(json.dumps({"state": {"path": str(STATE)}}))
    equal(fluxgate("replay", "--json", "-c", path, CAPTURE).returncode, 0, "exit code of replay")
    assert not FOLDER.exists(), "a replay made the folder"


network.lay_wire()
make_capture(CAPTURE)
main(remembers_after_a_stop, remembers_after_kills, says_what_is_damaged,
     starts_empty_when_all_is_damaged, one_sensor_a_file, says_when_it_cannot_save)
