# SPDX-License-Identifier: BSD-3-Clause
"""Who may reach and change the program over HTTP: TLS, tokens, a unix socket, the allow-list and its
audit log, by curl; what it refuses to start with; changes and kill -9."""

import hashlib
import http.client
import json
import os
import pathlib
import random
import signal
import stat
import subprocess
import time

import network
from harness import (DEMO_CAPTURE, FLUXGATE, demo_databases, equal, fluxgate, main, scratch,
                     wait_for)
from sensor import LISTEN, Sensor, sensor_config
from wire import certificate_make

network.isolate("curl", "openssl")
network.ip("link", "set", "lo", "up")

SCRATCH = scratch()
FOLDER = pathlib.Path(SCRATCH.name)
CERTIFICATE, KEY = FOLDER / "cert.pem", FOLDER / "key.pem"
TOKENS, ADMINS, AUDIT = FOLDER / "tokens", FOLDER / "admins", FOLDER / "audit.log"
ALLOW, SOCKET = FOLDER / "allow.json", FOLDER / "api.sock"
READER, ADMIN = "reader-" + "r" * 57, "admin-" + "a" * 58

CONFIG_CODE, LISTEN_CODE = 3, 7


def tokens_write(path, **tokens):
    path.touch(0o600)
    path.write_text("".join(f"{name}:{hashlib.sha256(token.encode()).hexdigest()}\n"
                            for name, token in tokens.items()))
    path.chmod(0o640)


def fresh():
    for path in ALLOW, AUDIT, SOCKET:
        path.unlink(missing_ok=True)
    certificate_make(CERTIFICATE, KEY, "first")
    tokens_write(TOKENS, grafana=READER)
    tokens_write(ADMINS, ops=ADMIN)


def settings(listen=LISTEN, **keys):
    return sensor_config("net_null0", http={"listen": listen, **keys},
                         allow={"path": str(ALLOW)})


def guarded(listen="0.0.0.0:8953"):
    return settings(listen, tls_certificate=str(CERTIFICATE), tls_key=str(KEY),
                    token_file=str(TOKENS), **changeable())


def changeable():
    return {"admin_token_file": str(ADMINS), "audit_log": str(AUDIT)}


def curl(path, *arguments, token=None, base=f"http://{LISTEN}"):
    """Status, head and body; status 0 when there is no answer."""
    bearer = ["-H", f"Authorization: Bearer {token}"] if token else []
    done = subprocess.run(["curl", "-s", "-i", "-m", "20", *bearer, *map(str, arguments),
                           f"{base}{path}"], capture_output=True, text=True, check=False)
    head, _, body = done.stdout.partition("\n\n")
    while head.startswith("HTTP/1.1 100"):
        head, _, body = body.partition("\n\n")
    return int(head.split()[1]) if head else 0, head, body


def curl_tls(path, *arguments, token=None):
    return curl(path, "--cacert", CERTIFICATE, *arguments, token=token,
                base="https://localhost:8953")


def change(method, path, body=None, token=ADMIN, via=curl):
    sends = [] if body is None else ["-H", "Content-Type: application/json", "-d",
                                     body if isinstance(body, str) else json.dumps(body)]
    return via(path, "-X", method, *sends, token=token)


def allowed(via=curl, token=None):
    status, _, body = via("/api/v1/allow?limit=1000", token=token)
    equal(status, 200, f"GET /api/v1/allow: {body}")
    return [entry["name"] for entry in json.loads(body)["entries"]]


def audit():
    return [json.loads(line) for line in AUDIT.read_text().splitlines()]


def up(sensor):
    sensor.until(lambda: "fluxgate: running" in sensor.said(), "it runs")


