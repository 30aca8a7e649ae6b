# SPDX-License-Identifier: BSD-3-Clause
"""fluxgatectl without a sensor: command lines that are wrong, servers that are none or hostile, what
it sends to change something, and its man page."""

import contextlib
import http.server
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import threading

import network
from client import (CONNECT, CTL, DEGRADED, LOCAL, NOT_FOUND, NOT_READY, SERVER, UNAUTHORISED,
                    USAGE, ctl, environment, refused)
from harness import TOP, Skip, equal, main, scratch, wait_for

# Names are asked of nobody: there is only this machine.
network.isolate()
network.ip("link", "set", "lo", "up")

SCRATCH = scratch()
FOLDER = pathlib.Path(SCRATCH.name)


# Octets that no printer of JSON would make like this.
ODD = '{"schema_version" :1,"b" :1.50e3,\r\n\t"a":[ ],"\u00fc":"ü\\/"}\n\n'.encode()

# What web servers and other programs answer with.
WEB = {"page": b"<html>Not here", "nothing": b"", "empty": b"{}", "list": b"[]",
       "detail": b'{"detail": "Not found"}', "bare": b'{"schema_version": 1}',
       "problem": b'{"schema_version": 1, "detail": "Ours."}',
       "rows": b'{"domains": [], "entries": [], "events": []}'}


