# SPDX-License-Identifier: BSD-3-Clause
"""`fluxgate run` under a load of real exchanges: each frame accounted for, while its settings
change, while the interface answers pings, and when it is ended or killed in the middle.

After fluxgate and trafficgen it takes --seconds, --rate and --port; without them it is quick.
"""

import argparse
import contextlib
import re
import signal
import subprocess
import sys
import time

import network
from harness import Skip, equal, leaves, main, wait_for
from nameserver import PROGRAMS, Dnsperf, Knot, cpu_seconds, pinned
from sensor import (PATIENCE_SECONDS, Sensor, af_packet, get_json, queries, responses,
                    sensor_config)

network.isolate(*PROGRAMS, "ethtool", "ping", "curl")

parser = argparse.ArgumentParser(prog="load.py", description=__doc__)
parser.add_argument("fluxgate")
parser.add_argument("trafficgen")
parser.add_argument("--seconds", type=int, default=6, help="length of the load")
parser.add_argument("--rate", type=int, default=20000,
                    help="frames a second over UDP, half of them responses")
parser.add_argument("--least", type=float, default=0.5,
                    help="share of the rate that must have been on the wire")
OPTIONS = parser.parse_args()

# Besides the rate, so many queries a second over TCP for each hundred frames a second over UDP.
TCP_QUERIES_IN_100 = 2
SHORT_SECONDS = 3

# A third of a second at 50,000 frames a second, while the worker's processor is taken from it.
RING_FRAMES = 16384

PING_SECONDS = 0.1


def settings():
    return sensor_config(af_packet(RING_FRAMES), lcores="0@0,1@1", pairing={"entries": 1 << 18},
                         shard={"entries": 1 << 16}, store={"door_entries": 1 << 17,
                                                            "candidates": 1 << 16,
                                                            "domains": 4096})


def heard():
    """Frames that an AF_PACKET socket on the tap hears: what came, and what the tap has sent."""
    tap = network.link_counters("tap0")
    return tap["rx"]["packets"] + tap["tx"]["packets"]


class Load:
    """Queries over UDP and TCP of so many seconds, at the rate; ended with the block."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.clients = contextlib.ExitStack()

    def __enter__(self):
        self.udp = self.clients.enter_context(Dnsperf(OPTIONS.rate // 2, self.seconds))
        self.tcp = self.clients.enter_context(
            Dnsperf(OPTIONS.rate * TCP_QUERIES_IN_100 // 100, self.seconds, over="tcp"))
        return self

    def __exit__(self, *_):
        self.clients.close()

    def running(self):
        return self.udp.running() and self.tcp.running()


class Ping:
    """The client pings the tap until it is asked for the result; ended with the block."""

    def __enter__(self):
        self.process = subprocess.Popen(
            network.inside("client", "ping", "-n", "-i", PING_SECONDS, network.TAP),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def counts(self):
        """Requests and replies. A reply to the last request may still be on its way."""
        self.process.send_signal(signal.SIGINT)
        text = self.process.communicate(timeout=10)[0]
        found = re.search(r"(\d+) packets transmitted, (\d+) received", text)
        assert found, f"ping: {text}"
        return int(found[1]), int(found[2])


class Wire:
    """The kernel's counters from now on."""

    NAMES = "hub-client", "hub-server", "hub-tap", "tap0"

    def __init__(self):
        self.start = self.read()

    def read(self):
        return {name: network.link_counters(name) for name in self.NAMES}

    def since(self, name, way, what):
        return self.read()[name][way][what] - self.start[name][way][what]

    def offered(self):
        """Frames of client and server, each of which the hub repeats to the tap."""
        return sum(self.since(name, "rx", "packets") for name in ("hub-client", "hub-server"))


def table(rows):
    for what, number, note in rows:
        number = f"{number:.1f}" if isinstance(number, float) else f"{number}"
        print(f"#   {what:<28}{number:>12}  {note}")


