# SPDX-License-Identifier: BSD-3-Clause
"""What other programs take from a sensor: the blocking zone, on the disk and by HTTP."""

import csv
import hashlib
import io
import json
import pathlib
import shutil
import signal
import subprocess

import network
from harness import check_schema, equal, main, scratch, skip_all
from sensor import LISTEN, Sensor, af_packet, get, get_json, sensor_config
from wire import DETECT, RING_FRAMES, make_capture, send_capture, truth_of

network.isolate("tcpreplay", "curl")
if not shutil.which("named-checkzone"):
    skip_all("needs named-checkzone (bind9-utils)")

SCRATCH = scratch()
CAPTURE = pathlib.Path(SCRATCH.name) / "wire.pcap"

ZONE = "rpz.test"


class Place:
    """A folder for what a sensor writes, and a sensor's configuration to go with it."""

    def __init__(self, name):
        self.path = pathlib.Path(SCRATCH.name) / name
        self.path.mkdir()
        self.zone = self.path / "rpz.zone"

    def config(self, more=None, **rpz):
        rpz = {"file": str(self.zone), "zone": ZONE, "mode": "block", "min_age_seconds": 0,
               "warmup_seconds": 0, "suspected": True, **rpz}
        return sensor_config(af_packet(RING_FRAMES), detect={**DETECT, "clear_after": 0},
                             export={"rpz": rpz},
                             state={"path": str(self.path / "state"), "interval_seconds": 1},
                             **(more or {}))


def flagged():
    return {d["domain"]: d for d in get_json("/api/v1/domains?limit=1000")["domains"]}


def blocking():
    return get_json("/api/v1/blocking")


def reasons():
    return {d["domain"]: d["reason"] for d in blocking()["domains"]}


def blocked(text):
    """The names that a zone refuses, each with all below it."""
    owners = {line.split()[0] for line in text.splitlines() if line.endswith(" CNAME .")}
    names = {o for o in owners if not o.startswith("*.")}
    equal(owners, names | {f"*.{n}" for n in names}, "owners in the zone")
    return names


def checked(path):
    """The serial of a zone that named-checkzone finds right."""
    done = subprocess.run(["named-checkzone", ZONE, path], capture_output=True, text=True,
                          check=False)
    equal(done.returncode, 0, f"named-checkzone: {done.stdout}{done.stderr}")
    return int(done.stdout.split("serial ")[1].split()[0])


def feed_time():
    return int(next(iter(get_json("/api/v1/export/misp/manifest.json").values()))["timestamp"])


def attribute_times():
    return {a["value"]: int(a["timestamp"])
            for a in get_json("/api/v1/export/misp")["Event"]["Attribute"]}


def judged(sensor):
    """Waits until epochs bring nothing new, and the gate has seen all that is flagged."""
    def settled():
        names, epoch = set(flagged()), get_json("/api/v1/stats")["epoch"]
        sensor.until(lambda: get_json("/api/v1/stats")["epoch"] >= epoch + 4, "epochs go by")
        now = flagged()
        return now and set(now) == names == set(reasons()) and now

    return sensor.until(settled, "the gate has judged what is flagged")


def curl(path, *arguments):
    done = subprocess.run(["curl", "-s", "-m", "20", "-D", "-", *arguments,
                           f"http://{LISTEN}{path}"], capture_output=True, text=True, check=True)
    head, _, body = done.stdout.partition("\n\n")
    status, *fields = head.split("\n")
    return int(status.split()[1]), {k.lower(): v for k, _, v in
                                    (f.partition(": ") for f in fields)}, body


def unchanged(path, content_type):
    """The page is the same under its tag: 304 without a body; and another one otherwise."""
    status, fields, body = curl(path)
    equal((status, fields["content-type"]), (200, content_type), f"status and type of {path}")
    status, again, nothing = curl(path, "-H", f"If-None-Match: {fields['etag']}")
    equal((status, again["etag"], nothing), (304, fields["etag"], ""), f"{path} under its tag")
    equal(curl(path, "-H", 'If-None-Match: "other"')[0], 200, f"{path} under another tag")
    return body


