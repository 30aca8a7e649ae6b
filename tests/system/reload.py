# SPDX-License-Identifier: BSD-3-Clause
"""What a running sensor takes in its stride: SIGHUP with and without traffic, files that are wrong,
databases replaced under it, a worker that hangs, a stop with one that hangs."""

import copy
import datetime
import json
import os
import pathlib
import re
import shutil
import signal
import time

import network
from harness import DEMO, equal, main, scratch
from sensor import Sensor, af_packet, get, get_json, sensor_config
from threads import STOP_SECONDS, halted, thread_of, wait_traced
from wire import DETECT, RING_FRAMES, make_capture, send_capture, start_capture

network.isolate("tcpreplay")

SCRATCH = scratch()
CAPTURE = pathlib.Path(SCRATCH.name) / "wire.pcap"

HUNG_CODE = 10

# By these nothing is flagged.
SHUT = {"min_addresses": 1000, "small_min_addresses": 1000, "min_moving_ns_addresses": 1000}


def config(**more):
    return sensor_config(af_packet(RING_FRAMES), **{"detect": DETECT, **more})


def two_workers(**more):
    return sensor_config(f"{af_packet(RING_FRAMES)},qpairs=2", workers=2, **more)


def status():
    return get_json("/api/v1/status")


def counted():
    return get_json("/api/v1/stats")["accounting"]["rx"]["received"]


def write_config(sensor, settings):
    """Puts the file in its place at once, as an operator's tools do."""
    new = sensor.path / "config.new"
    new.write_text(settings if isinstance(settings, str) else json.dumps(settings))
    new.rename(sensor.path / "config.json")


def reload(sensor, settings):
    """A configuration that must be taken; the status by which it is in force."""
    before = status()["config"]["generation"]
    write_config(sensor, settings)
    sensor.process.send_signal(signal.SIGHUP)
    sensor.until(lambda: status()["config"]["generation"] == before + 1, "the configuration is in")
    return status()


def refused(sensor, settings, words):
    """A configuration that must be refused; the status after."""
    before, lines = status()["config"], sensor.said().count("nothing changed")
    write_config(sensor, settings)
    sensor.process.send_signal(signal.SIGHUP)
    sensor.until(lambda: status()["config"]["refused"] == before["refused"] + 1, "it is refused")
    after = status()["config"]
    equal(after["generation"], before["generation"], "generation after a refusal")
    for word in words:
        assert word in after["last_error"], f"expected {word!r}: {after}"
    said = [line for line in sensor.said().splitlines() if "nothing changed" in line]
    equal(len(said), lines + 1, f"lines of refusal, {said}")
    assert after["last_error"] in said[-1], f"{after['last_error']!r} is not in {said[-1]!r}"


def loses_no_frame():
    """SIGHUP in mid-traffic: every frame of the tap is counted, no epoch errs"""
    settings = sensor_config(af_packet(2 * RING_FRAMES), detect=DETECT)
    with Sensor(settings) as sensor:
        sensor.start_counting()
        traffic = start_capture(CAPTURE, loops=2)
        reloads = 0
        while traffic.poll() is None:
            settings["detect"] = {**DETECT, "min_addresses": 10 + reloads % 5}
            reload(sensor, settings)
            reloads += 1
        equal(traffic.returncode, 0, "exit code of tcpreplay")
        assert reloads >= 5, f"only {reloads} reloads while traffic flowed"
        stats = sensor.stats_of_all_frames()
        equal(stats["accounting"]["epochs_with_error"], 0, "epochs with an error")
        now = status()
        equal(now["config_generation"], reloads + 1, "generation")
        equal(now["config"]["refused"], 0, "refused")
        sensor.stop()


def needs_no_traffic():
    """SIGHUP is heard where no packet comes, by control and by the workers; a burst of it is one"""
    with Sensor(config()) as sensor:
        sensor.start_counting()
        before = status()["config"]
        equal(before, {**before, "generation": 1, "refused": 0, "last_error": None,
                       "needs_restart": []}, "the report at start")
        after = reload(sensor, config(detect=SHUT))
        assert after["config"]["loaded_at"] >= before["loaded_at"], after
        sensor.until(lambda: status()["workers"][0]["config_generation"] == 2,
                     "the worker works by it")
        for _ in range(50):
            sensor.process.send_signal(signal.SIGHUP)
        sensor.until(lambda: status()["config"]["generation"] >= 3, "the burst was heard")
        equal(counted(), 0, "frames")
        sensor.stop()