def tls_and_tokens():
    """On all addresses: TLS 1.2 and later, a token for all but probes, problems as JSON"""
    fresh()
    with Sensor(guarded()) as sensor:
        up(sensor)
        sensor.until(lambda: curl_tls("/readyz")[0] == 200, "/readyz is 200 without a token")
        equal(curl_tls("/livez")[0], 200, "/livez without a token")
        equal(curl_tls("/")[0], 200, "the page, which asks for a token, without one")
        for path in "/api/v1/status", "/api/v1/domains", "/metrics", "/nothing":
            status, head, body = curl_tls(path)
            equal(status, 401, f"{path} without a token")
            assert 'WWW-Authenticate: Bearer realm="fluxgate"' in head, head
            assert "application/problem+json" in head, head
            equal(json.loads(body)["status"], 401, "the problem's status")
            equal(curl_tls(path, token=READER[:-1])[0], 401, f"{path} with a wrong token")
            equal(curl_tls(path, "-u", f"grafana:{READER}")[0], 401, f"{path} by Basic")
        for token in READER, ADMIN:
            equal(curl_tls("/api/v1/status", token=token)[0], 200, "with a token")
        equal(curl_tls("/api/v1/status", "-H", f"Authorization: Bearer {READER}",
                       token=READER)[0], 401, "two tokens")
        # No Host is refused here: the name by which others reach it is theirs.
        equal(curl_tls("/livez", "-H", "Host: sensor.example")[0], 200, "another Host")
        # By itself curl would not offer it: at this level it does.
        old = "--ciphers", "DEFAULT@SECLEVEL=0"
        equal(curl_tls("/livez", *old, "--tls-max", "1.1")[0], 0, "TLS 1.1")
        equal(curl_tls("/livez", *old, "--tls-max", "1.2")[0], 200, "TLS 1.2 of the same client")
        equal(curl_tls("/livez", "--tls-max", "1.2")[0], 200, "TLS 1.2")
        equal(curl_tls("/livez", "--tlsv1.3")[0], 200, "TLS 1.3")
        equal(curl("/livez")[0], 0, "without TLS")
        sensor.stop()


def shown_subject():
    """Of the certificate that a handshake shows."""
    shown = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:8953"],
                           stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return shown.stdout.split("subject=")[1].splitlines()[0]


def reloaded():
    """SIGHUP: another certificate, other tokens and a rotated log; what is wrong changes nothing"""
    fresh()
    with Sensor(guarded()) as sensor:
        def hang_up(word):
            before = sensor.said().count(word)
            sensor.process.send_signal(signal.SIGHUP)
            sensor.until(lambda: sensor.said().count(word) > before, word)
        up(sensor)
        assert "first" in shown_subject(), shown_subject()
        certificate_make(CERTIFICATE, KEY, "second")
        tokens_write(TOKENS, other="other")
        AUDIT.rename(f"{AUDIT}.1")
        assert "first" in shown_subject(), "it changed by itself"
        equal(curl("/metrics", "-k", token=READER, base="https://127.0.0.1:8953")[0], 200,
              "before SIGHUP")
        hang_up("is in force")
        assert "second" in shown_subject(), shown_subject()
        equal(curl_tls("/metrics", token=READER)[0], 401, "a token that was taken back")
        equal(curl_tls("/metrics", token="other")[0], 200, "a new token")
        equal(len(audit()), 1, "lines in the new audit log")
        tokens_write(TOKENS)
        hang_up("nothing changed: configuration: http.token_file: ")
        equal(curl_tls("/metrics", token="other")[0], 200, "after an empty file of tokens")
        AUDIT.rename(f"{AUDIT}.2")
        sensor.process.send_signal(signal.SIGUSR1)
        sensor.until(lambda: curl_tls("/metrics", token=READER)[0] == 401 and AUDIT.exists(),
                     "SIGUSR1 opens the audit log anew, also while a reload is refused")
        tokens_write(TOKENS, other="other")
        KEY.write_bytes(KEY.read_bytes()[:100])
        hang_up("nothing changed: configuration: http.tls_certificate: ")
        assert "second" in shown_subject(), shown_subject()
        sensor.configure(guarded(listen="127.0.0.1:8953"))
        certificate_make(CERTIFICATE, KEY, "third")
        hang_up("needs a restart: http.listen")
        sensor.stop()