def says_what_it_would_block():
    """By default nothing is blocked: the zone is empty, what would be is logged and listed"""
    place = Place("log")
    settings = place.config(mode="log")
    with Sensor(settings) as sensor:
        sensor.ready()
        serial = checked(place.zone)
        send_capture(CAPTURE)
        names = set(judged(sensor))
        equal(set(reasons().values()), {"listed"}, "what the gate says")
        equal((blocked(place.zone.read_text()), checked(place.zone)), (set(), serial), "the zone")
        equal(get("/api/v1/export/rpz")[1], place.zone.read_text(), "the zone by HTTP")
        preview = unchanged("/api/v1/export/rpz?preview=1", "text/dns")
        equal(blocked(preview), names, "the preview")
        for name in names:
            assert f"rpz: would block {name} " in sensor.said(), sensor.said()
        # Turned on, it blocks what it said.
        settings["export"]["rpz"]["mode"] = "block"
        sensor.configure(settings)
        sensor.process.send_signal(signal.SIGHUP)
        sensor.until(lambda: blocked(place.zone.read_text()) == names, "it blocks")
        assert checked(place.zone) > serial, "the serial has not risen"
        equal(get("/api/v1/export/rpz")[1], place.zone.read_text(), "the zone by HTTP")
        sensor.stop()


def blocks():
    """Flagged domains are in the zone, on the disk and by HTTP; named-checkzone takes it"""
    place = Place("block")
    with Sensor(place.config()) as sensor:
        sensor.ready()
        equal(get("/api/v1/export/rpz?preview=2")[0], 400, "status of another parameter")
        send_capture(CAPTURE)
        names = set(judged(sensor))
        sensor.until(lambda: blocked(place.zone.read_text()) == names, "all are in the zone")
        serial = checked(place.zone)
        body = unchanged("/api/v1/export/rpz", "text/dns")
        equal(body, place.zone.read_text(), "the zone by HTTP")
        report = blocking()
        check_schema(blocking=report)
        equal((report["listed"], report["serial"], report["mode"]), (len(names), serial, "block"),
              "listed, serial, mode")
        # Epochs go by and nothing changes: no new serial.
        epoch = get_json("/api/v1/stats")["epoch"]
        sensor.until(lambda: get_json("/api/v1/stats")["epoch"] >= epoch + 2, "epochs go by")
        equal((place.zone.read_text(), checked(place.zone)), (body, serial), "the zone")
        # What is blocked and since when outlasts the process, however it ends.
        saves = get_json("/api/v1/status")["state"]["saves"]
        sensor.until(lambda: get_json("/api/v1/status")["state"]["saves"] >= saves + 2, "saved")
        before = blocking()["domains"]
        sensor.process.kill()
        sensor.process.wait()
    with Sensor(place.config()) as sensor:
        sensor.ready()
        judged(sensor)
        equal(blocking()["domains"], before, "what is blocked after a kill")
        equal((checked(place.zone), place.zone.read_text()), (serial, body), "the zone, too")
        sensor.stop()


