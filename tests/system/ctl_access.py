# SPDX-License-Identifier: BSD-3-Clause
"""fluxgatectl over a crash of the sensor, and where not everybody may: TLS, tokens, a unix socket, the
allow-list of a real sensor."""

import hashlib
import json
import pathlib
import re
import subprocess

import network
from client import (CONNECT, CTL, NOT_FOUND, NOT_READY, UNAUTHORISED, USAGE, ctl, environment,
                    refused)
from harness import equal, main, scratch
from sensor import LISTEN, Sensor, get, sensor_config
from wire import certificate_make

network.isolate("openssl")
network.ip("link", "set", "lo", "up")

SCRATCH = scratch()
FOLDER = pathlib.Path(SCRATCH.name)
CERTIFICATE, KEY, SOCKET = FOLDER / "cert.pem", FOLDER / "key.pem", FOLDER / "api.sock"


def token_make(name):
    """A file for the client with a token, and one for the sensor that knows it."""
    token, known = name + "-" + "t" * 58, FOLDER / f"{name}.known"
    (FOLDER / name).write_text(token + "\n")
    known.touch(0o600)
    known.write_text(f"{name}:{hashlib.sha256(token.encode()).hexdigest()}\n")
    return FOLDER / name, str(known)


READER, READERS = token_make("reader")
ADMIN, ADMINS = token_make("admin")


def sensor(listen, **http):
    http = {"listen": listen, "admin_token_file": ADMINS, "audit_log": str(FOLDER / "audit"), **http}
    return Sensor(sensor_config("net_null0", http=http, allow={"path": str(FOLDER / "allow.json")}))


def ready(running, *arguments):
    running.until(lambda: "fluxgate: running" in running.said(), "the port is up")
    # Refused for want of a token is a sign of life, too; and then the first epoch.
    running.until(lambda: subprocess.run([CTL, *arguments, "status"], capture_output=True,
                                         check=False).returncode not in (CONNECT, NOT_READY),
                  "it answers")


def follows_over_a_crash():
    """events --follow tells that the sensor was killed, waits, and goes on with the next one"""
    follower = None
    try:
        with sensor(LISTEN) as running:
            running.ready()
            follower = subprocess.Popen([CTL, "events", "--follow"], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env=environment())
            assert follower.stdout.readline().startswith("TIME "), "no head"
            running.process.kill()
            running.process.wait()
            line = follower.stderr.readline()
            assert "trying again in" in line, (line, follower.poll())
        with sensor(LISTEN) as running:
            # Only streams are asked for: the one that asks is the follower.
            stream = re.compile(r'^fluxgate_http_requests_total\{route="/api/v1/events/stream".*'
                                r' [1-9]', re.M)
            running.ready()
            running.until(lambda: stream.search(get("/metrics")[1]), "the follower is back")
            equal(follower.poll(), None, "exit code of the follower")
            running.stop()
    finally:
        if follower:
            follower.kill()
            follower.communicate()


def asks_over_tls():
    """Over TLS it needs the authority and a token, and says which is missing"""
    certificate_make(CERTIFICATE, KEY, "sensor")
    url = "--url", "https://localhost:8953"
    trusted = *url, "--cacert", CERTIFICATE
    with sensor("0.0.0.0:8953", tls_certificate=str(CERTIFICATE), tls_key=str(KEY),
                token_file=READERS) as running:
        ready(running, *trusted)
        refused(*url, "domains", code=CONNECT, says="not trusted")
        refused(*trusted, "domains", code=UNAUTHORISED, says="--token-file")
        running.until(lambda: subprocess.run(
            [CTL, *trusted, "--token-file", READER, "domains"], capture_output=True,
            check=False).returncode == 0, "the first epoch")
        page = ctl(*trusted, "--token-file", READER, "domains", "--json").stdout
        equal(json.loads(page)["domains"], [], "flagged domains")
        refused(*trusted, "--token-file", READER, "allow", "add", "cdn.example", "--reason", "x",
                code=UNAUTHORISED, says="403")
        running.stop()


def changes_over_a_unix_socket():
    """Over the sensor's own unix socket an admin allows a name and takes it back"""
    there = "--socket", SOCKET
    admin = *there, "--token-file", ADMIN
    with sensor(f"unix:{SOCKET}") as running:
        ready(running, *there)
        refused(*there, "allow", "add", "cdn.example", "--reason", "x", code=UNAUTHORISED, says="401")
        equal(ctl(*admin, "allow", "add", "cdn.example", "--reason", "our own").stdout,
              "cdn.example: allowed\n", "what allow add says")
        listed = ctl(*there, "allow", "list").stdout.splitlines()
        equal(len(listed), 2, f"lines of {listed}")
        assert listed[1].split()[0] == "cdn.example" and listed[1].endswith("admin  our own"), listed
        refused(*admin, "allow", "add", "cdn.example", "--reason", "x", code=USAGE, says="already")
        refused(*admin, "allow", "add", "example", "--reason", "x", code=USAGE, says="suffix")
        ctl(*admin, "allow", "remove", "cdn.example")
        refused(*admin, "allow", "remove", "cdn.example", code=NOT_FOUND, says="404")
        equal(len(ctl(*there, "allow", "list").stdout.splitlines()), 1, "lines of the list")
        running.stop()


def says_how_changes_are_allowed():
    """A change at a sensor without admins is refused with what to set"""
    with Sensor(sensor_config("net_null0", http={"listen": LISTEN})) as running:
        ready(running)
        for change in (("allow", "add", "cdn.example", "--reason", "x"),
                       ("allow", "remove", "cdn.example"), ("ack", "cdn.example", "--note", "x")):
            refused(*change, code=UNAUTHORISED, says="405: Read only: GET or HEAD. Set "
                    "http.admin_token_file and http.audit_log, and restart")
        running.stop()


main(follows_over_a_crash, asks_over_tls, changes_over_a_unix_socket, says_how_changes_are_allowed)