class Stranger(http.server.BaseHTTPRequestHandler):
    """What answers is no sensor, or one that was taken over. The last element says how."""

    requests = []

    def log_message(self, *_):
        pass

    def answer(self, status, body, kind="application/json"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self, text, times):
        """So often the same events."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(times):
                self.wfile.write(text)

    def do_GET(self):
        length = int(self.headers.get("Content-Length", 0))
        Stranger.requests.append((self.command, self.path, self.headers.get("Authorization"),
                                  self.rfile.read(length).decode()))
        what = self.path.rpartition("/")[2].partition("?")[0]
        if self.path.startswith("/api/v1/export/"):
            what = {"stix": "500", "misp": "endless"}.get(what, what)
        if self.path.startswith("/no-stream/"):
            self.answer(404 if what == "stream" else 200, b"<html>")
        elif self.path.startswith("/web/"):
            # As the path has it: /web/STATUS/TYPE/BODY/api/v1/...
            status, kind, body = self.path.split("/")[2:5]
            self.answer(int(status), WEB[body], f"application/{kind}")
        elif self.path.startswith("/page/"):
            self.answer(200, b"event: verdict\ndata: {}\n\n", "text/html")
        elif self.path.startswith("/proxy/"):
            if len(Stranger.requests) > 1:
                self.answer(503, b"<html>", "text/html")
            else:
                self.stream(b'event: verdict\ndata: {"sequence": 1}\n\n', 1)
        elif self.path.startswith("/long/"):
            self.stream(b"x" * 70000, 1)
        elif self.path.startswith("/endless/"):
            self.stream(b'event: verdict\ndata: {"sequence": 1}\n\n', 10000000)
        elif what in ("401", "403", "404", "405", "409", "410", "500", "503"):
            detail = json.dumps({"schema_version": 1, "detail": f"no \x1b[31m{what}\x9b."})
            self.answer(int(what), detail.encode(), "application/problem+json")
        elif self.path.startswith("/reloaded/"):
            error = {"refused": "detect.x: no such key"}.get(self.path.split("/")[2])
            self.answer(200, json.dumps({"schema_version": 1, "ready": True, "degraded": [],
                                         "config": {"last_error": error}}).encode())
        elif what == "html":
            self.answer(200, b"<html>\x1b]0;owned\x07</html>", "text/html")
        elif what == "endless":
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                for _ in range(100):
                    self.wfile.write(b"x" * (1 << 20))
        elif what == "hostile":
            self.answer(200, b'{"schema_version": 1, "domain": "\\u001b[2J\xc2\x9b31m\\u202e",'
                        b' "text": "\\u0007\\r", "class": "\xe2\x80\xae"}')
        elif what == "odd":
            self.answer(200, ODD)
        elif what == "redirect":
            self.send_response(302)
            self.send_header("Location", f"http://127.0.0.1:8953/api/v1/status")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif what == "rpz":
            self.answer(200, b"$TTL 60\nx CNAME .\n", "text/dns")
        elif self.command == "DELETE":
            self.send_response(204)
            self.end_headers()
        elif self.path == "/api/v1/allow":
            self.answer(201, b'{"schema_version": 1, "name": "cdn.example"}')
        elif self.path.startswith("/api/v1/allow"):
            entry = {"name": "cdn.example", "reason": "our \x1b mirror", "who": "ops",
                     "when": "2026-01-12T06:00:00Z"}
            self.answer(200, json.dumps({"schema_version": 1, "entries": [entry],
                                         "next_cursor": None}).encode())
        else:
            self.answer(200, b'{"schema_version": 1}')

    do_POST = do_DELETE = do_GET


@contextlib.contextmanager
def stranger():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Stranger.requests.clear()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def ends_by_documented_codes():
    """What goes wrong is one line and its exit code"""
    refused(code=USAGE, says="no command")
    refused("frobnicate", code=USAGE, says="no such command")
    refused("status", "--frobnicate", code=USAGE, says="no such option")
    refused("status", "--url", code=USAGE, says="needs an argument")
    refused("status", "--reason", "x", code=USAGE, says="--reason")
    refused("explain", code=USAGE, says="missing")
    refused("status", "x", code=USAGE, says="too many")
    refused("top", "-d", "0", code=USAGE, says="--delay")
    refused("export", "nosuch", code=USAGE, says="nosuch: rpz, stix, misp, cof, csv or eve")
    refused("allow", "list", "--reason", "x", code=USAGE, says="--reason: of allow add only")
    refused("allow", "remove", "x", "--reason", "x", code=USAGE, says="--reason: of allow add only")
    refused("status", "--color", "red", code=USAGE, says="auto, always or never")
    for url in "ftp://x", "x", "http://u:p@127.0.0.1", "http://127.0.0.1/?x":
        refused("--url", url, "status", code=USAGE, says="--url")
    refused("--url", "http://127.0.0.1:9", "status", code=CONNECT, says="Connection refused")
    refused("status", code=CONNECT, says="Connection refused", FLUXGATECTL_URL="http://127.0.0.1:9")
    refused("--url", "http://x.invalid", "status", code=CONNECT, says="no such host")
    refused("--token-file", FOLDER / "none", "status", code=LOCAL, says="No such file")
    token = FOLDER / "token"
    token.write_text("secret\n")
    refused("--token-file", token, "--url", "http://192.0.2.1", "status", code=USAGE,
            says="in the clear")
    assert "usage: fluxgatectl" in ctl("--help").stdout
    assert "--min-score" in ctl("domains", "--help").stdout
    equal(ctl("help").stdout, ctl("--help").stdout, "help")
    equal(ctl("help", "domains").stdout, ctl("domains", "--help").stdout, "help of a command")
    refused("help", "frobnicate", code=USAGE, says="no such command")
    assert re.match(r"fluxgatectl \d", ctl("--version").stdout)


def bears_strangers():
    """Servers that fail, lie or are hostile end it by a code, and reach no terminal"""
    with stranger() as url:
        for status, code in ((401, UNAUTHORISED), (403, UNAUTHORISED), (405, UNAUTHORISED),
                             (404, NOT_FOUND), (410, NOT_FOUND), (409, USAGE), (500, SERVER),
                             (503, NOT_READY)):
            refused("--url", url, "explain", status, code=code, says=f"no \\027[31m{status}")
        refused("--url", url, "explain", "html", code=SERVER, says="no JSON")
        refused("--url", url, "explain", "html", "--json", code=SERVER, says="no JSON")
        refused("--url", url, "export", "misp", code=SERVER, says="64 MiB")
        refused("--url", url, "explain", "redirect", code=SERVER, says="302")
        for command in "explain", "domain":
            shown = ctl("--url", url, command, "hostile").stdout
            assert "\\027[2J\\194\\155" in shown, shown
            raw = ctl("--url", url, command, "hostile", "--json").stdout
            equal(json.loads(raw)["domain"], "\x1b[2J\x9b31m\u202e", "domain in JSON")
            for text in shown, raw:
                assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text), repr(text)
        equal(ctl("--url", url, "explain", "odd", "--json", text=False).stdout, ODD,
              "JSON, octet by octet")
        # What is no HTTP.
        with socket.create_server(("127.0.0.1", 0)) as silent:
            address = f"http://127.0.0.1:{silent.getsockname()[1]}"
            threading.Thread(target=lambda: silent.accept()[0].sendall(b"\x1b[2J\n" * 9),
                             daemon=True).start()
            done = subprocess.run([CTL, "--url", address, "status"], capture_output=True,
                                  text=True, env=environment(), timeout=60, check=False)
            assert done.returncode in (CONNECT, SERVER), done
            assert "\x1b" not in done.stderr + done.stdout, done


def knows_a_sensor_by_its_answers():
    """What has the status but not the form of a sensor's answer is none: exit code 7"""
    every = (["status"], ["domains"], ["domains", "--all"], ["domain", "x"], ["explain", "x"],
             ["events"], ["events", "--follow"], ["history"], ["allow", "list"],
             ["allow", "add", "x", "--reason", "x"], ["allow", "remove", "x"],
             ["ack", "x", "--note", "x"], ["top", "--once"])
    with stranger() as url:
        for command in [*every, ["export", "rpz"]]:
            refused("--url", f"{url}/web/404/html/page", *command, code=SERVER,
                    says="404: that is no answer of a sensor: see --url")
        for status in 401, 403, 405, 410, 503:
            for command in ["domains", "--all"], ["events", "--follow"], ["ack", "x", "--note", "x"]:
                refused("--url", f"{url}/web/{status}/html/page", *command, code=SERVER,
                        says=f"{status}: that is no answer of a sensor: see --url")
        for kind, body in (("json", "problem"), ("problem+json", "page"), ("problem+json", "list"),
                           ("problem+json", "nothing"), ("problem+json", "detail"),
                           ("problem+json", "bare")):
            refused("--url", f"{url}/web/404/{kind}/{body}", "explain", "x", code=SERVER,
                    says="no answer of a sensor")
        refused("--url", f"{url}/web/404/problem+json;charset=utf-8/problem", "explain", "x",
                code=NOT_FOUND, says="404: Ours.")
        for body in "empty", "rows":
            for command in every:
                refused("--url", f"{url}/web/200/json/{body}", *command, code=SERVER,
                        says="is that a sensor?")
        refused("--url", f"{url}/web/200/json/empty", "status", "--json", code=SERVER,
                says="no JSON object with schema_version")
        refused("--url", f"{url}/web/204/json/nothing", "domains", code=SERVER, says="no JSON")