def rotated_amid_a_reload():
    """SIGUSR1 while a reload reads its files, which has opened the audit log: the new log is written"""
    fresh()
    with Sensor(guarded()) as sensor:
        def refused():
            return curl("/metrics", "-k", token="nobody", base="https://127.0.0.1:8953")[0] == 401
        up(sensor)
        sensor.until(refused, "it answers")
        # Read behind the audit log: it holds the reload where it is.
        pem = CERTIFICATE.read_bytes()
        CERTIFICATE.unlink()
        os.mkfifo(CERTIFICATE)
        sensor.process.send_signal(signal.SIGHUP)
        with open(CERTIFICATE, "wb") as certificate:
            AUDIT.rename(f"{AUDIT}.3")
            sensor.process.send_signal(signal.SIGUSR1)
            sensor.until(lambda: refused() and AUDIT.exists(), "the log before is opened anew")
            certificate.write(pem)
        sensor.until(lambda: "is in force" in sensor.said(), "the reload is done")
        lines = len(audit())
        assert refused()
        equal(len(audit()), lines + 1, "lines in the new audit log")
        sensor.stop()
    CERTIFICATE.unlink()


def unix_socket():
    """A unix socket: mode 0660, any Host, replaced after kill -9, gone at the end"""
    fresh()
    where = settings(f"unix:{SOCKET}", **changeable())

    def ask(path, *arguments, token=None):
        return curl(path, "--unix-socket", SOCKET, *arguments, token=token, base="http://any")
    with Sensor(where) as sensor:
        up(sensor)
        equal(stat.S_IMODE(SOCKET.stat().st_mode), 0o660, "mode of the socket")
        sensor.until(lambda: ask("/readyz")[0] == 200, "/readyz is 200")
        status, _, body = change("POST", "/api/v1/allow", {"name": "a.com", "reason": "r"}, via=ask)
        equal(status, 201, body)
        assert audit()[-1]["from"].startswith("uid 0, pid "), audit()[-1]
        with Sensor(where) as second:
            # One list has one writer, too: give the other its own.
            second.process.wait(timeout=60)
            assert "another sensor keeps its list there" in second.said(), second.said()
        with Sensor({**where, "allow": {"path": ""}}) as second:
            equal(second.process.wait(timeout=60), LISTEN_CODE, f"exit code, {second.said()}")
            assert "is taken" in second.said(), second.said()
        equal(ask("/livez")[0], 200, "the first one, after the second")
        sensor.process.kill()
        sensor.process.wait()
    assert SOCKET.is_socket(), "kill -9 left no socket"
    with Sensor(where) as sensor:
        up(sensor)
        equal(allowed(via=ask), ["a.com"], "the list after kill -9")
        sensor.stop()
    assert not SOCKET.exists(), "the socket is still there"
    SOCKET.write_text("precious")
    with Sensor(where) as sensor:
        equal(sensor.process.wait(timeout=60), LISTEN_CODE, f"exit code, {sensor.said()}")
    equal(SOCKET.read_text(), "precious", "a file that is no socket")


def refusals():
    """It does not start half open: one line says what is missing, or wrong"""
    fresh()
    tls = {"tls_certificate": str(CERTIFICATE), "tls_key": str(KEY)}
    tokens = {"token_file": str(TOKENS)}
    far = "0.0.0.0:8953"

    def try_it(words, listen, before=None, **keys):
        fresh()
        if before:
            before()
        config = FOLDER / "config.json"
        config.write_text(json.dumps(settings(listen, **keys)))
        run = fluxgate("run", "-c", config, seconds=60)
        last = run.stderr.splitlines()[-1]
        equal(run.returncode, CONFIG_CODE, f"exit code, {run.stderr}")
        equal(len(run.stderr.splitlines()), 1, f"lines, {run.stderr}")
        for word in words:
            assert word in last, f"{word!r} is not in {last!r}"
    try_it(["missing: http.tls_certificate, http.tls_key, http.token_file;"], far)
    try_it(["missing: http.tls_certificate, http.tls_key;"], far, **tokens)
    try_it(["missing: http.token_file;"], far, **tls)
    try_it(["http.tls_key: is missing"], LISTEN, tls_certificate=str(CERTIFICATE))
    try_it(["http.audit_log: is missing"], LISTEN, admin_token_file=str(ADMINS))
    try_it(["http.token_file", str(TOKENS), "everybody may read"], LISTEN,
           lambda: TOKENS.chmod(0o644), **tokens)
    try_it(["http.tls_key", str(KEY), "everybody may read"], far, lambda: KEY.chmod(0o644),
           **tls, **tokens)
    try_it(["http.token_file", "No such file"], LISTEN, TOKENS.unlink, **tokens)
    try_it(["http.token_file", "line 1: expected NAME:SHA256"], LISTEN,
           lambda: TOKENS.write_text("hunter2\n"), **tokens)
    try_it(["http.tls_certificate", str(CERTIFICATE)], far,
           lambda: CERTIFICATE.write_text("x"), **tls, **tokens)

    def stranger():
        key = KEY.read_bytes()
        certificate_make(CERTIFICATE, KEY, "other")
        KEY.write_bytes(key)
    try_it(["http.tls_certificate", "match"], far, stranger, **tls, **tokens)
    try_it(["http.audit_log", "Is a directory"], LISTEN, lambda: AUDIT.mkdir(), **changeable())
    AUDIT.rmdir()


