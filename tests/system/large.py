# SPDX-License-Identifier: BSD-3-Clause
"""Responses of a real name server that fit no single frame: in IP fragments, over TCP after a
truncated one, many on one connection. `fluxgate run` sees them on the wire, `fluxgate dump` in a
capture of it."""

import contextlib
import json
import pathlib
import subprocess

import network
from harness import equal, fluxgate, leaves, main, scratch, wait_for
from nameserver import LARGE_RECORDS, PAYLOAD_OCTETS, PROGRAMS, ZONES, Dnsperf, Knot, kdig
from sensor import Sensor, af_packet, queries, responses, sensor_config

network.isolate(*PROGRAMS, "ethtool", "dumpcap", "tshark")

AF_PACKET, AF_XDP = af_packet(16384), "net_af_xdp0,iface=tap0"

ZONE = ZONES[0]


class Recording:
    """A capture of what the hub sends to the tap, for an AF_XDP port takes it before a capture of
    the tap would see it; ended with the block."""

    def __enter__(self):
        self.folder = scratch()
        self.path = pathlib.Path(self.folder.name) / "tap.pcap"
        self.process = subprocess.Popen(
            ["dumpcap", "-q", "-P", "-i", "hub-tap", "-w", str(self.path)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        wait_for(lambda: self.process.poll() is None and self.path.exists()
                 and self.path.stat().st_size, 20, "dumpcap records")
        return self

    def __exit__(self, *_):
        self.end()
        self.folder.cleanup()

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate(timeout=20)

    def frames(self, display_filter):
        """How many frames tshark finds; each by itself, nothing put together."""
        done = subprocess.run(
            ["tshark", "-n", "-o", "ip.defragment:FALSE", "-r", str(self.path), "-Y",
             display_filter], capture_output=True, text=True, timeout=60, check=True)
        return len(done.stdout.splitlines())

    def dumped(self):
        """What `fluxgate dump` says of it, a list of responses."""
        done = fluxgate("dump", self.path)
        equal(done.returncode, 0, f"exit code of dump: {done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()]


class Scene:
    """A server, a sensor and a recording of what both see; ended with the block."""

    def __init__(self, device=AF_PACKET):
        self.device = device

    def __enter__(self):
        with contextlib.ExitStack() as parts:
            parts.enter_context(Knot())
            self.sensor = parts.enter_context(Sensor(sensor_config(self.device)))
            self.recording = parts.enter_context(Recording())
            self.sensor.start_counting()
            self.parts = parts.pop_all()
        return self

    def __exit__(self, *_):
        self.parts.close()

    def seen(self, fewer=0):
        """The sensor's statistics of all frames, and the responses of the dump. So many frames
        fewer than were on the wire come to the sensor's socket."""
        self.sensor.before += fewer
        stats = self.sensor.stats_of_all_frames()
        self.recording.end()
        return stats, self.recording.dumped()


def ask_large(name, *how):
    equal(len(kdig(f"{name}.large.{ZONE}", "AAAA", *how)), LARGE_RECORDS[name],
          f"addresses of {name} that kdig was told")


def told(lines, name):
    """Transport and number of answers of each response about a name; "TC" for a truncated one."""
    return [(line["transport"], "TC" if line["truncated"] else len(line["answers"]))
            for line in lines if line["qname"].rstrip(".") == f"{name}.large.{ZONE}"]


def ask_in_fragments():
    """One response in a frame, one in two fragments, one in three."""
    for name in LARGE_RECORDS:
        ask_large(name, f"+bufsize={PAYLOAD_OCTETS}", "+ignore")


def check_fragments(scene, lines):
    """They were on the wire, and the dump puts them together."""
    equal(scene.recording.frames("ip.flags.mf == 1 || ip.frag_offset > 0"), 2 + 3,
          "fragments on the wire")
    for name, records in LARGE_RECORDS.items():
        equal(told(lines, name), [("udp", records)], f"responses of the dump about {name}")


def sees_fragments():
    """Responses over UDP in two and in three fragments are put together, on AF_XDP"""
    with Scene(AF_XDP) as scene:
        ask_in_fragments()
        stats, lines = scene.seen()
        check_fragments(scene, lines)
        equal((queries(stats), responses(stats)), (3, 3), "queries and responses")
        equal(stats["accounting"]["dns"]["responses"]["paired"], 3, "paired responses")
        equal(stats["accounting"]["datagrams"]["reassembled"], 2, "datagrams put together")


def tells_of_joined_fragments():
    """On AF_PACKET the kernel joins fragments; what its ring then cuts is told, never silent"""
    with Scene(AF_PACKET) as scene:
        ask_in_fragments()
        # net_af_packet asks for that: five fragments come as two frames, of which the longer one
        # does not fit a frame of the ring.
        stats, lines = scene.seen(fewer=3)
        check_fragments(scene, lines)
        rx, port = stats["accounting"]["rx"], stats["accounting"]["port"][0]
        equal((queries(stats), responses(stats)), (3, 2), "queries and responses")
        equal(leaves(rx["malformed"]) + leaves(rx["truncated"]), 1, "frames that were cut")
        equal((port["offered"], port["unknown"]), (9, 3), "frames offered, and unknown")


def sees_the_retry():
    """A truncated response and the whole one over TCP are seen, and both are paired"""
    with Scene() as scene:
        ask_large("two", "+bufsize=1232")
        stats, lines = scene.seen()
        equal(scene.recording.frames("dns.flags.truncated == 1"), 1, "truncated responses")
        equal(told(lines, "two"), [("udp", "TC"), ("tcp", LARGE_RECORDS["two"])],
              "responses of the dump")
        equal((queries(stats), responses(stats)), (2, 2), "queries and responses")
        equal(stats["accounting"]["dns"]["responses"]["paired"], 1, "paired, with evidence")


def sees_one_connection():
    """Several exchanges on one connection that stays open are seen"""
    with Scene() as scene:
        words = []
        for name in LARGE_RECORDS:
            words += [f"{name}.large.{ZONE}", "AAAA"]
        equal(len(kdig("+tcp", "+keepopen", *words)), sum(LARGE_RECORDS.values()),
              "addresses that kdig was told")
        stats, lines = scene.seen()
        equal(scene.recording.frames("tcp.flags.syn == 1 && tcp.flags.ack == 0"), 1, "connections")
        for name, records in LARGE_RECORDS.items():
            equal(told(lines, name), [("tcp", records)], f"responses of the dump about {name}")
        equal((queries(stats), responses(stats)), (3, 3), "queries and responses")
        equal(stats["accounting"]["dns"]["responses"]["paired"], 3, "paired responses")


def sees_pipelines():
    """Hundreds of exchanges that dnsperf pipelines on a few connections are seen, every one"""
    with Scene() as scene:
        with Dnsperf(400, 2, over="tcp", clients=3) as load:
            counts = load.counts()
        stats, lines = scene.seen()
        equal(counts["completed"], counts["sent"], "exchanges that dnsperf completed, and began")
        equal((queries(stats), responses(stats)), (counts["sent"], counts["sent"]),
              "queries and responses, and what dnsperf sent")
        equal(stats["accounting"]["dns"]["responses"]["paired"], counts["codes"]["NOERROR"],
              "paired responses, and NOERROR")
        equal(sum(line["transport"] == "tcp" for line in lines), counts["sent"],
              "responses of the dump")


network.lay_wire()
network.plain_frames()
main(sees_fragments, tells_of_joined_fragments, sees_the_retry, sees_one_connection,
     sees_pipelines)
