# SPDX-License-Identifier: BSD-3-Clause
"""Where verdict events go: EVE lines, syslog and the history; rotated, on a full disk, with nobody who
listens, killed at any moment."""

import contextlib
import json
import pathlib
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import urllib.parse

import network
from harness import check_schema, equal, main, scratch, wait_for, Skip
from sensor import Sensor, af_packet, get, get_json, sensor_config
from wire import DETECT, RING_FRAMES, make_capture, send_capture, start_capture

network.isolate("tcpreplay")

SCRATCH = scratch()
FOLDER = pathlib.Path(SCRATCH.name)
CAPTURE = FOLDER / "wire.pcap"
EVE = FOLDER / "eve.json"
HISTORY = FOLDER / "history.db"

STATE_CODE = 11
KILLS = 3


def config(**more):
    return sensor_config(af_packet(RING_FRAMES), detect=DETECT, **more)


def exported(output):
    return get_json("/api/v1/status")["export"][output]


def events():
    return get_json("/api/v1/events?limit=1000")["events"]


def eve_lines(path):
    """Objects of a file, each of which is whole."""
    text = path.read_text() if path.exists() else ""
    assert text == "" or text.endswith("\n"), f"{path}: ends in half a line"
    return [json.loads(line) for line in text.splitlines()]


def sequences(lines):
    return [line["fastflux"]["sequence"] for line in lines]


def rows(what="seq", more=""):
    with contextlib.closing(sqlite3.connect(f"file:{HISTORY}?mode=ro", uri=True)) as db:
        return db.execute(f"SELECT {what} FROM event {more}").fetchall()


def integrity():
    with contextlib.closing(sqlite3.connect(HISTORY)) as db:
        equal(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)], "integrity")


class Listener:
    """Takes what comes to a socket, until the block ends."""

    def __init__(self, family, kind, address):
        self.socket = socket.socket(family, kind)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(address)
        self.stream = kind == socket.SOCK_STREAM
        if self.stream:
            self.socket.listen()
        self.data = b""
        self.messages = []
        self.thread = threading.Thread(target=self.take, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()

    def take(self):
        with contextlib.suppress(OSError):
            while True:
                if not self.stream:
                    octets = self.socket.recv(65536)
                    if not octets:
                        return
                    self.messages.append(octets)
                    continue
                with self.socket.accept()[0] as peer:
                    while octets := peer.recv(65536):
                        self.data += octets

    def counted(self):
        """Messages with their length in front; what is not whole is left out."""
        rest, messages = self.data, []
        while b" " in rest:
            length, _, rest = rest.partition(b" ")
            if len(rest) < int(length):
                break
            messages.append(rest[:int(length)].decode("ascii"))
            rest = rest[int(length):]
        return messages


def syslog_value(message, name):
    """A parameter of the structured data, unescaped."""
    at = message.index(f' {name}="') + len(name) + 3
    value = ""
    while message[at] != '"':
        at += message[at] == "\\"
        value += message[at]
        at += 1
    return value


def all_outputs_agree():
    """File, stream, datagrams, TCP syslog, history and HTTP tell the same events, each once"""
    unix = str(FOLDER / "eve.sock")
    with Listener(socket.AF_UNIX, socket.SOCK_STREAM, unix) as stream, \
         Listener(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 6601)) as syslog, \
         Sensor(config(history={"path": str(HISTORY)},
                       export={"eve": {"file": str(EVE), "socket": unix},
                               "syslog": {"address": "tcp:127.0.0.1:6601"}})) as sensor:
        sensor.start_counting()
        send_capture(CAPTURE)
        sensor.stats_of_all_frames()
        wanted = events()
        assert len(wanted) >= 3, wanted
        expected = [e["sequence"] for e in wanted]
        sensor.until(lambda: all(exported(o) and exported(o)["sequence"] == expected[-1]
                                 for o in ("history", "eve_file", "eve_socket", "syslog")),
                     "all are delivered")
        lines = eve_lines(EVE)
        equal(sequences(lines), expected, "lines of the file")
        check_schema(eve=lines[0], eve_2=lines[-1])
        equal([(x["fastflux"]["registered_domain"], x["fastflux"]["action"]) for x in lines],
              [(e["domain"], e["event"]) for e in wanted], "names and actions")
        equal(sequences(map(json.loads, stream.data.decode().splitlines())), expected, "stream")
        equal([int(syslog_value(m, "sequence")) for m in syslog.counted()], expected, "syslog")
        equal([syslog_value(m, "domain") for m in syslog.counted()],
              [e["domain"] for e in wanted], "names in syslog")
        equal(rows("seq, name, action, class, suspected", "ORDER BY seq"),
              [(e["sequence"], e["domain"], e["event"], e["class"], int(e["suspected"]))
               for e in wanted], "rows")
        status, text = get("/api/v1/export/eve")
        equal((status, sequences(map(json.loads, text.splitlines()))), (200, expected), "by HTTP")
        for output in "history", "eve_file", "eve_socket", "syslog":
            told = exported(output)
            equal((told["up"], told["delivered"], told["lost"], told["waiting"]),
                  (True, len(expected), 0, 0), output)
        sensor.stop()