def changes():
    """The allow-list: who may change it, what is refused, and a line in the audit log for each"""
    fresh()
    entry = {"name": "WWW.Example.com.", "reason": "ours \u00e9"}
    with Sensor(settings()) as sensor:
        up(sensor)
        status, head, _ = change("POST", "/api/v1/allow", entry)
        equal(status, 405, "a change without admins")
        assert "Allow: GET, HEAD" in head, head
        sensor.stop()
    with Sensor(settings(token_file=str(TOKENS), **changeable())) as sensor:
        up(sensor)
        steps = [  # method, path, body, token, status, result, who, name
            ("POST", "/api/v1/allow", entry, None, 401, "refused", None, None),
            ("POST", "/api/v1/allow", entry, "wrong", 401, "refused", None, None),
            ("POST", "/api/v1/allow", entry, READER, 403, "refused", "grafana", None),
            ("POST", "/api/v1/allow", entry, ADMIN, 201, "accepted", "ops", "www.example.com"),
            ("POST", "/api/v1/allow", entry, ADMIN, 409, "failed", "ops", "www.example.com"),
            ("POST", "/api/v1/allow", {"name": "co.uk", "reason": "r"}, ADMIN, 400, "refused",
             "ops", "co.uk"),
            ("POST", "/api/v1/allow", {"name": ".", "reason": "r"}, ADMIN, 400, "refused", "ops",
             None),
            # An entry that no name can equal would protect nobody.
            *(("POST", "/api/v1/allow", {"name": name, "reason": "r"}, ADMIN, 400, "refused",
               "ops", None) for name in ("*.b.com", "https://b.com/", "b.com:53", "a.com,b.com",
                                         " b.com", "192.0.2.1", "b..com", "")),
            ("POST", "/api/v1/allow", {"name": "m\u00fcnchen.DE", "reason": "r"}, ADMIN, 201,
             "accepted", "ops", "xn--mnchen-3ya.de"),
            ("DELETE", "/api/v1/allow/m%C3%BCnchen.de", None, ADMIN, 204, "accepted", "ops",
             "xn--mnchen-3ya.de"),
            ("POST", "/api/v1/allow", {**entry, "who": "me"}, ADMIN, 400, "refused", "ops", None),
            ("POST", "/api/v1/allow", {"name": "b.com"}, ADMIN, 400, "refused", "ops", None),
            ("POST", "/api/v1/allow", {"name": "b.com", "reason": ""}, ADMIN, 400, "refused",
             "ops", "b.com"),
            ("POST", "/api/v1/allow", {"name": "b.com", "reason": "r" * 257}, ADMIN, 400,
             "refused", "ops", "b.com"),
            ("POST", "/api/v1/allow", {"name": "b.com", "reason": "a\nb"}, ADMIN, 400, "refused",
             "ops", "b.com"),
            ("POST", "/api/v1/allow", " " * 5000, ADMIN, 413, "refused", "ops", None),
            ("POST", "/api/v1/domains", entry, ADMIN, 405, "refused", "ops", None),
            ("PUT", "/api/v1/allow", entry, ADMIN, 405, "refused", "ops", None),
            ("POST", "/api/v1/allow", {"name": "b\\.\\000\"<.com", "reason": "r"}, ADMIN, 201,
             "accepted", "ops", "b\\046\\000\\034\\060.com"),
            ("DELETE", "/api/v1/allow/b%5C046%5C000%5C034%3C.com", None, ADMIN, 204, "accepted",
             "ops", "b\\046\\000\\034\\060.com"),
            ("DELETE", "/api/v1/allow/example.com", None, ADMIN, 404, "failed", "ops",
             "example.com"),
            ("DELETE", "/api/v1/allow/www.example.com", None, READER, 403, "refused", "grafana",
             None),
        ]
        for method, path, body, token, status, result, who, name in steps:
            lines = len(audit()) if AUDIT.exists() else 0
            got, head, said = change(method, path, body, token)
            equal(got, status, f"{method} {path} {body}: {said}")
            last = audit()[-1]
            equal(len(audit()) - lines, 2 if result == "failed" else 1, "lines of audit")
            for key, value in ("result", result), ("who", who), ("method", method), (
                    "path", path), ("name", name):
                equal(last[key], value, f"{key} in {last}")
            assert last["from"].startswith("127.0.0.1:"), last
            equal(last["status"], None if result == "accepted" else status, "status in the line")
            if status >= 400:
                equal(json.loads(said)["detail"], last["why"], "why")
                assert ("WWW-Authenticate: Bearer" in head) == (status in (401, 403)), head
        status, _, _ = curl("/api/v1/allow", "-X", "POST", "-d", json.dumps(entry), token=ADMIN)
        equal(status, 415, "a form's content type")
        equal(allowed(token=READER), ["www.example.com"], "the list")
        status, _, body = curl("/api/v1/allow/a.www.example.com", token=READER)
        equal((status, json.loads(body)["allowed"]), (200, True), "below a name")
        equal(json.loads(ALLOW.read_text())["entries"][0]["reason"], "ours \u00e9", "in the file")
        sensor.stop()


