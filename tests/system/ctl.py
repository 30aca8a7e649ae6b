# SPDX-License-Identifier: BSD-3-Clause
"""fluxgatectl against a live sensor, over TCP and a unix socket, and at a real pseudo terminal."""

import contextlib
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import threading

import network
from client import (CONNECT, CTL, DEGRADED, NOT_FOUND, OK, USAGE, ctl, environment, refused)
from harness import TOP, equal, main, scratch, wait_for
from sensor import LISTEN, PATIENCE_SECONDS, Sensor, af_packet, get, sensor_config
from wire import (DETECT, RING_FRAMES, flux_of, make_capture, send_capture, settled, start_capture,
                  truth_of)

network.isolate("tcpreplay")

SCRATCH = scratch()
FOLDER = pathlib.Path(SCRATCH.name)
CAPTURE = FOLDER / "wire.pcap"

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """The client at a pseudo terminal of its own."""

    def __init__(self, *arguments, columns=80, rows=24):
        self.master, self.slave = pty.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(self.slave)
        self.seen = ""
        self.process = subprocess.Popen(
            [CTL, *arguments], env=environment(), stdin=self.slave, stdout=self.slave,
            stderr=self.slave, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)

    def resize(self, columns, rows):
        self.size = columns, rows
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self):
        while select.select([self.master], [], [], 0.02)[0]:
            self.seen += os.read(self.master, 65536).decode()
        return self.seen

    def frame(self):
        """The lines of the last whole picture, as they stand on the screen, or None."""
        pictures = [p for p in self.read().split("\x1b[H")[1:] if p.endswith("\x1b[J")]
        return [ESCAPES.sub("", line) for line in pictures[-1].split("\r\n")] if pictures else None

    def until(self, condition, what):
        def look():
            frame = self.frame()
            return frame if frame and condition(frame) else None
        try:
            return wait_for(look, PATIENCE_SECONDS, what)
        except AssertionError as error:
            raise AssertionError(f"{error}; last: {self.seen[-2000:]!r}") from None

    def fits(self, frame):
        columns, rows = self.size
        assert len(frame) <= rows, f"{len(frame)} lines on {rows}"
        assert max(map(len, frame)) <= columns, f"{max(map(len, frame))} columns on {columns}"

    def ended(self, code):
        """It ends, and the terminal is as it was."""
        def gone():
            self.read()
            return self.process.poll() is not None
        wait_for(gone, 10, "top ends")
        self.read()
        equal(self.process.returncode, code, "exit code of top")
        equal(termios.tcgetattr(self.slave), self.before, "settings of the terminal")
        assert self.seen.endswith("\x1b[?7h\x1b[?25h\x1b[?1049l"), self.seen[-200:]


class Relay(threading.Thread):
    """A unix socket in front of the sensor's port."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.requests = 0
        self.start()

    def run(self):
        while True:
            here, _ = self.listener.accept()
            self.requests += 1
            host, port = LISTEN.split(":")
            there = socket.create_connection((host, int(port)))
            for source, sink in (here, there), (there, here):
                threading.Thread(target=self.copy, args=(source, sink), daemon=True).start()

    @staticmethod
    def copy(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


def follows_events():
    """events --follow tells of verdicts as they are raised, as text and as JSON"""
    followers = [subprocess.Popen([CTL, "events", "--follow", *more], env=environment(), text=True,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE) for more in ((), ("--json",))]
    try:
        # Its head is written when the stream is asked for.
        assert followers[0].stdout.readline().startswith("TIME "), "no head"
        send_capture(CAPTURE)
        line = followers[0].stdout.readline()
        assert re.match(r"\d{4}-\S+Z  raised +\w+ ", line), line
        event = json.loads(followers[1].stdout.readline())
        equal(event["event"], "raised", "first event")
        assert event["domain"] in line and event["domain"] in flux_of(CAPTURE), (event, line)
        for follower in followers:
            follower.send_signal(signal.SIGINT)
            equal(follower.wait(timeout=10), -signal.SIGINT, "end by SIGINT")
            equal(follower.stderr.read(), "", "errors of events --follow")
    finally:
        for follower in followers:
            if follower.poll() is None:
                follower.kill()
            follower.wait()
    assert event["domain"] in ctl("events").stdout, "not among the events so far"
    after = json.loads(ctl("events", "--json", "--since", event["sequence"]).stdout)["events"]
    equal([e["sequence"] for e in after], [event["sequence"] + 1 + i for i in range(len(after))],
          "sequences after the first event")
    refused("events", "--since", "x", code=USAGE, says="--since: x")
    refused("events", "--since", "1", code=NOT_FOUND, says="410")


def tells_its_status():
    """status names restrictions with remedies and ends by code 6; the JSON is the API's own"""
    done = ctl("status", code=DEGRADED)
    for part in "ready       yes", "no_asn_db since", "networks.asn_db", "net_af_packet0", "WORKER":
        assert part in done.stdout, f"no {part!r} in {done.stdout}"
    assert json.loads(ctl("status", "--json", code=DEGRADED).stdout)["ready"]
    assert "\x1b[" in ctl("status", "--color", "always", code=DEGRADED).stdout, "no colours"
    assert "\x1b" not in done.stdout, "colours in a pipe"


