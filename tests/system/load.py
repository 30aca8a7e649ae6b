# SPDX-License-Identifier: BSD-3-Clause
"""`fluxgate run` under a load of real exchanges: each frame accounted for, while its settings
change, while the interface answers pings, and when it is ended or killed in the middle.

After fluxgate and trafficgen it takes --seconds, --rate and more; without them it is quick.
"""

import argparse
import contextlib
import functools
import os
import re
import signal
import subprocess
import time

import network
from harness import equal, go_first, main, skip_all, wait_for
from nameserver import PROGRAMS, Dnsperf, Knot, cpu_seconds
from sensor import (PATIENCE_SECONDS, Sensor, af_packet, get_json, queries, responses,
                    sensor_config)

network.isolate(*PROGRAMS, "ethtool", "ping")

parser = argparse.ArgumentParser(prog="load.py", description=__doc__)
parser.add_argument("fluxgate")
parser.add_argument("trafficgen")
parser.add_argument("--seconds", type=int, default=5, help="length of the load")
parser.add_argument("--rate", type=int, default=20000,
                    help="frames a second over UDP, half of them responses")
parser.add_argument("--least", type=float, default=0.5,
                    help="share of the rate that must have been on the wire")
parser.add_argument("--ports", nargs="+", default=["AF_PACKET", "AF_XDP"])
OPTIONS = parser.parse_args()

# Besides the rate, so many queries a second over TCP for each hundred frames a second over UDP.
TCP_QUERIES_IN_100 = 2

# A third of a second at 50,000 frames a second, while the worker's processor is taken from it.
RING_FRAMES = 16384

PING_SECONDS = 0.1

# So many snapshots without another frame: none is on its way.
SETTLED = 3


def settings(port):
    return sensor_config(port.device, lcores="0@0,1@1", pairing={"entries": 1 << 18},
                         shard={"entries": 1 << 16},
                         store={"door_entries": 1 << 17, "candidates": 1 << 16, "domains": 4096})


class AfPacket:
    """The port hears a copy of each frame; the kernel goes on with its own."""

    name = "AF_PACKET"
    device = af_packet(RING_FRAMES)
    # It would hear the replies as well, which nobody has sent to it.
    pinged = False

    @staticmethod
    def offered(_):
        """Frames for the sensor, by the kernel's count."""
        return network.frames_on_tap()

    @staticmethod
    def check(stats, port, wire, pings):
        """What the sensor says of its port is what the kernel says."""
        equal(port["offered"], wire.since("tap0", "rx", "packets"),
              "frames offered, as told by the sensor, and by the kernel")


class AfXdp:
    """Our XDP program takes what may be DNS off the interface, and leaves the kernel the rest."""

    name = "AF_XDP"
    device = {"device": "net_af_xdp0,iface=tap0", "rx_descriptors": 8192}
    pinged = True
    TAKEN = "redirect_dns_udp", "redirect_dns_tcp", "redirect_fragment", "redirect_tunnel"

    @classmethod
    def offered(cls, stats):
        """Frames for the sensor, by the program's count of what it redirected."""
        return sum(cls.causes(stats)[cause] for cause in cls.TAKEN)

    @staticmethod
    def causes(stats):
        return stats["accounting"]["port"][0]["xdp"]

    @classmethod
    def check(cls, stats, port, wire, pings):
        """The program has counted each frame of the tap by its cause, pings as such."""
        causes = cls.causes(stats)
        table((f"XDP {cause}", n, "") for cause, n in causes.items() if n)
        equal(sum(causes.values()), wire.since("tap0", "rx", "packets"),
              "causes of the program, and frames that the kernel brought to the tap")
        equal((causes["pass_other"], causes["redirect_failed"]), (pings, 0),
              "frames passed to the kernel, and not redirected")
        # The kernel's interface counts a frame that found the ring full.
        equal(cls.offered(stats) - stats["accounting"]["rx"]["received"],
              wire.since("tap0", "rx", "dropped"), "frames lost, and dropped by the tap")


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


LOST = "missed", "errors", "no_mbuf", "spreader_dropped", "in_flight", "unknown"