def warns_of_a_refused_reload():
    """status ends by code 6 when the last reload was refused, as when the sensor is degraded"""
    with stranger() as url:
        for form in (), ("--json",):
            ctl("--url", f"{url}/reloaded/well", "status", *form)
            done = ctl("--url", f"{url}/reloaded/refused", "status", *form, code=DEGRADED)
            assert "no such key" in done.stdout, done.stdout


def follows_sensors_only():
    """events --follow ends where there is no sensor, rather than to ask it again and again"""
    with stranger() as url:
        for path, says in (("no-stream", "an answer without events"), ("page", "no stream"),
                           ("long", "64 KiB")):
            Stranger.requests.clear()
            refused("--url", f"{url}/{path}", "events", "--follow", "--json", code=SERVER, says=says)
            assert len(Stranger.requests) <= 2, Stranger.requests
        refused("--url", url, "events", "--follow", "-n", "1", code=USAGE, says="--limit")


def follows_over_a_proxy():
    """events --follow waits for a sensor that it knows while a proxy says that it is away"""
    with stranger() as url:
        with subprocess.Popen([CTL, "--url", f"{url}/proxy", "events", "--follow"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env=environment()) as follower:
            try:
                # The stream; it and the page, twice.
                wait_for(lambda: len(Stranger.requests) >= 5, 30, "it asks again")
            finally:
                follower.kill()


def ends_when_the_disk_is_full():
    """What can't be written ends it, however long there would be more"""
    with stranger() as url, open("/dev/full", "w", encoding="utf-8") as full:
        for arguments in (["--help"], ["--url", f"{url}/endless", "events", "--follow"],
                          ["--url", f"{url}/endless", "events", "--follow", "--json"],
                          ["--url", url, "top", "-d", "0.1"]):
            done = subprocess.run([CTL, *arguments], stdin=subprocess.DEVNULL, stdout=full,
                                  stderr=subprocess.PIPE, text=True, env=environment(), timeout=20,
                                  check=False)
            equal((done.returncode, done.stderr),
                  (LOCAL, "fluxgatectl: standard output: No space left on device\n"),
                  f"exit code and error of {arguments}")


def changes_what_is_allowed():
    """allow and ack send what the API takes, with the token; export writes whole files"""
    token = FOLDER / "token"
    token.write_text("secret\n")
    with stranger() as url:
        env = {"FLUXGATECTL_URL": url, "FLUXGATECTL_TOKEN_FILE": str(token)}
        shown = ctl("allow", "list", **env).stdout
        assert "cdn.example" in shown and "our \\027 mirror" in shown, shown
        equal(ctl("allow", "add", "cdn.example", "--reason", 'a "mirror"', **env).stdout,
              "cdn.example: allowed\n", "what allow add says")
        equal(ctl("allow", "remove", "a\\034b.example", **env).stdout,
              "a\\034b.example: no longer allowed\n", "what allow remove says")
        ctl("ack", "x.example", "--note", "seen", **env)
        bearer = "Bearer secret"
        equal(Stranger.requests, [
            ("GET", "/api/v1/allow?limit=1000", bearer, ""),
            ("POST", "/api/v1/allow", bearer, '{"name":"cdn.example","reason":"a \\"mirror\\""}'),
            ("DELETE", "/api/v1/allow/a%5C034b.example", bearer, ""),
            ("POST", "/api/v1/domains/x.example/acknowledge", bearer, '{"note":"seen"}'),
        ], "requests")
        refused("allow", "add", "x", code=USAGE, says="--reason", **env)
        refused("export", "nosuch", code=USAGE, says="nosuch: rpz, stix", **env)
        refused("allow", "frob", "x", code=USAGE, says="list, add NAME or remove NAME", **env)
        refused("ack", "x", code=USAGE, says="--note", **env)

        zone = FOLDER / "flux.rpz"
        zone.write_text("old")
        os.chown(zone, 65534, 65533)
        zone.chmod(0o640)
        refused("export", "stix", "-o", zone, code=SERVER, says="500", **env)
        equal(zone.read_text(), "old", "the file after a failure")
        with open(zone, encoding="utf-8") as reader:
            ctl("export", "rpz", "-o", zone, **env)
            equal(reader.read(), "old", "what a reader of the old file sees")
        equal(zone.read_text(), "$TTL 60\nx CNAME .\n", "the new file")
        status = zone.stat()
        equal((status.st_mode & 0o777, status.st_uid, status.st_gid), (0o640, 65534, 65533),
              "its mode, owner and group")
        equal(ctl("export", "rpz", **env).stdout, zone.read_text(), "standard output")
        refused("export", "rpz", "-o", FOLDER / "no" / "x", code=LOCAL, says="No such file", **env)
        refused("export", "rpz", "-o", "/dev/null", code=USAGE, says="regular", **env)
        equal([f.name for f in FOLDER.glob("flux.rpz?*")], [], "files left")


def has_a_man_page():
    """The man page is clean, and names each command, option, variable and exit code"""
    page = TOP / "docs" / "man" / "fluxgatectl.1"
    for program, *arguments in (("mandoc", "-T", "lint", "-W", "warning"),
                                ("man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z")):
        if not shutil.which(program):
            raise Skip(f"needs {program}")
        done = subprocess.run([program, *arguments, page], capture_output=True, text=True,
                              env=environment(MANROFFSEQ=""), check=False)
        equal((done.returncode, done.stderr), (0, ""), f"what {program} says {done.stdout[:500]}")
    text = subprocess.run(["mandoc", "-T", "ascii", page], capture_output=True, text=True,
                          check=True).stdout
    text = re.sub(".\b", "", text)
    equal(text.splitlines()[-1].split()[0], "Fluxgate", "its footer's system")
    told = ctl("--help").stdout
    commands = re.findall(r"^  ([a-z]+)(?: |$)", told, re.M)
    for part in {*commands, *re.findall(r"--[a-z-]+|FLUXGATECTL_\w+", told),
                 *(o for c in commands for o in re.findall(r"--[a-z-]+", ctl(c, "--help").stdout))}:
        assert part in text, f"{part} is not in the man page"
    codes = re.search(r"^EXIT STATUS(.*?)^EXAMPLES", text, re.M | re.S)[1]
    equal(re.findall(r"^ {5}(\d) ", codes, re.M), list("012345678"), "exit codes")


main(ends_by_documented_codes, bears_strangers, knows_a_sensor_by_its_answers,
     warns_of_a_refused_reload, follows_sensors_only, follows_over_a_proxy,
     ends_when_the_disk_is_full, changes_what_is_allowed, has_a_man_page)