def lists_domains():
    """domains, domain and explain show what the API has, a page or all pages"""
    settled(sensor)
    found = json.loads(ctl("domains", "--json").stdout)["domains"]
    names = [d["domain"] for d in found]
    assert len(names) > 1 and set(names) <= flux_of(CAPTURE), names
    equal([line.split()[0] for line in ctl("domains").stdout.splitlines()], ["DOMAIN", *names],
          "names in the table")
    equal([line.split()[0] for line in ctl("domains", "--all", "-n", "1").stdout.splitlines()[1:]],
          names, "names of all pages")
    pages = ctl("--json", "domains", "--all", "--limit", "1").stdout
    equal(pages.count('"next_cursor"'), len(names), "pages")
    first = ctl("domains", "-n1")
    equal(len(first.stdout.splitlines()), 2, "lines of a page")
    cursor = re.search(r"--cursor (\w+)", first.stderr)
    assert cursor, first.stderr
    certain = [d["domain"] for d in found if not d["suspected"] and d["score"] >= 75]
    equal([line.split()[0] for line in ctl("domains", "--min-score", "75", "--suspected", "false")
           .stdout.splitlines()[1:]], certain, "names by filters")
    refused("domains", "--class", "x", code=USAGE, says="400")

    shown = ctl("domain", names[0]).stdout
    reason = found[0]["reasons"][0]["text"]
    assert names[0] in shown and "Why" in shown and reason in shown, shown
    explained = ctl("explain", f"www.{names[0]}").stdout
    assert "of which www." in explained and reason in explained, explained
    honest = next(d["domain"] for d in truth_of(CAPTURE)["domains"]
                  if not d["flux"] and get(f"/api/v1/explain/{d['domain']}")[0] == 200 and
                  json.loads(get(f"/api/v1/explain/{d['domain']}")[1])["windows"])
    lacking = ctl("explain", honest).stdout
    assert "Not flagged" in lacking and re.search(r"it lacks\n +- .*: fails by [\d.]+", lacking), (
        lacking)
    refused("domain", "nobody.example", code=NOT_FOUND, says="Not flagged")
    refused("explain", "nobody.example", code=NOT_FOUND, says="404")


def reads_history_and_exports():
    """history tells what events tell, newest first; each export comes as curl gets it"""
    events = [e["domain"] for e in json.loads(get("/api/v1/events")[1])["events"]]

    def kept():
        lines = ctl("history", "--all").stdout.splitlines()[1:]
        return [line.split()[5] for line in lines] == events[::-1]
    wait_for(kept, 20, "the history has all events")
    equal(len(ctl("history", "-n", "1").stdout.splitlines()), 2, "lines of a page")
    name = events[0]
    for line in ctl("history", "--name", name).stdout.splitlines()[1:]:
        equal(line.split()[5], name, "name in the history")
    for form in "csv", "stix", "misp", "cof", "rpz", "eve":
        status = get(f"/api/v1/export/{form}")[0]
        equal(status, 200, f"status of {form}")
        ctl("export", form, "-o", FOLDER / form)
    assert name in (FOLDER / "csv").read_text(), (FOLDER / "csv").read_text()
    equal((FOLDER / "rpz").read_text(), get("/api/v1/export/rpz")[1], "the zone")


def speaks_over_a_unix_socket():
    """--socket and $FLUXGATECTL_SOCKET lead over a unix socket"""
    path = FOLDER / "api.sock"
    relay = Relay(path)
    assert "net_af_packet0" in ctl("--socket", path, "status", code=DEGRADED).stdout
    ctl("domains", FLUXGATECTL_SOCKET=str(path), FLUXGATECTL_URL="http://127.0.0.1:9")
    equal(relay.requests, 2, "connections over the socket")
    refused("--socket", path, "--url", f"http://{LISTEN}", "status", code=USAGE, says="one of them")
    refused("--socket", FOLDER / "none", "status", code=CONNECT, says="No such file")