def print_figures(wire, seconds, stats, port, cpu):
    """What was measured, as comments of TAP."""
    offered = wire.offered()
    rows = [
        ("frames on the wire", offered, f"{offered / seconds:.0f} a second"),
        ("lost in the hub", wire.since("hub-tap", "tx", "dropped"), ""),
        ("brought to the tap", wire.since("tap0", "rx", "packets"), ""),
        ("dropped by the tap", wire.since("tap0", "rx", "dropped"), ""),
        ("received by the sensor", stats["accounting"]["rx"]["received"], ""),
    ]
    rows += [(f"{name}, told by the sensor", port[name], "") for name in LOST if port[name]]
    rows += [
        ("queries", queries(stats), ""),
        ("responses", responses(stats), ""),
        ("paired", stats["accounting"]["dns"]["responses"]["paired"], ""),
    ]
    rows += [(f"CPU seconds of {name}", sum(times), "%.1f user, %.1f system" % times)
             for name, times in cpu.items()]
    table(rows)


def settled(sensor, port):
    """Once all frames are in the statistics, or no more come for some seconds: the statistics, how
    many frames are not in them, and what the sensor says of its port."""
    last = {"received": -1}

    def still():
        stats = get_json("/api/v1/stats")
        received = stats["accounting"]["rx"]["received"]
        if received != last["received"]:
            last.update(received=received, generation=stats["generation"])
        whole = received == port.offered(stats) - sensor.before
        return stats if whole or stats["generation"] >= last["generation"] + SETTLED else None
    stats = sensor.until(still, "no more frames come")
    equal(stats["accounting"]["accounting_error"], 0, "accounting error")
    lost = port.offered(stats) - sensor.before - stats["accounting"]["rx"]["received"]
    return stats, lost, get_json("/api/v1/status")["ports"][0]


def check_frames(port, wire, stats, lost, told, pings=0):
    """Kernel, XDP program and sensor agree about each frame, lost ones included."""
    equal(wire.offered(), wire.since("tap0", "rx", "packets"), "frames on the wire, and at the tap")
    port.check(stats, told, wire, pings)
    equal(sum(told[name] or 0 for name in LOST), lost, "frames told as lost, and lost")


def check_exchanges(stats, udp, tcp):
    """Where no frame was lost, the sensor saw what the clients say."""
    dns = stats["accounting"]["dns"]
    sent, completed = (udp[what] + tcp[what] for what in ("sent", "completed"))
    equal(queries(stats), sent, "queries that were seen, and sent")
    if completed < sent:
        # Late responses were on the wire as well.
        assert completed <= responses(stats) <= sent, (responses(stats), udp, tcp)
        return
    equal(responses(stats), completed, "responses that were seen, and completed")
    for count, code in ((dns["responses"]["paired"], "NOERROR"),
                        (dns["responses"]["without_evidence"]["rcode"], "NXDOMAIN")):
        equal(count, udp["codes"][code] + tcp["codes"][code], f"responses of {code}")


def messages():
    return get_json("/api/v1/stats")["accounting"]["dns"]["messages"]


