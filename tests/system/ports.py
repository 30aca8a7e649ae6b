# SPDX-License-Identifier: BSD-3-Clause
"""`fluxgate run` on ports of one and of several queues, with and without the spreader: the same
capture, sent over the wire, must give the same verdicts, and the port line must add up."""

import json
import os
import pathlib
import re
import signal
import subprocess

import network
from harness import DEMO, FLUXGATE, equal, fluxgate, main, scratch, wait_for
from sensor import LISTEN, PATIENCE_SECONDS, get, get_json
from wire import DETECT, RING_FRAMES, make_capture, send_capture

network.isolate("tcpreplay")

SCRATCH = scratch()
CAPTURE = pathlib.Path(SCRATCH.name) / "wire.pcap"


def config(workers, queues, **more):
    device = (f"net_af_packet0,iface=tap0,blocksz=65536,framesz=2048,framecnt={RING_FRAMES},"
              f"qpairs={queues}")
    return {
        "epoch_seconds": 1,
        "workers": workers,
        "eal": {"huge": False},
        "ports": [{"device": device, "vantage": "resolver"}],
        "networks": {"asn_db": str(DEMO / "asn.mmdb"), "country_db": str(DEMO / "country.mmdb")},
        "pairing": {"entries": 65536},
        "shard": {"entries": 16384, "details_small": 4096, "details_large": 1024,
                  "name_octets": 4194304},
        "store": {"door_entries": 65536, "candidates": 16384, "domains": 1024},
        "http": {"listen": LISTEN},
        "detect": DETECT,
        **more,
    }