def top_is_live():
    """top fits 80x24, shows rates and loss, follows the size, and has only plain text when piped"""
    sender = start_capture(CAPTURE)
    try:
        with Terminal("top") as top:
            frame = top.until(lambda f: re.search(r"[1-9][\d.]*k? frames/s", f[1]), "a rate")
            top.fits(frame)
            text = "\n".join(frame)
            for part in "DEGRADED", "no_asn_db", "net_af_packet0", "WORKER", "flagged", "DOMAIN":
                assert part in text, f"no {part!r} in {text}"
            assert next(iter(flux_of(CAPTURE))).rpartition(".")[2] in text, text
            assert top.seen.startswith("\x1b[?1049h"), top.seen[:80]
            raw = termios.tcgetattr(top.slave)
            assert not raw[3] & (termios.ECHO | termios.ICANON), "echo, or lines"
            for columns, rows in (40, 10), (120, 40), (20, 4):
                top.seen = ""
                top.resize(columns, rows)
                top.fits(top.until(lambda f: f[0].startswith("fluxgate "), f"{columns}x{rows}"))
            os.write(top.master, b"q")
            top.ended(OK)
    finally:
        sender.wait()
    plain = ctl("top", "--once").stdout
    assert re.search(r"^[\d.]+k? frames/s", plain, re.M) and "\x1b" not in plain, plain


def top_gives_the_terminal_back():
    """top restores the terminal on SIGINT, SIGTERM and SIGHUP, and over a stop by SIGTSTP"""
    for by, code in ((signal.SIGINT, OK), (signal.SIGTERM, -signal.SIGTERM),
                     (signal.SIGHUP, -signal.SIGHUP)):
        with Terminal("top") as top:
            top.until(lambda f: True, "a picture")
            top.process.send_signal(by)
            top.ended(code)
    with Terminal("top", "-d", "0.1") as top:
        top.until(lambda f: True, "a picture")
        top.process.send_signal(signal.SIGTSTP)
        wait_for(lambda: pathlib.Path(f"/proc/{top.process.pid}/stat").read_text()
                 .rpartition(")")[2].split()[0] == "T", 10, "it stops")
        top.read()
        assert top.seen.endswith("\x1b[?1049l"), top.seen[-80:]
        equal(termios.tcgetattr(top.slave), top.before, "settings while it is stopped")
        top.seen = ""
        top.process.send_signal(signal.SIGCONT)
        top.until(lambda f: True, "a picture after the stop")
        os.write(top.master, b"\x03")
        top.ended(OK)


def complete(line):
    """What bash offers behind a line."""
    words = line.split(" ")
    script = "\n".join([
        f"PATH={pathlib.Path(CTL).parent}:$PATH",
        f". {TOP}/deploy/completion/fluxgatectl",
        f"COMP_WORDS=({' '.join(words)} {'' if words[-1] else chr(39) * 2})",
        f"COMP_CWORD={len(words) - 1}",
        "_fluxgatectl",
        'printf "%s\\n" "${COMPREPLY[@]}"',
    ])
    # compopt works while bash completes only.
    done = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True,
                          env=environment(), check=False, timeout=20)
    equal(done.stderr, "", f"errors of the completion of {line!r}")
    return done.stdout.split()


def options_in(text):
    return set(re.findall(r"^  (?:-.,|   ) (--[a-z-]+)", text, re.M))


def completes_in_bash():
    """bash completes commands, options and names, and knows all that --help names"""
    told = ctl("--help").stdout
    commands = re.findall(r"^  ([a-z]+)(?: |$)", told, re.M)
    equal(complete("fluxgatectl "), commands, "commands")
    equal(complete("fluxgatectl ex"), ["explain", "export"], "commands with ex")
    for command in commands:
        own = options_in(ctl(command, "--help").stdout)
        equal(set(complete(f"fluxgatectl {command} --")), own | options_in(told) - {"--json"},
              f"options of {command}")
    equal(complete("fluxgatectl allow a"), ["add"], "verbs")
    equal(complete("fluxgatectl --color always export s"), ["stix"], "formats")
    equal(complete("fluxgatectl domains --class n"), ["ns_flux"], "classes")
    name = json.loads(get("/api/v1/domains")[1])["domains"][0]["domain"]
    # The shell waits for the sensor for a second; on a busy machine that may be too short.
    wait_for(lambda: complete(f"fluxgatectl explain {name[:9]}") == [name], 20, "names")


network.lay_wire()
make_capture(CAPTURE)
# Without a database of networks it is degraded, all the time.
with Sensor(sensor_config(af_packet(RING_FRAMES), detect=DETECT, networks={},
                          history={"path": str(FOLDER / "history.db")})) as sensor:
    sensor.ready()
    main(follows_events, tells_its_status, lists_domains, reads_history_and_exports,
         speaks_over_a_unix_socket, top_is_live, top_gives_the_terminal_back, completes_in_bash)
