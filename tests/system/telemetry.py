# SPDX-License-Identifier: BSD-3-Clause
"""DPDK's telemetry socket: our commands by its own protocol."""

import json
import pathlib
import socket

import network
from harness import equal, main, scratch, tree_leaves
from sensor import Sensor, af_packet, get_json, sensor_config
from wire import DETECT, RING_FRAMES, make_capture, send_capture

network.isolate("tcpreplay")

SCRATCH = scratch()
CAPTURE = pathlib.Path(SCRATCH.name) / "wire.pcap"
SOCKET = "/run/dpdk/fluxgate-test/dpdk_telemetry.v2"
ANSWER_OCTETS_MAX = 16 * 1024


def config(**more):
    eal = {"huge": False, "telemetry": True, "args": ["--file-prefix=fluxgate-test"]}
    return sensor_config(af_packet(RING_FRAMES), **{"eal": eal, "detect": DETECT, **more})


class Client:
    """One connection to the socket; a message is a packet."""

    def __enter__(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.connect(SOCKET)
        hello = json.loads(self.socket.recv(1024))
        equal(hello["max_output_len"], ANSWER_OCTETS_MAX, "largest answer")
        return self

    def __exit__(self, *_):
        self.socket.close()

    def ask(self, command):
        self.socket.send(command.encode())
        octets = self.socket.recv(2 * ANSWER_OCTETS_MAX)
        assert len(octets) <= ANSWER_OCTETS_MAX, f"{command}: {len(octets)} octets"
        answer = json.loads(octets)
        name = command.partition(",")[0]
        equal(list(answer), [name], "members of the answer")
        return answer[name]


def commands_say_what_http_says():
    """Status, each counter and the flagged domains are those of the HTTP interface, within 16 KiB"""
    with Sensor(config()) as sensor:
        sensor.start_counting()
        send_capture(CAPTURE)
        sensor.stats_of_all_frames()
        with Client() as client:
            listed = client.ask("/")
            for command in "status", "stats", "domains":
                assert f"/fluxgate/{command}" in listed, listed

            def settled():
                before = client.ask("/fluxgate/status")["generation"]
                answers = {c: client.ask(f"/fluxgate/{c}")
                           for c in ("status", "stats", "stats,tcp/octets", "domains", "domains,2",
                                     "domains,99", "domains,x")}
                stats, answers["page"] = get_json("/api/v1/stats"), get_json("/api/v1/domains")
                after = client.ask("/fluxgate/status")["generation"]
                return (stats, answers) if before == after == stats["generation"] else None
            stats, answers = sensor.until(settled, "all of one snapshot")
        tree = {path.replace(".", "/"): value for path, value in tree_leaves(stats["accounting"])}
        equal(answers["stats"], tree, "counters")
        # Also when the counters are long.
        assert sum(len(path) + 24 for path in tree) < ANSWER_OCTETS_MAX, "room"
        equal(answers["stats,tcp/octets"],
              {p: n for p, n in tree.items() if p.startswith("tcp/octets/")}, "a part")
        equal([answers["status"][k] for k in ("ready", "generation", "accounting_error")],
              [1, stats["generation"], 0], "status")
        equal([k for k, on in answers["status"]["degraded"].items() if on], stats["degraded"],
              "degraded")
        names = [d["domain"] for d in answers["page"]["domains"]]
        assert len(names) > 3, names
        equal(answers["domains"]["flagged"], len(names), "flagged")
        for command, first in ("domains", 0), ("domains,2", 2), ("domains,99", 99):
            told = {k: d["domain"] for k, d in answers[command].items() if k != "flagged"}
            wanted = dict(enumerate(names[first:first + 32], first))
            equal(told, {str(i): name for i, name in wanted.items()}, command)
        equal(answers["domains,x"], None, "no number")
        sensor.stop()


def is_off_unless_asked_for():
    """Without eal.telemetry there is no socket, and an open client outlives a stop unharmed"""
    with Sensor(config()) as sensor:
        sensor.ready()
        with Client() as client:
            equal(client.ask("/fluxgate/status")["ready"], 1, "ready")
            sensor.stop()
    with Sensor(config(eal={"huge": False, "args": ["--file-prefix=fluxgate-off"]})) as sensor:
        sensor.ready()
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe:
            try:
                probe.connect(SOCKET.replace("fluxgate-test", "fluxgate-off"))
            except OSError:
                pass
            else:
                raise AssertionError("there is a socket")
        sensor.stop()


network.lay_wire()
make_capture(CAPTURE)
main(commands_say_what_http_says, is_off_unless_asked_for)