def speaks_every_form():
    """What is flagged is in the STIX bundle, the MISP feed, passive DNS and the CSV"""
    tops = {d["domain"].rpartition(".")[2] for d in truth_of(CAPTURE)["domains"]}
    with Sensor(Place("forms").config(own_zones=sorted(tops))) as sensor:
        sensor.ready()
        send_capture(CAPTURE)
        names = judged(sensor)
        # Tags are of the content: what is measured may move meanwhile, what is said must not.
        stix = json.loads(unchanged("/api/v1/export/stix", "application/stix+json;version=2.1"))
        indicators = {o["name"]: o for o in stix["objects"] if o["type"] == "indicator"}
        equal(set(indicators), set(names), "indicators")
        for indicator in indicators.values():
            assert "protected:own_zone" in indicator["labels"], indicator
        misp = json.loads(unchanged("/api/v1/export/misp", "application/json"))
        equal({a["value"] for a in misp["Event"]["Attribute"]}, set(names), "attributes")
        check_schema(stix=stix, misp=misp)
        manifest = get_json("/api/v1/export/misp/manifest.json")
        equal(get_json(f"/api/v1/export/misp/{list(manifest)[0]}.json"), misp, "event of the feed")
        hashes = dict(line.split(",") for line in get("/api/v1/export/misp/hashes.csv")[1].split())
        equal(hashes, {hashlib.md5(n.encode()).hexdigest(): list(manifest)[0] for n in names},
              "hashes")

        def passive_dns():
            cof = [json.loads(line) for line in get("/api/v1/export/cof")[1].splitlines()]
            sample = {(n, s["address"]) for n in names
                      for s in get_json(f"/api/v1/domains/{n}")["sample"]}
            return {(c["rrname"], c["rdata"]) for c in cof} == {s for s in sample if "/" not in s[1]}

        # Between two answers lies a snapshot, as long as the capture's last epochs come in.
        sensor.until(passive_dns, "passive DNS has the sampled addresses")
        rows = list(csv.DictReader(io.StringIO(get("/api/v1/export/csv")[1], newline="")))
        equal({r["domain"]: r["class"] for r in rows},
              {n: d["class"] for n, d in names.items()}, "rows of the CSV")
        equal(get("/api/v1/export/none")[0], 404, "status of another form")
        sensor.stop()


def protects():
    """Own zones, a cold start, a verdict's age: nothing of it is blocked, and it is said why"""
    place = Place("protect")
    settings = place.config(warmup_seconds=3600)
    with Sensor(settings) as sensor:
        sensor.ready()
        send_capture(CAPTURE)
        names = sorted(judged(sensor))
        equal(set(reasons().values()), {"warmup"}, "why not")
        assert blocking()["warm_at"], blocking()

        def reload(**rpz):
            settings["export"]["rpz"].update(rpz)
            sensor.configure(settings)
            sensor.process.send_signal(signal.SIGHUP)
        reload(warmup_seconds=0, min_age_seconds=3600)
        sensor.until(lambda: set(reasons().values()) == {"min_age"}, "too young")
        times, feed = attribute_times(), feed_time()
        reload(min_age_seconds=0, own_zones=[f"deep.below.{names[0]}"])
        sensor.until(lambda: blocking()["listed"] == len(names) - 1, "the others are blocked")
        equal(reasons()[names[0]], "own_zone", "why the first is not")
        # Who polls the feed asks for it again, and takes what moved.
        assert feed_time() > feed, (feed_time(), feed)
        moved = {n for n, time in attribute_times().items() if time > times[n]}
        equal(moved, {names[0]}, "what moved in the feed")
        # What is decided is shown before it is on the disk.
        sensor.until(lambda: blocked(place.zone.read_text()) == set(names[1:]), "the zone")
        checked(place.zone)
        sensor.stop()


def freezes():
    """More additions than an hour may have freeze the rest, until the limit is raised"""
    place = Place("freeze")
    settings = place.config(additions_per_hour=1)
    with Sensor(settings) as sensor:
        sensor.ready()
        send_capture(CAPTURE)
        names = judged(sensor)
        sensor.until(lambda: sorted(reasons().values()) == ["frozen"] * (len(names) - 1) +
                     ["listed"], "one is blocked")
        sensor.until(lambda: len(blocked(place.zone.read_text())) == 1, "it is in the zone")
        sensor.until(lambda: "rpz_frozen" in get_json("/api/v1/status")["degraded"], "degraded")
        check_schema(status=get_json("/api/v1/status"))
        assert "additions are frozen for an hour" in sensor.said(), sensor.said()
        settings["export"]["rpz"]["additions_per_hour"] = 100
        sensor.configure(settings)
        sensor.process.send_signal(signal.SIGHUP)
        sensor.until(lambda: blocked(place.zone.read_text()) == set(names), "all are blocked")
        sensor.until(lambda: "rpz_frozen" not in get_json("/api/v1/status")["degraded"],
                     "degraded no longer")
        sensor.stop()


network.lay_wire()
make_capture(CAPTURE)
main(says_what_it_would_block, blocks, speaks_every_form, protects, freezes)