def audit_first():
    """A change that cannot be written in the audit log is not made"""
    fresh()
    AUDIT.symlink_to("/dev/full")
    with Sensor(settings(**changeable())) as sensor:
        up(sensor)
        status, _, body = change("POST", "/api/v1/allow", {"name": "a.com", "reason": "r"})
        equal(status, 503, body)
        equal(allowed(), [], "the list")
        assert not ALLOW.exists(), "the file was written"
        AUDIT.unlink()
        sensor.process.send_signal(signal.SIGHUP)
        sensor.until(lambda: "is in force" in sensor.said(), "it is reloaded")
        status, _, body = change("POST", "/api/v1/allow", {"name": "a.com", "reason": "r"})
        equal(status, 201, body)
        sensor.stop()


def hostile_bodies():
    """Thousands of damaged bodies: an answer for each, the list as it was, the sensor undisturbed"""
    fresh()
    dice = random.Random(1)
    seeds = [b'{"name": "a.com", "reason": "r"}', b'{"name": 1}', b"[" * 4096, b"\xff" * 100,
             b'{"name": "a.com", "reason": "\\u0000"}', b'{"name": "\\ud800", "reason": "r"}',
             b'{"name": "' + b"a" * 64 + b'.com", "reason": "r"}', b"", b"null", b"{}" * 2000]
    with Sensor(settings(**changeable())) as sensor:
        up(sensor)
        client = http.client.HTTPConnection(LISTEN, timeout=20)
        seen = {}
        for i in range(3000):
            body = bytearray(dice.choice(seeds))
            for _ in range(dice.randrange(4) if i >= len(seeds) else 0):
                at = dice.randrange(len(body) + 1)
                body[at:at + dice.randrange(3)] = dice.randbytes(dice.randrange(4))
            client.request("POST", "/api/v1/allow", bytes(body),
                           {"Authorization": f"Bearer {ADMIN}", "Content-Type": "application/json"})
            answer = client.getresponse()
            text = answer.read()
            assert answer.status in (201, 400, 409, 413), f"{answer.status} to {bytes(body)}: {text}"
            assert json.loads(text)["schema_version"] == 1
            seen[answer.status] = seen.get(answer.status, 0) + 1
        assert set(seen) == {201, 400, 409, 413} or set(seen) == {201, 400, 409}, seen
        for line in audit():
            assert line["result"] in ("accepted", "failed", "refused"), line
        equal(sum(line["result"] == "accepted" for line in audit()),
              seen[201] + seen[409], "lines of accepted changes")
        equal(len(allowed()), seen[201], "names on the list")
        sensor.stop()