def print_figures(wire, seconds, stats, port, cpu):
    """What was measured, as comments of TAP."""
    offered = wire.offered()
    brought = wire.since("tap0", "rx", "packets")
    rows = [
        ("frames on the wire", offered, f"{offered / seconds:.0f} a second"),
        ("lost in the hub", wire.since("hub-tap", "tx", "dropped"), ""),
        ("brought to the tap", brought, ""),
        ("sent by the tap", wire.since("tap0", "tx", "packets"), "replies to pings"),
        ("dropped by the tap", wire.since("tap0", "rx", "dropped"), ""),
        ("received by the sensor", stats["accounting"]["rx"]["received"], ""),
        ("missed, told by the sensor", port["missed"] + port["no_mbuf"], ""),
        ("queries", queries(stats), ""),
        ("responses", responses(stats), ""),
        ("paired", stats["accounting"]["dns"]["responses"]["paired"], ""),
    ]
    rows += [(f"CPU seconds of {name}", sum(times), "%.1f user, %.1f system" % times)
             for name, times in cpu.items()]
    table(rows)


def check_exchanges(stats, udp, tcp):
    """The sensor saw what the clients say, where the clients lost nothing."""
    dns = stats["accounting"]["dns"]
    equal(queries(stats), udp["sent"], "queries over UDP that were seen, and sent")
    if udp["lost"]:
        # Late responses were on the wire as well.
        assert udp["completed"] <= responses(stats) <= udp["sent"], (responses(stats), udp)
        return
    equal(responses(stats), udp["completed"], "responses over UDP that were seen, and completed")
    equal(dns["responses"]["paired"], udp["codes"]["NOERROR"], "paired responses, and NOERROR")
    equal(dns["responses"]["without_evidence"]["rcode"], udp["codes"]["NXDOMAIN"],
          "responses without evidence, and NXDOMAIN")


def accounts_for_each_frame():
    """Each frame of the load is accounted for, pings are answered, exchanges equal the clients'"""
    with Knot() as knot, Sensor(settings(), heard) as sensor:
        sensor.start_counting()
        wire, began = Wire(), time.monotonic()
        with Load(OPTIONS.seconds) as load, Ping() as ping:
            udp, tcp = load.udp.counts(), load.tcp.counts()
            seconds = time.monotonic() - began
            requests, replies = ping.counts()
        stats = sensor.stats_of_all_frames()
        port = get_json("/api/v1/status")["ports"][0]
        print_figures(wire, seconds, stats, port, {
            "fluxgate": cpu_seconds(sensor.process), "knotd": cpu_seconds(knot.process),
            "dnsperf, UDP": udp["cpu"], "dnsperf, TCP": tcp["cpu"]})
        equal(wire.offered(), wire.since("tap0", "rx", "packets"), "frames on wire, and at tap")
        check_exchanges(stats, udp, tcp)
        # The last request may have been sent as ping was told to end.
        assert requests - replies <= 1 and replies > OPTIONS.seconds, (requests, replies)
        rate = wire.offered() / OPTIONS.seconds
        assert rate >= OPTIONS.least * OPTIONS.rate, f"{rate:.0f} frames a second on the wire"
        sensor.stop()
        assert "accounting error 0" in sensor.said(), sensor.said()


def messages():
    return get_json("/api/v1/stats")["accounting"]["dns"]["messages"]


def ends_under_load():
    """SIGTERM ends it in time with exit code 0 in the middle of the load"""
    with Knot(), Sensor(settings(), heard) as sensor:
        sensor.start_counting()
        with Load(SHORT_SECONDS + PATIENCE_SECONDS) as load:
            sensor.until(lambda: messages() > OPTIONS.rate, "messages arrive")
            sensor.stop()
            assert load.running(), "the load ended before the sensor"
        assert "accounting error 0" in sensor.said(), sensor.said()


def starts_after_a_kill():
    """Killed in the middle of the load it starts again, in the middle of the load"""
    with Knot(), Load(PATIENCE_SECONDS) as load:
        for _ in range(2):
            with Sensor(settings(), heard) as sensor:
                sensor.ready()
                sensor.until(lambda: messages() > OPTIONS.rate, "messages arrive")
                sensor.process.kill()
                sensor.process.wait()
        with Sensor(settings(), heard) as sensor:
            sensor.ready()
            sensor.until(lambda: messages() > OPTIONS.rate, "messages arrive")
            assert load.running(), "the load ended before the sensor"
            sensor.stop()
            assert "accounting error 0" in sensor.said(), sensor.said()


network.lay_wire()
network.plain_frames()
network.address_tap()
main(accounts_for_each_frame, ends_under_load, starts_after_a_kill)