class Sensor:
    """A running `fluxgate run`, ended with the block."""

    def __init__(self, settings):
        self.folder = scratch()
        self.path = pathlib.Path(self.folder.name)
        (self.path / "config.json").write_text(json.dumps(settings))
        self.log = open(self.path / "log", "w+", encoding="utf-8")
        self.process = subprocess.Popen([FLUXGATE, "run", "-c", str(self.path / "config.json")],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def __enter__(self):
        self.until(lambda: "fluxgate: running" in self.said(), "the port is up")
        self.until(lambda: get("/readyz")[0] == 200, "/readyz is 200")
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log.close()
        self.folder.cleanup()

    def said(self):
        return (self.path / "log").read_text()

    def until(self, condition, what):
        def look():
            assert self.process.poll() is None, (
                f"ended with exit code {self.process.returncode}: {self.said()}")
            return condition()
        return wait_for(look, PATIENCE_SECONDS, what)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        equal(self.process.wait(timeout=20), 0, f"exit code, {self.said()}")
        assert "accounting error 0" in self.said(), self.said()


def port_line(port):
    """Terms of a port as they are exported; each side of the reconciliation."""
    return port["offered"], (port["received"] + port["missed"] + port["errors"] + port["no_mbuf"]
                             + port["spreader_dropped"] + port["in_flight"] + port["unknown"])


def observe(settings, says):
    """What a sensor with these settings makes of the capture."""
    with Sensor(settings) as sensor:
        assert re.search(says, sensor.said()), f"no {says}: {sensor.said()}"
        before = network.frames_on_tap()
        truth = send_capture(CAPTURE)

        def whole():
            stats = get_json("/api/v1/stats")
            brought = network.frames_on_tap() - before
            return stats if stats["accounting"]["rx"]["received"] == brought else None
        stats = sensor.until(whole, "all frames of the tap are counted")
        equal(stats["accounting"]["accounting_error"], 0, "accounting error")
        responses = stats["accounting"]["dns"]["responses"]
        equal(responses["unpaired"], truth["responses"] - responses["paired"]
              - responses.get("conflicting", 0) - responses.get("duplicate", 0)
              - sum(responses["without_evidence"].values()), "responses, by fate")
        port = stats["accounting"]["port"][0]
        equal(*port_line(port), f"port line, {port}")
        equal((port["offered"], port["received"], port["unknown"], port["in_flight"]),
              (network.frames_on_tap() - before,) * 2 + (0, 0), f"port line, {port}")
        status = get_json("/api/v1/status")
        equal((port["vantage"], port["profile"], port["link"]),
              ("resolver", "af_packet", "up"), "port")
        assert not {"nic_loss", "link_down"} & set(status["degraded"]), status
        workers = [w["frames"] for w in stats["workers"]]
        equal(sum(workers), port["received"], "frames of all workers")
        assert all(workers), f"a worker got nothing: {workers}"
        verdicts = sorted(d["domain"] for d in get_json("/api/v1/domains?limit=1000")["domains"])
        metrics = get("/metrics")[1]
        assert 'fluxgate_port_info{port="net_af_packet0",profile="af_packet",vantage="resolver"} 1' \
            in metrics, metrics
        sensor.stop()
    assert verdicts, "nothing was flagged"
    return verdicts, {k: v for k, v in responses.items() if k != "without_evidence"}


class Expected:
    """What one worker says; the others are held against it."""
    value = None


def one_worker():
    """One worker on one queue: the verdicts that all others must give"""
    Expected.value = observe(config(1, 1), "no spreader: one worker")


def same(settings, says):
    equal(observe(settings, says), Expected.value, "verdicts and responses")


def two_queues():
    """Two workers on two queues of the kernel's fan-out give the same"""
    same(config(2, 2), "no spreader: the ports spread")


def four_queues():
    """Four workers on four queues give the same"""
    same(config(4, 4), "no spreader: the ports spread")


def spreader_on_one_queue():
    """Four workers behind the spreader on one queue give the same"""
    same(config(4, 1), "spreader: port net_af_packet0 has 1 queue for 4 workers")


def spreader_on_two_queues():
    """Two workers behind the spreader on two queues, all of them polled, give the same"""
    same(config(2, 2, spreader="on"), "spreader: asked for")


def more_queues_than_workers():
    """One worker polls all four queues that the port has"""
    same(config(1, 4), "profile af_packet, 4 queues")


def too_few_queues():
    """Fewer queues than workers with the spreader off are refused with the remedy"""
    settings = pathlib.Path(SCRATCH.name) / "few.json"
    settings.write_text(json.dumps(config(2, 1, spreader="off")))
    done = fluxgate("run", "-c", settings)
    equal(done.returncode, 6, f"exit code, {done.stderr}")
    assert '2 workers need as many queues, it has 1' in done.stderr, done.stderr


def wrong_profile():
    """A profile with an unknown key is refused with its file and path"""
    with scratch() as folder:
        (pathlib.Path(folder) / "a.json").write_text('{"quues": {}}')
        settings = pathlib.Path(folder) / "config"
        settings.write_text(json.dumps(config(1, 1, drivers={"profiles": folder})))
        done = fluxgate("run", "-c", settings)
    equal(done.returncode, 3, f"exit code, {done.stderr}")
    assert "a.json: quues: unknown key" in done.stderr, done.stderr


def no_profile():
    """Without any profile two workers still give the same, by the spreader"""
    with scratch() as folder:
        settings = config(2, 1, drivers={"profiles": folder})
        with Sensor(settings) as sensor:
            assert "profile generic" in sensor.said() and "spreader: port" in sensor.said()
            truth = send_capture(CAPTURE)
            sensor.until(lambda: get_json("/api/v1/stats")["accounting"]["rx"]["received"]
                         >= truth["packets"], "all frames are counted")
            port = get_json("/api/v1/status")["ports"][0]
            equal((port["offered"], port["unknown"]), (None, None), "what nobody counts")
            verdicts = sorted(d["domain"]
                              for d in get_json("/api/v1/domains?limit=1000")["domains"])
            sensor.stop()
    equal(verdicts, Expected.value[0], "verdicts")


def flood():
    """A flood of frames that all go to one worker is dropped by the spreader, counted and told"""
    settings = config(2, 1, spreader="on", ports=[{"device": "net_null0,size=64"}])
    with Sensor(settings) as sensor:
        def flooded():
            status = get_json("/api/v1/status")
            port = status["ports"][0]
            told = port["spreader_dropped"] and port["loss_rate"] and status["imbalance"]
            return status if told else None
        status = sensor.until(flooded, "the spreader dropped")
        port = status["ports"][0]
        assert {"nic_loss", "queue_imbalance"} <= set(status["degraded"]), status
        assert status["imbalance"] > 1.5, status
        assert 0 < port["loss_rate"] < 1, port
        # What lies between driver and workers: their rings, a hand each, and what was read later.
        equal(port["driver_received"],
              port["received"] + port["spreader_dropped"] + port["in_flight"], "frames of the port")
        equal(status["accounting_error"], 0, "accounting error")
        sensor.stop()


os.environ.pop("FLUXGATE_CONFIG", None)
network.lay_wire()
make_capture(CAPTURE)
main(one_worker, two_queues, four_queues, spreader_on_one_queue, spreader_on_two_queues,
     more_queues_than_workers, too_few_queues, wrong_profile, no_profile,
     flood)