def reload_under_load(sensor, port):
    """Another threshold, by SIGHUP, until control and worker have it."""
    sensor.until(lambda: messages() > OPTIONS.rate * OPTIONS.seconds // 4, "messages arrive")
    before = get_json("/api/v1/status")["config_generation"]
    sensor.configure({**settings(port), "detect": {"min_fresh_epochs": 7}})
    sensor.process.send_signal(signal.SIGHUP)

    def changed():
        status = get_json("/api/v1/status")
        at = [status["config_generation"], *(w["config_generation"] for w in status["workers"])]
        return all(generation == before + 1 for generation in at)
    sensor.until(changed, "the new settings are in force")
    equal(get_json("/api/v1/status")["config"]["needs_restart"], [], "keys that wait")


def stop_under_load(sensor):
    before = messages()
    with Load(PATIENCE_SECONDS) as load:
        sensor.until(lambda: messages() > before + OPTIONS.rate // 4, "messages arrive")
        sensor.stop()
        assert load.running(), "the load ended before the sensor"
    assert "accounting error 0" in sensor.said(), sensor.said()
    equal(network.program_on_tap(), None, "program on the tap after the end")


def whole_load(sensor, port):
    """The load to its end; what the clients counted, and how often the tap was pinged."""
    requests = 0
    with Load(OPTIONS.seconds) as load, Ping() if port.pinged else contextlib.nullcontext() as ping:
        reload_under_load(sensor, port)
        assert load.running(), "the load ended before the new settings were in force"
        udp, tcp = load.udp.counts(), load.tcp.counts()
        if ping:
            requests, replies = ping.counts()
            # The last request may have been sent as ping was told to end.
            assert requests - replies <= 1 and replies > OPTIONS.seconds, (requests, replies)
    return udp, tcp, requests


def accounts_for_each_frame(port):
    """Each frame is accounted for, SIGHUP loses none, SIGTERM under load ends it in time: %s"""
    with Sensor(settings(port)) as sensor:
        sensor.start_counting()
        sensor.before = port.offered(get_json("/api/v1/stats"))
        wire, began = Wire(), time.monotonic()
        udp, tcp, requests = whole_load(sensor, port)
        seconds = time.monotonic() - began
        stats, lost, told = settled(sensor, port)
        print_figures(wire, seconds, stats, told, {
            "fluxgate": cpu_seconds(sensor.process), "dnsperf, UDP": udp["cpu"],
            "dnsperf, TCP": tcp["cpu"]})
        check_frames(port, wire, stats, lost, told, requests)
        if lost == 0:
            check_exchanges(stats, udp, tcp)
        rate = wire.offered() / OPTIONS.seconds
        assert rate >= OPTIONS.least * OPTIONS.rate, f"{rate:.0f} frames a second on the wire"
        stop_under_load(sensor)


def tells_what_it_loses(port):
    """Halted under load until its rings are full, it says to the frame how many it lost: %s"""
    with Sensor(settings(port)) as sensor:
        sensor.start_counting()
        sensor.before = port.offered(get_json("/api/v1/stats"))
        wire = Wire()
        with Load(PATIENCE_SECONDS):
            sensor.until(lambda: messages() > OPTIONS.rate // 4, "messages arrive")
            sensor.process.send_signal(signal.SIGSTOP)
            arrived = network.frames_on_tap()
            wait_for(lambda: network.frames_on_tap() > arrived + 2 * RING_FRAMES, PATIENCE_SECONDS,
                     "twice as many frames as the rings hold")
            sensor.process.send_signal(signal.SIGCONT)
        stats, lost, told = settled(sensor, port)
        table([("frames lost", lost, ""), *((f"{name}, told by the sensor", told[name], "")
                                            for name in LOST if told[name])])
        assert lost > RING_FRAMES // 2, f"{lost} frames lost"
        check_frames(port, wire, stats, lost, told)
        sensor.stop()


def starts_after_a_kill(port):
    """Killed under load it starts again under load, and leaves nothing behind: %s"""
    with Load(PATIENCE_SECONDS):
        with Sensor(settings(port)) as sensor:
            sensor.ready()
            sensor.until(lambda: messages() > OPTIONS.rate // 4, "messages arrive")
            sensor.process.kill()
            sensor.process.wait()
        with Sensor(settings(port)) as sensor:
            sensor.ready()
            sensor.until(lambda: messages() > OPTIONS.rate // 4, "messages arrive again")
            sensor.stop()
            assert "accounting error 0" in sensor.said(), sensor.said()
    equal(network.program_on_tap(), None, "program on the tap after the end")


def cases():
    for port in AfPacket, AfXdp:
        if port.name not in OPTIONS.ports:
            continue
        for case in accounts_for_each_frame, tells_what_it_loses, starts_after_a_kill:
            one = functools.partial(case, port)
            one.__doc__ = case.__doc__ % port.name
            yield one


if not {0, 1} <= os.sched_getaffinity(0):
    skip_all("needs processors 0 and 1")
go_first()
network.lay_wire()
network.plain_frames()
network.address_tap()
with Knot() as knot:
    main(*cases())