def thresholds_change_verdicts():
    """Other thresholds flag what was not flagged, and clear what was"""
    with Sensor(config(detect=SHUT)) as sensor:
        sensor.start_counting()
        send_capture(CAPTURE)
        sensor.stats_of_all_frames()
        equal(status()["flagged"], 0, "flagged while nothing can be")
        reload(sensor, config())
        send_capture(CAPTURE)
        sensor.stats_of_all_frames()
        sensor.until(lambda: status()["flagged"] > 0, "flux is flagged")
        reload(sensor, config(detect={**SHUT, "clear_after": 1}))
        sensor.until(lambda: status()["flagged"] == 0, "verdicts are cleared")
        verdict = sensor.stats_of_all_frames()["accounting"]["verdict"]
        assert verdict["raised"] == verdict["cleared"] > 0, verdict
        sensor.stop()


def lists_change_verdicts():
    """Lists of names that come with a reload hold for what is flagged"""
    with Sensor(config()) as sensor:
        sensor.start_counting()
        send_capture(CAPTURE)
        sensor.stats_of_all_frames()
        sensor.until(lambda: status()["flagged"] > 1, "flux is flagged")
        domains = [d["domain"] for d in get_json("/api/v1/domains")["domains"]]
        top = sensor.path / "top"
        top.write_text("\n".join(domains))
        detect = {**DETECT, "popular": str(top), "infrastructure": domains[:1]}
        # And what others know for bad.
        reload(sensor, config(detect=detect, **{"import": {"files": [str(top)]}}))
        sensor.until(lambda: status()["flagged"] == len(domains) - 1, "one is let go")
        now = {d["domain"]: d["suspected"] for d in get_json("/api/v1/domains")["domains"]}
        equal(now, {name: True for name in domains[1:]}, "suspected")
        detail = get_json(f"/api/v1/domains/{domains[1]}")
        assert {"popular", "known"} <= {r["code"] for r in detail["reasons"]}, detail
        refused(sensor, config(detect={**DETECT, "popular": "/nowhere/top"}), ["/nowhere/top"])
        sensor.stop()


def keeps_the_old_for_a_bad_file():
    """A file that is wrong changes nothing, is told once, and the next right one is taken"""
    good = config()
    with Sensor(good) as sensor:
        sensor.start_counting()
        refused(sensor, "{", ["config.json", "line 1"])
        refused(sensor, config(epoch_secnds=2), ["epoch_secnds", "epoch_seconds"])
        refused(sensor, config(detect={"min_addresses": -1}), ["detect.min_addresses"])
        refused(sensor, config(networks={"asn_db": "/nowhere/a.mmdb"}), ["/nowhere/a.mmdb"])
        refused(sensor, config(ports=[]), ["ports"])
        # Wrong as a whole: nothing of it is taken, though the level stands before the error.
        refused(sensor, config(log={"level": "error"}, epoch_seconds=0), ["epoch_seconds"])
        send_capture(CAPTURE)
        sensor.stats_of_all_frames()
        sensor.until(lambda: status()["flagged"] > 0, "it judges as before")
        after = reload(sensor, good)
        equal((after["config"]["last_error"], after["config"]["refused"]), (None, 6),
              "error and count after a good one")
        sensor.stop()


def names_what_needs_a_restart():
    """Keys that only a restart can change are named, in the log and in the status"""
    settings = config()
    with Sensor(settings) as sensor:
        sensor.start_counting()
        other = copy.deepcopy(settings)
        other.update(workers=2, dns={"ports": [53, 5300]})
        other["store"]["domains"] = 2048
        after = reload(sensor, other)
        equal(after["config"]["needs_restart"], ["workers", "dns.ports", "store.domains"],
              "keys that need a restart")
        assert "needs a restart: workers, dns.ports, store.domains" in sensor.said(), sensor.said()
        equal(len(after["workers"]), 1, "workers")
        equal(reload(sensor, settings)["config"]["needs_restart"], [], "keys after taking it back")
        sensor.stop()


def environment_goes_before_the_file():
    """The environment goes before the file in a reload as at start"""
    os.environ["FLUXGATE_COUNTRY_DB"] = str(DEMO / "country.mmdb")
    try:
        with Sensor(config()) as sensor:
            sensor.start_counting()
            networks = {"asn_db": str(DEMO / "asn.mmdb"), "country_db": "/nowhere/c.mmdb"}
            reload(sensor, config(networks=networks))
            sensor.stop()
    finally:
        del os.environ["FLUXGATE_COUNTRY_DB"]