def asks_the_history():
    """The history is asked by time and name, in pages, of runs before; what is no question is refused"""
    with Sensor(config(history={"path": str(HISTORY)})) as sensor:
        sensor.ready()
        page = get_json("/api/v1/history")
        check_schema(history=page)
        whole = page["events"]
        equal([e["sequence"] for e in whole],
              sorted((s for s, in rows()), reverse=True), "newest first")
        paged, cursor = [], ""
        while cursor is not None:
            page = get_json(f"/api/v1/history?limit=2{cursor and '&cursor=' + cursor}")
            paged += page["events"]
            cursor = page["next_cursor"]
        equal(paged, whole, "pages")
        name = whole[0]["domain"]
        equal(get_json(f"/api/v1/history?name={name.upper()}")["events"],
              [e for e in whole if e["domain"] == name], "by name")
        middle = whole[len(whole) // 2]["time"]
        span = urllib.parse.quote(middle.replace("Z", "+00:00"))
        equal(get_json(f"/api/v1/history?from={span}&to={middle}")["events"],
              [e for e in whole if e["time"] == middle], "by time")
        equal(get_json("/api/v1/history?to=2001-01-01T00:00:00Z")["events"], [], "long ago")
        hostile = urllib.parse.quote(r"x\039\032OR\0321\0611--.example")
        equal(get_json(f"/api/v1/history?name={hostile}")["events"], [], "a hostile name")
        problems = {}
        for wrong in ("from=yesterday", "limit=0", "name=", "name=%27%20OR%201=1", "cursor=1", "order=asc", "to=&to=",
                      "from=2002-01-01T00:00:00Z&to=2001-01-01T00:00:00Z"):
            status, text = get(f"/api/v1/history?{wrong}")
            equal(status, 400, wrong)
            problems[f"problem_{len(problems) + 2}"] = json.loads(text)
        check_schema(**problems)
        sensor.stop()


def rotates():
    """A file that is renamed is opened anew on SIGUSR1; no event is lost or told twice"""
    held_back = eve_lines(EVE)[0]["fastflux"]["registered_domain"]
    EVE.unlink()
    export = {"eve": {"file": str(EVE)}}
    with Sensor(config(export=export) | {
            "detect": {**DETECT, "infrastructure": [held_back]}}) as sensor:
        sensor.start_counting()
        send_capture(CAPTURE)
        sensor.stats_of_all_frames()
        expected = [e["sequence"] for e in events()]
        sensor.until(lambda: len(eve_lines(EVE)) == len(expected), "the lines are there")
        EVE.rename(EVE.with_suffix(".1"))
        sensor.process.send_signal(signal.SIGUSR1)
        sensor.until(EVE.exists, "it is opened anew")
        equal(eve_lines(EVE), [], "the new file")
        # What was held back is flagged from now on.
        sensor.configure(config(export=export))
        sensor.process.send_signal(signal.SIGHUP)
        sensor.until(lambda: "configuration 2 is in force" in sensor.said(), "it is reloaded")
        send_capture(CAPTURE)
        sensor.until(lambda: len(events()) > len(expected), "more events")
        sensor.until(lambda: sequences(eve_lines(EVE.with_suffix(".1")) + eve_lines(EVE)) ==
                     [e["sequence"] for e in events()], "both files hold all, in order")
        assert eve_lines(EVE), "nothing in the new file"
        sensor.stop()


def outlasts_a_full_disk():
    """On a full disk events wait, it is said once, no line is cut, and all are there when there is room"""
    disk = FOLDER / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], check=True)
    eve, ballast = disk / "eve.json", disk / "ballast"
    with Sensor(config(export={"eve": {"file": str(eve)}})) as sensor:
        sensor.start_counting()
        sensor.until(eve.exists, "the file is open")
        with open(ballast, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(b"0" * 4096):
                pass
        send_capture(CAPTURE)
        sensor.stats_of_all_frames()
        wanted = len(events())
        sensor.until(lambda: exported("eve_file")["waiting"] == wanted, "all wait")
        told = exported("eve_file")
        assert not told["up"] and "No space left" in told["last_error"], told
        equal(eve_lines(eve), [], "lines on the full disk")
        sensor.until(lambda: exported("eve_file")["failures"] >= 3, "it is tried again")
        equal(sensor.said().count("No space left"), 1, f"lines that say so: {sensor.said()}")
        ballast.unlink()
        sensor.until(lambda: exported("eve_file")["waiting"] == 0, "all are written")
        equal(sequences(eve_lines(eve)), [e["sequence"] for e in events()], "lines")
        equal(sensor.said().count("works again"), 1, f"lines that say so: {sensor.said()}")
        sensor.stop()
    subprocess.run(["umount", disk], check=True)


def goes_on_after_a_restart():
    """Nobody listens: events wait, the sensor stops in time, and they are delivered after the next start"""
    for path in FOLDER.glob("history.db*"):
        path.unlink()
    log = str(FOLDER / "log.sock")
    settings = config(history={"path": str(HISTORY)},
                      export={"syslog": {"address": f"unix:{log}"}})
    with Sensor(settings) as sensor:
        sensor.start_counting()
        send_capture(CAPTURE)
        sensor.stats_of_all_frames()
        expected = [e["sequence"] for e in events()]
        sensor.until(lambda: exported("syslog")["waiting"] == len(expected), "all wait")
        sensor.stop()
        assert "not delivered: they will be after the next start" in sensor.said(), sensor.said()
    with Listener(socket.AF_UNIX, socket.SOCK_DGRAM, log) as listener, Sensor(settings) as sensor:
        sensor.ready()
        sensor.until(lambda: len(listener.messages) == len(expected), "all come")
        equal([int(syslog_value(m.decode("ascii"), "sequence")) for m in listener.messages],
              expected, "in order")
        sensor.stop()


def outlasts_kills():
    """Killed at any moment, what was answered is kept, once; the file has all of it at the end"""
    for path in [EVE, *FOLDER.glob("history.db*")]:
        path.unlink(missing_ok=True)
    settings = config(history={"path": str(HISTORY)}, export={"eve": {"file": str(EVE)}})
    answered = set()
    for _ in range(KILLS):
        with Sensor(settings) as sensor:
            sensor.ready()
            traffic = start_capture(CAPTURE, loops=0)
            try:
                before = len(answered)
                deadline = random.uniform(0, 0.3)

                def more():
                    status, text = get("/api/v1/history?limit=1000")
                    if status == 200:
                        answered.update(e["sequence"] for e in json.loads(text)["events"])
                    return len(answered) > before
                sensor.until(more, "an event is kept")
                with contextlib.suppress(subprocess.TimeoutExpired):
                    sensor.process.wait(timeout=deadline)
                sensor.alive()
                sensor.process.kill()
                sensor.process.wait()
            finally:
                traffic.kill()
                traffic.wait()
        integrity()
        kept = [s for s, in rows()]
        equal(len(kept), len(set(kept)), "rows and sequences")
        equal(answered - set(kept), set(), "answered, and not kept")
    with Sensor(settings) as sensor:
        sensor.ready()
        sensor.stop()
    kept = [s for s, in rows("seq", "ORDER BY seq")]
    equal(sorted(set(sequences(eve_lines(EVE)))), kept, "sequences in the file and in the history")
    print(f"# {KILLS} kills, {len(kept)} events kept, {len(answered)} answered before a kill")


def refuses_what_is_not_its_own():
    """A history of a later version is left alone, and a second sensor ends with a code of its own"""
    with contextlib.closing(sqlite3.connect(HISTORY)) as db:
        db.execute("PRAGMA user_version = 9")
    before = rows("count(*)")
    with Sensor(config(history={"path": str(HISTORY)})) as sensor:
        equal(sensor.process.wait(timeout=30), STATE_CODE, f"exit code: {sensor.said()}")
        assert "schema version 9" in sensor.said(), sensor.said()
    equal(rows("count(*)"), before, "rows")


def rsyslog_understands():
    """rsyslog takes the messages by TCP, and finds severity, name and data in them"""
    if not shutil.which("rsyslogd"):
        raise Skip("needs rsyslogd")
    out, pid = FOLDER / "rsyslog.out", FOLDER / "rsyslog.pid"
    conf = FOLDER / "rsyslog.conf"
    conf.write_text(
        f'global(workDirectory="{FOLDER}")\n'
        'module(load="imtcp")\n'
        'input(type="imtcp" port="6602" address="127.0.0.1")\n'
        'template(name="seen" type="string" string="%syslogseverity-text% %app-name% %msgid% '
        '%structured-data%\\n")\n'
        f'action(type="omfile" file="{out}" template="seen" fileOwner="root")\n')
    daemon = subprocess.Popen(["rsyslogd", "-n", "-f", conf, "-i", pid], stderr=subprocess.PIPE,
                              text=True)
    try:
        wait_for(pid.exists, 20, "rsyslogd is up")
        with Sensor(config(export={"syslog": {"address": "tcp:127.0.0.1:6602"}})) as sensor:
            sensor.start_counting()
            send_capture(CAPTURE)
            sensor.stats_of_all_frames()
            wanted = events()

            def lines():
                return [x for x in out.read_text().splitlines()
                        if "fastflux@32473" in x] if out.exists() else []
            sensor.until(lambda: len(lines()) == len(wanted), "rsyslog wrote them")
            for line, event in zip(lines(), wanted):
                assert line.startswith(f"{'notice' if event['suspected'] else 'warning'} fluxgate "
                                       f"{event['event']} [fastflux@32473"), (line, event)
                equal(syslog_value(line, "domain"), event["domain"], "name")
            sensor.stop()
    finally:
        daemon.terminate()
        daemon.wait()


network.lay_wire()
make_capture(CAPTURE)
main(all_outputs_agree, asks_the_history, rotates, outlasts_a_full_disk, goes_on_after_a_restart,
     outlasts_kills, refuses_what_is_not_its_own, rsyslog_understands)
