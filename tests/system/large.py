# SPDX-License-Identifier: BSD-3-Clause
"""Responses of a real name server that fit no single frame: in IP fragments, over TCP after a
truncated one, many on one connection. `fluxgate run` sees them on the wire, `fluxgate dump` in a
capture of it."""

import contextlib
import json
import pathlib
import subprocess

import network
from harness import equal, fluxgate, main, scratch, wait_for
from nameserver import LARGE_RECORDS, PAYLOAD_OCTETS, PROGRAMS, ZONES, Dnsperf, Knot, kdig
from sensor import Sensor, af_packet, queries, responses, sensor_config

network.isolate(*PROGRAMS, "ethtool", "dumpcap", "tshark", "curl")

RING_FRAMES = 16384

# net_af_packet asks the kernel to join the fragments of IPv4 before its socket: two datagrams come as
# two frames instead of five. The longer one is cut to a frame of the ring.
FRAGMENTS_JOINED = 3
ZONE = ZONES[0]


class Recording:
    """A capture of the tap; ended with the block."""

    def __enter__(self):
        self.folder = scratch()
        self.path = pathlib.Path(self.folder.name) / "tap.pcap"
        self.process = subprocess.Popen(
            ["dumpcap", "-q", "-P", "-i", "tap0", "-w", str(self.path)],
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

    def __enter__(self):
        with contextlib.ExitStack() as parts:
            parts.enter_context(Knot())
            self.sensor = parts.enter_context(Sensor(sensor_config(af_packet(RING_FRAMES))))
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
    equal(len(kdig(f"{name}.large.{ZONE}", "A", *how)), LARGE_RECORDS[name],
          f"addresses of {name} that kdig was told")


def told(lines, name):
    """Transport and number of answers of each response about a name; "TC" for a truncated one."""
    return [(line["transport"], "TC" if line["truncated"] else len(line["answers"]))
            for line in lines if line["qname"].rstrip(".") == f"{name}.large.{ZONE}"]


def sees_fragments():
    """Responses over UDP in two and in three fragments are seen as the client saw them"""
    with Scene() as scene:
        for name in LARGE_RECORDS:
            ask_large(name, f"+bufsize={PAYLOAD_OCTETS}", "+ignore")
        stats, lines = scene.seen(fewer=FRAGMENTS_JOINED)
        equal(scene.recording.frames("ip.flags.mf == 1 || ip.frag_offset > 0"), 2 + 3,
              "fragments on the wire")
        dns = stats["accounting"]["dns"]
        print("#", json.dumps(stats["accounting"]))
        equal((queries(stats), responses(stats)), (3, 3), "queries and responses")
        equal(dns["responses"]["paired"], 3, "paired responses")

        equal(stats["notes"]["cut_by_snap_length"], 1, "responses longer than a frame of the ring")
        for name, records in LARGE_RECORDS.items():
            equal(told(lines, name), [("udp", records)], f"responses of the dump about {name}")


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
            words += [f"{name}.large.{ZONE}", "A"]
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
main(sees_fragments, sees_the_retry, sees_one_connection, sees_pipelines)