ASN = re.compile(rb"autonomous_system_number([\xc2-\xc4])")


def asn_moved(database):
    """The same database with other numbers, and both sets of numbers."""
    out, old, new = bytearray(database), set(), set()
    for found in ASN.finditer(database):
        size = found[1][0] & 7
        at = slice(found.end(), found.end() + size)
        old.add(int.from_bytes(out[at], "big"))
        out[found.end()] ^= 0x40
        new.add(int.from_bytes(out[at], "big"))
    assert old and not old & new, (len(old), len(new))
    return bytes(out), old, new


def sees_a_database_renamed_over_the_old():
    """A database renamed over the old one is used, also for addresses that were known before"""
    with scratch() as folder:
        path = pathlib.Path(folder) / "asn.mmdb"
        shutil.copy(DEMO / "asn.mmdb", path)
        other, old, new = asn_moved(path.read_bytes())
        networks = {"asn_db": str(path), "country_db": str(DEMO / "country.mmdb")}
        with Sensor(config(networks=networks, detect=SHUT)) as sensor:
            sensor.start_counting()
            send_capture(CAPTURE)
            sensor.stats_of_all_frames()
            beside = path.with_suffix(".new")
            beside.write_bytes(other)
            beside.rename(path)
            reload(sensor, config(networks=networks))
            send_capture(CAPTURE)
            sensor.stats_of_all_frames()
            sensor.until(lambda: status()["flagged"] > 0, "flux is flagged")
            seen = {address["asn"] for domain in get_json("/api/v1/domains")["domains"]
                    for address in domain["sample"] if address["asn"]}
            assert seen and seen <= new, f"of the old database: {sorted(seen & old)}"
            # One that is cut is refused, and what is mapped goes on to serve.
            beside.write_bytes(other[:1000])
            beside.rename(path)
            refused(sensor, config(networks=networks), [str(path)])
            reload(sensor, config(networks={"asn_db": "", "country_db": ""}))
            sensor.until(lambda: "no_asn_db" in status()["degraded"], "it says that it has none")
            sensor.stop()


def changes_the_level_of_the_log():
    """The log's level changes while it runs"""
    with Sensor(config()) as sensor:
        sensor.start_counting()
        assert "fluxgate: epoch" not in sensor.said(), sensor.said()
        reload(sensor, config(log={"level": "debug"}))
        sensor.until(lambda: "fluxgate: epoch" in sensor.said(), "epochs are told")
        reload(sensor, config(log={"level": "error"}))
        said = sensor.said()
        epoch = get_json("/api/v1/stats")["epoch"]
        sensor.until(lambda: get_json("/api/v1/stats")["epoch"] > epoch + 1, "epochs go on")
        equal(sensor.said(), said, "what it said")
        sensor.stop()


def frames_of(worker):
    return get_json("/api/v1/stats")["workers"][worker]["frames"]


