# SPDX-License-Identifier: BSD-3-Clause
"""`fluxgate run` on a real port: real queries to a real DNS server, a capture sent over the wire,
the JSON by HTTP, start and stop; with and without hugepages."""

import pathlib
import re
import signal
import subprocess

import network
from harness import Skip, check_schema, equal, main, scratch, wait_for
from sensor import (PATIENCE_SECONDS, Sensor, af_packet, get, get_json, queries, responses,
                    sensor_config)
from wire import DETECT, RING_FRAMES, flux_of, make_capture, send_capture, start_capture

network.isolate("dnsmasq", "dig", "tcpreplay")

HUGEPAGES = pathlib.Path("/proc/sys/vm/nr_hugepages")
SCRATCH = scratch()
CAPTURE = pathlib.Path(SCRATCH.name) / "wire.pcap"

QUESTIONS = 60


def config(**more):
    return sensor_config(af_packet(RING_FRAMES), **{"detect": DETECT, **more})


class Server:
    """dnsmasq in its namespace, answering for names of our own; ended with the block."""

    def __enter__(self):
        records = [f"--host-record=host{i}.site{i % 7}.example,20.{i}.0.1,2400:{i + 1:x}::1,300"
                   for i in range(QUESTIONS)]
        self.process = subprocess.Popen(
            network.inside("server", "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
                           "--no-resolv", "--no-hosts", "--user=root", "--pid-file",
                           f"--listen-address={network.SERVER}", "--bind-interfaces", *records),
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        wait_for(lambda: dig(["host0.site0.example A"]), PATIENCE_SECONDS, "the DNS server answers")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()


def dig(questions):
    """Addresses in the answers to questions ("NAME TYPE"), each of which is asked once."""
    batch = pathlib.Path(SCRATCH.name) / "questions"
    batch.write_text("".join(f"{q} +short +tries=1 +timeout=3\n" for q in questions))
    done = subprocess.run(
        network.inside("client", "dig", f"@{network.SERVER}", "-f", batch),
        capture_output=True, text=True, check=False)
    return done.stdout.split() if done.returncode == 0 else []


def watches_a_server():
    """Each question of dig and each answer of a real server is seen and paired"""
    with Server(), Sensor(config()) as sensor:
        sensor.start_counting()
        answers = dig([f"host{i}.site{i % 7}.example {'AAAA' if i % 2 else 'A'}"
                       for i in range(QUESTIONS)])
        equal(len(set(answers)), QUESTIONS, "addresses that dig was told")
        stats = sensor.stats_of_all_frames()
        equal(queries(stats), QUESTIONS, "queries")
        equal(responses(stats), QUESTIONS, "responses")
        equal(stats["accounting"]["dns"]["responses"]["paired"], QUESTIONS, "paired responses")
        equal(stats["accounting"]["dns"]["messages"], 2 * QUESTIONS, "messages")
        assert network.tap_is_promiscuous(), "not promiscuous"
        sensor.stop()
        assert not network.tap_is_promiscuous(), "promiscuous after the stop"


def finds_flux_on_the_wire():
    """A capture sent over the wire is counted to the last frame, its flux is found and served"""
    with Sensor(config()) as sensor:
        sensor.start_counting()
        truth = send_capture(CAPTURE)
        stats = sensor.stats_of_all_frames()
        equal(queries(stats), truth["queries"], "queries")
        equal(responses(stats), truth["responses"], "responses")
        page = get_json("/api/v1/domains")
        flagged = {d["domain"] for d in page["domains"]}
        flux = flux_of(CAPTURE)
        assert flagged and flagged <= flux, f"flagged {flagged}, expected some of {flux}"
        for name in flagged:
            detail = get_json(f"/api/v1/domains/{name}")
            equal(detail["domain"], name, "domain")
            assert detail["reasons"] and detail["sample"], detail
            explained = get_json(f"/api/v1/explain/www.{name}")
            equal((explained["domain"], explained["flagged"], explained["verdict"]["class"]),
                  (name, True, detail["class"]), "domain, flagged and class as explained")
            check_schema(explain=explained, domain=detail)
        events = get_json("/api/v1/events")
        check_schema(events=events)
        assert flagged <= {e["domain"] for e in events["events"]}, events
        equal(get("/api/v1/events?since=1")[0], 410, "status of events of another run")
        equal(get("/api/v1/explain/nobody.example")[0], 404, "status of a name not known")
        equal(get("/api/v1/domains/nobody.example")[0], 404, "status of a name not flagged")
        sensor.stop()


def serves_every_page():
    """Status, statistics, domains, metrics, livez and readyz answer while it runs"""
    with Sensor(config()) as sensor:
        sensor.ready()
        equal(get("/livez")[0], 200, "status of /livez")
        status = get_json("/api/v1/status")
        equal((status["ready"], status["mode"], status["accounting_error"]), (True, "live", 0),
              "ready, mode, accounting error")
        equal(status["ports"][0]["name"], "net_af_packet0", "port")
        for path in "/api/v1/status", "/api/v1/stats", "/api/v1/domains":
            equal(get_json(path)["schema_version"], 1, f"schema version of {path}")
        code, metrics = get("/metrics")
        equal(code, 200, "status of /metrics")
        assert re.search(r"^fluxgate_accounting_error 0$", metrics, re.M), metrics[:2000]
        epoch = get_json("/api/v1/stats")["epoch"]
        sensor.until(lambda: get_json("/api/v1/stats")["epoch"] >= epoch + 2,
                     "epochs go on without traffic")
        sensor.stop()


def stops_and_starts():
    """It ends on SIGTERM and on SIGINT within 5 s with exit code 0, and starts again"""
    for by in signal.SIGTERM, signal.SIGINT, signal.SIGTERM:
        with Sensor(config()) as sensor:
            sensor.ready()
            sensor.stop(by)
            assert "accounting error 0" in sensor.said(), sensor.said()


def starts_after_a_kill():
    """It starts again after it was killed"""
    with Sensor(config()) as sensor:
        sensor.ready()
        sensor.process.kill()
        sensor.process.wait()
    with Sensor(config()) as sensor:
        sensor.ready()
        sensor.stop()


def stops_under_load():
    """It ends in time while frames arrive, and has counted all that it took"""
    with Sensor(config()) as sensor:
        sensor.start_counting()
        load = start_capture(CAPTURE, loops=3)
        try:
            sensor.until(lambda: get_json("/api/v1/stats")["accounting"]["dns"]["messages"] > 0,
                         "messages arrive")
            sensor.stop()
            assert load.poll() is None, "the load ended before the sensor"
            assert "accounting error 0" in sensor.said(), sensor.said()
        finally:
            load.kill()
            load.wait()


def tells_of_missing_hugepages():
    """Missing hugepages give one line with the remedy, and exit code 6"""
    # More than any test machine has, so that hugepages in use by others do not matter.
    store = {"door_entries": 1 << 30, "candidates": 1 << 28}
    with Sensor(config(eal={"huge": True}, store=store)) as sensor:
        code = sensor.process.wait(timeout=PATIENCE_SECONDS)
        said = sensor.said().splitlines()
        equal(code, 6, f"exit code, {said}")
        assert said[-1].startswith("fluxgate: hugepages: "), said
        assert "MiB needed" in said[-1] and "nr_hugepages" in said[-1], f"no remedy: {said}"
        equal(sum("hugepages" in line for line in said), 1, f"lines about hugepages, {said}")


def hugepages(what):
    return int(re.search(rf"{what}:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())[1])


def runs_on_hugepages():
    """It runs on hugepages too"""
    if hugepages("Hugepagesize") != 2048:
        raise Skip("hugepages here are not of 2 MiB")
    had, wanted = hugepages("HugePages_Total"), 512
    try:
        HUGEPAGES.write_text(str(had + max(0, wanted - hugepages("HugePages_Free"))))
        if hugepages("HugePages_Free") < wanted:
            raise Skip(f"this machine has no {wanted} hugepages to spare")
        with Sensor(config(eal={"huge": True})) as sensor:
            sensor.start_counting()
            truth = send_capture(CAPTURE)
            equal(responses(sensor.stats_of_all_frames()), truth["responses"], "responses")
            sensor.stop()
    finally:
        HUGEPAGES.write_text(str(had))


network.lay_wire()
make_capture(CAPTURE)
main(watches_a_server, finds_flux_on_the_wire, serves_every_page, stops_and_starts,
     starts_after_a_kill, stops_under_load, tells_of_missing_hugepages, runs_on_hugepages)