def acknowledged():
    """A verdict is acknowledged and a domain allowed: both stand in the list, at once, with a new tag"""
    fresh()
    config = FOLDER / "config.json"
    config.write_text(json.dumps({"http": changeable()}))
    with subprocess.Popen([FLUXGATE, "replay", "-c", config, "--serve", LISTEN, *demo_databases(),
                           DEMO_CAPTURE], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True) as process:
        try:
            assert "serving" in process.stderr.readline()
            _, head, body = curl("/api/v1/domains")
            first = json.loads(body)["domains"][0]
            name = first["domain"]
            equal((first["allowed"], first["acknowledged"]), (False, None), "before")
            path = f"/api/v1/domains/{name}/acknowledge"
            for at, body, token, status in ((path, {"note": "n"}, None, 401),
                                            (path, {"note": "n", "x": 1}, ADMIN, 400),
                                            (path, {}, ADMIN, 400),
                                            ("/api/v1/domains/a..b/acknowledge", {"note": "n"},
                                             ADMIN, 400),
                                            ("/api/v1/domains/honest.example/acknowledge",
                                             {"note": "n"}, ADMIN, 404),
                                            (path, {"note": "ticket 1"}, ADMIN, 200),
                                            (path, {"note": "ticket 2"}, ADMIN, 200)):
                equal(change("POST", at, body, token)[0], status, f"{at} {body}")
                equal(audit()[-1]["result"], "accepted" if status == 200 else "refused", "audit")
            equal((audit()[-1]["name"], audit()[-1]["text"]), (name, "ticket 2"), "audit")
            equal(change("POST", "/api/v1/allow", {"name": name, "reason": "r"})[0], 201, "allow")
            # Made of the same snapshot, and yet another answer.
            tag = [line for line in head.splitlines() if line.startswith("ETag: ")][0][6:]
            status, _, body = curl("/api/v1/domains", "-H", f"If-None-Match: {tag}")
            equal(status, 200, "with the tag of before")
            detail = json.loads(curl(f"/api/v1/domains/{name}")[2])
            why = json.loads(curl(f"/api/v1/explain/{name}")[2])["verdict"]
            for domain in json.loads(body)["domains"][0], detail, why:
                equal(domain["allowed"], True, "allowed")
                equal((domain["acknowledged"]["who"], domain["acknowledged"]["note"]),
                      ("ops", "ticket 2"), "acknowledged")
        finally:
            process.terminate()
            process.stderr.read()


def killed_at_any_moment():
    """kill -9 amid changes: what was answered is there after, and nothing that was not asked"""
    fresh()
    dice = random.Random(2)
    sent, answered = set(), set()
    for _ in range(4):
        with Sensor(settings(**changeable())) as sensor:
            up(sensor)
            names = set(allowed())
            assert answered <= names <= sent, f"lost: {answered - names}, new: {names - sent}"
            client = http.client.HTTPConnection(LISTEN, timeout=20)
            deadline = time.monotonic() + dice.uniform(0.05, 0.6)
            killer = subprocess.Popen(["sh", "-c", f"sleep {deadline - time.monotonic():.3f}; "
                                       f"kill -9 {sensor.process.pid}"])
            try:
                while True:
                    name = f"d{len(sent)}.com"
                    sent.add(name)
                    client.request("POST", "/api/v1/allow",
                                   json.dumps({"name": name, "reason": "r"}),
                                   {"Authorization": f"Bearer {ADMIN}",
                                    "Content-Type": "application/json"})
                    if client.getresponse().read() and sensor.process.poll() is None:
                        answered.add(name)
            except (OSError, http.client.HTTPException):
                pass
            killer.wait()
            wait_for(lambda: sensor.process.poll() is not None, 20, "it is dead")
    assert len(answered) >= 4, f"only {len(answered)} changes"
    with Sensor(settings(**changeable())) as sensor:
        up(sensor)
        names = set(allowed())
        assert answered <= names <= sent, f"lost: {answered - names}, new: {names - sent}"
        written = {line["name"] for line in audit() if line["result"] == "accepted"}
        assert names <= written, f"not in the audit log: {names - written}"
        sensor.stop()


os.umask(0o077)
main(tls_and_tokens, reloaded, rotated_amid_a_reload, unix_socket, refusals, changes, audit_first,
     hostile_bodies, acknowledged, killed_at_any_moment)