def seconds_of(text):
    """Seconds since 1970 of a time in an answer."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


EPOCH_SECONDS = 2


def names_a_hung_worker():
    """A worker that hangs is named within two epochs, the other goes on, and all is counted after"""
    with Sensor(two_workers(epoch_seconds=EPOCH_SECONDS)) as sensor:
        sensor.start_counting()
        equal([w["state"] for w in status()["workers"]], ["running", "running"], "states")
        traffic = start_capture(CAPTURE, rate=500, loops=100)
        sensor.until(lambda: frames_of(0) and frames_of(1), "both workers have frames")
        lcore = status()["workers"][0]["lcore"]
        with halted(thread_of(sensor, lcore)):
            since = time.time()
            hung = sensor.until(lambda: [w for w in status()["workers"] if w["state"] == "hung"],
                                "the worker is named")
            equal([(w["worker"], w["lcore"]) for w in hung], [(0, lcore)], "who hangs")
            assert hung[0]["since"] and hung[0]["epochs_behind"] >= 2, hung
            condition = [c for c in status()["conditions"] if c["name"] == "hung_worker"]
            assert condition and condition[0]["remedy"], condition
            took = seconds_of(condition[0]["since"]) - since
            assert took <= 2 * EPOCH_SECONDS, f"named after {took:.1f} s"
            # The other's frames are merged and published, epoch by epoch.
            stuck = frames_of(0)
            for _ in range(3):
                before = frames_of(1)
                sensor.until(lambda: frames_of(1) > before, "the other's frames are merged")
            equal(frames_of(0), stuck, "frames of the hung worker")
            # Configurations are taken, and wait for this worker.
            reload(sensor, two_workers(epoch_seconds=EPOCH_SECONDS, detect=SHUT))
            sensor.until(lambda: status()["workers"][1]["config_generation"] == 2,
                         "the other has the new configuration")
            equal(status()["workers"][0]["config_generation"], 1, "that of the hung worker")
        sensor.until(lambda: status()["workers"][0] == {
            "worker": 0, "lcore": lcore, "state": "running", "since": None, "epochs_behind": 0,
            "config_generation": 2}, "the worker is back")
        equal(traffic.poll(), None, "the traffic's end")
        traffic.terminate()
        traffic.wait()
        stats = sensor.stats_of_all_frames()
        equal(stats["accounting"]["epochs_with_error"], 0, "epochs with an error")
        assert stats["workers"][0]["frames"] > stuck, stats["workers"]
        sensor.until(lambda: not {"hung_worker", "late_worker"} & set(status()["degraded"]),
                     "the condition is over")
        said = sensor.said()
        equal(said.count(f"worker 0 on lcore {lcore} hangs"), 1, f"lines of it, {said}")
        equal(said.count(f"worker 0 on lcore {lcore} is back"), 1, f"lines of it, {said}")
        sensor.stop()


def stops_with_a_hung_worker():
    """SIGTERM with a worker that hangs: what the others have is written, a code of its own, 5 s"""
    with Sensor(two_workers()) as sensor:
        sensor.start_counting()
        send_capture(CAPTURE)
        sensor.stats_of_all_frames()
        frames = network.frames_on_tap() - sensor.before
        thread = thread_of(sensor, status()["workers"][0]["lcore"])
        with halted(thread):
            asked = time.monotonic()
            sensor.process.send_signal(signal.SIGTERM)
            code, said = wait_traced(sensor, thread), sensor.said()
            assert time.monotonic() - asked < STOP_SECONDS, time.monotonic() - asked
        equal(code, HUNG_CODE, f"exit code, {said}")
        assert "worker 0 on lcore" in said and "did not end" in said, said
        assert f"ended: {frames} frames" in said and "accounting error 0" in said, said


def stops_with_a_hung_spreader():
    """The same where the spreader hangs: it holds no worker up, nor the stop"""
    with Sensor(two_workers(spreader="on")) as sensor:
        sensor.start_counting()
        busy = {w["lcore"] for w in status()["workers"]}
        thread = thread_of(sensor, max(busy) + 1)
        with halted(thread):
            asked = time.monotonic()
            sensor.process.send_signal(signal.SIGTERM)
            code, said = wait_traced(sensor, thread), sensor.said()
            assert time.monotonic() - asked < STOP_SECONDS, time.monotonic() - asked
        equal(code, HUNG_CODE, f"exit code, {said}")
        assert "the spreader did not end" in said, said


def outlives_the_reader_of_its_log():
    """Where nobody reads standard error any more, it goes on"""
    reader, writer = os.pipe()
    with Sensor(two_workers(), stderr=writer) as sensor:
        os.close(writer)
        sensor.until(lambda: get("/readyz")[0] == 200, "/readyz is 200")
        os.close(reader)
        for generation in 2, 3:
            sensor.process.send_signal(signal.SIGHUP)
            sensor.until(lambda g=generation: status()["config_generation"] == g, "the reload")
        sensor.stop()


def ends_at_once_when_asked_twice():
    """A second signal ends it at once, whatever hangs"""
    with Sensor(two_workers()) as sensor:
        sensor.start_counting()
        thread = thread_of(sensor, status()["workers"][0]["lcore"])
        with halted(thread):
            sensor.process.send_signal(signal.SIGTERM)
            # The first is taken as the first: the other worker has ended by then.
            sensor.until(lambda: "ended" in {w["state"] for w in status()["workers"]},
                         "the stop has begun")
            asked = time.monotonic()
            sensor.process.send_signal(signal.SIGTERM)
            equal(wait_traced(sensor, thread), -signal.SIGTERM, f"exit code, {sensor.said()}")
            assert time.monotonic() - asked < 1, time.monotonic() - asked


network.lay_wire()
make_capture(CAPTURE)
main(loses_no_frame, needs_no_traffic, thresholds_change_verdicts, lists_change_verdicts, keeps_the_old_for_a_bad_file,
     names_what_needs_a_restart, environment_goes_before_the_file,
     sees_a_database_renamed_over_the_old, changes_the_level_of_the_log, names_a_hung_worker,
     stops_with_a_hung_worker, stops_with_a_hung_spreader, outlives_the_reader_of_its_log, ends_at_once_when_asked_twice)
