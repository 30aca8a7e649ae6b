# SPDX-License-Identifier: BSD-3-Clause
"""The HTTP interface of a running sensor under clients that are slow, greedy or broken: right
errors, memory that stays, others answered, and a sensor that does not notice."""

import contextlib
import http.client
import json
import pathlib
import re
import selectors
import socket
import time

import network
from harness import equal, go_first, main, wait_for
from sensor import LISTEN, Sensor, af_packet, get_json, sensor_config

network.isolate()

HOST, PORT = LISTEN.split(":")
SLOW = 1000
SLOW_SECONDS = 8
TRICKLE_SECONDS = 0.5  # from one octet of a slow header to the next
ANSWER_SECONDS = 5     # on a busy machine; without a load it takes a millisecond
# 256 connections of 32 KiB, kept by the allocator for each of the two threads that serve them, and some
# that were told to go; then no more.
GROWTH_MIB, LEAK_MIB = 24, 2
HEADER = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
STREAMS = 64           # a quarter of http.max_connections

running = None


def resident_mib():
    status = pathlib.Path(f"/proc/{running.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


def descriptors():
    return len(list(pathlib.Path(f"/proc/{running.process.pid}/fd").iterdir()))


def threads():
    return len(list(pathlib.Path(f"/proc/{running.process.pid}/task").iterdir()))


def connect():
    return socket.create_connection((HOST, int(PORT)), timeout=ANSWER_SECONDS)


def ask(path, method="GET", headers=None):
    """Status, fields and body, over a connection of its own."""
    c = http.client.HTTPConnection(HOST, int(PORT), timeout=ANSWER_SECONDS)
    try:
        c.request(method, path, headers=headers or {})
        answer = c.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        c.close()


def exchange(octets):
    """Sends octets as they are and reads all that comes until the server closes."""
    with connect() as s:
        got = b""
        with contextlib.suppress(ConnectionError):
            s.sendall(octets)
            while more := s.recv(65536):
                got += more
        return got


@contextlib.contextmanager
def bounded(mib=LEAK_MIB):
    """What runs within leaves the sensor as it was: memory, threads and descriptors."""
    before, threads_before, descriptors_before = resident_mib(), threads(), descriptors()
    most = [before]
    yield lambda: most.append(resident_mib())
    wait_for(lambda: descriptors() <= descriptors_before, 15, "all connections are closed")
    most.append(resident_mib())
    equal(threads(), threads_before, "threads")
    growth = max(most) - before
    print(f"# resident: {before:.1f} MiB, at most {growth:.1f} more, then {most[-1] - before:.1f}")
    assert growth < mib, f"grew by {growth:.1f} MiB"


def slow_clients(seconds, note):
    """Keeps a thousand connections whose headers come octet by octet; prints what others met."""
    def begin():
        s = stack.enter_context(socket.socket())
        s.setblocking(False)
        s.connect_ex((HOST, int(PORT)))
        selector.register(s, selectors.EVENT_READ)
        slow[s] = HEADER

    def end(s):
        selector.unregister(s)
        s.close()
        del slow[s]

    slow, ended, answered, worst = {}, 0, 0, 0
    with selectors.DefaultSelector() as selector, contextlib.ExitStack() as stack:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            while len(slow) < SLOW:
                begin()
            pause = time.monotonic() + TRICKLE_SECONDS
            for s, octets in slow.items():
                with contextlib.suppress(OSError):
                    s.send(octets)
                    slow[s] = b"a"
            for path in "/api/v1/status", "/api/v1/domains", "/metrics":
                asked = time.monotonic()
                equal(ask(path)[0], 200, f"{path} among {SLOW} slow connections")
                worst = max(worst, time.monotonic() - asked)
                answered += 1
            note()
            for key, _ in selector.select(max(0, pause - time.monotonic())):
                end(key.fileobj)
                ended += 1
    assert ended > SLOW, f"only {ended} of them had to go"
    print(f"# {answered} answers, the slowest in {worst * 1000:.0f} ms; {ended} slow ones had to go")


def slow_connections():
    """A thousand headers that come octet by octet, from the address of everybody else: all are answered"""
    with bounded(GROWTH_MIB) as note:
        slow_clients(SLOW_SECONDS, note)
    with bounded(LEAK_MIB) as note:
        slow_clients(SLOW_SECONDS / 2, note)


def long_headers():
    """8 KiB of header are taken, 64 KiB are refused, and so is what never ends"""
    with bounded():
        status, _, _ = ask("/readyz", headers={"X-Long": "a" * 8192})
        equal(status, 200, "8 KiB of header")
        status, _, _ = ask("/readyz", headers={f"X-{i}": "a" * 64 for i in range(110)})
        equal(status, 200, "8 KiB of fields")
        for what, header in (("one field", b"X: " + b"a" * 65536 + b"\r\n"),
                             ("fields", b"X: aaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 2048)):
            got = exchange(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n" + header + b"\r\n")
            # Octets that wait when the server closes may take the answer with them.
            assert not got or re.match(rb"HTTP/1.1 4(13|14|31) ", got), f"{what}: {got[:80]}"
        got = exchange(b"GET /" + b"a" * 65536 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert not got or re.match(rb"HTTP/1.1 4(13|14|31) ", got), f"long path: {got[:80]}"
        equal(ask("/readyz")[0], 200, "/readyz")


def problem(what, answer, wanted):
    status, fields, body = answer
    equal(status, wanted, what)
    equal(fields["Content-Type"], "application/problem+json", f"{what}: type")
    equal(json.loads(body)["status"], wanted, f"{what}: status in the problem")
    return fields


def wrong_requests():
    """Wrong methods, cursors, parameters and paths are problems, each with its status"""
    with bounded():
        for method in "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW":
            for path in "/api/v1/stats", "/metrics", "/":
                fields = problem(f"{method} {path}", ask(path, method), 405)
                equal(fields["Allow"], "GET, HEAD", f"{method}: Allow")
        for cursor in ("x", "0" * 40, "f" * 40, "0" * 39 + "%00", "a" * 200, "%ff" * 40, "../" * 9):
            problem(f"cursor {cursor}", ask(f"/api/v1/domains?cursor={cursor}"), 400)
        for query in ("limit=1&limit=1", "limit=" + "9" * 200, "nonsense", "&".join("abcdefghijklmnopqrs")):
            problem(query, ask(f"/api/v1/domains?{query}"), 400)
        problem("path", ask("/api/v1/domain"), 404)
        problem("host", ask("/readyz", headers={"Host": "rebind.example"}), 421)
        for since in "-1", "x", "99999999999999999999":
            problem(f"since {since}", ask(f"/api/v1/events?since={since}"), 400)
        problem("since", ask("/api/v1/events?since=9007199254740991"), 410)
        problem("stream", ask("/api/v1/events/stream?since=9007199254740991"), 410)


def pipelined_garbage():
    """Requests in one go are answered in order, whatever comes behind them"""
    good = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with bounded():
        for garbage in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET\r\n\r\n", b"\0" * 4096,
                        b"GET /livez HTTP/9.9\r\n\r\n", b"GET /livez HTTP/1.1\r\nnonsense\r\n\r\n",
                        b"POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
                        b"POST /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"):
            with connect() as s:
                s.sendall(good * 3 + garbage)
                got = b""
                while got.count(b"alive\n") < 3 and (more := s.recv(65536)):
                    got += more
            equal(got.count(b"alive\n"), 3, f"answers before {garbage[:20]}")
        for _ in range(200):
            with connect() as s:
                s.sendall(good * 20)
        equal(ask("/readyz")[0], 200, "/readyz")


def streams_that_nobody_reads():
    """Streams beyond their share are told to come back, and those that nobody reads cost little"""
    with bounded() as note, contextlib.ExitStack() as stack:
        refused = 0
        for _ in range(STREAMS + 36):
            s = stack.enter_context(connect())
            s.sendall(b"GET /api/v1/events/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
            first = s.recv(64)
            if first.startswith(b"HTTP/1.1 503 "):
                refused += 1
            else:
                assert first.startswith(b"HTTP/1.1 200 "), first
        equal(refused, 36, "streams refused")
        equal(ask("/readyz")[0], 200, "/readyz beside streams")
        generation = get_json("/api/v1/stats")["generation"]
        wait_for(lambda: get_json("/api/v1/stats")["generation"] > generation + 2, 20, "three epochs")
        note()
        stack.close()


def sensor_is_undisturbed():
    """After all that no frame is unaccounted for, no worker was late, and the sensor ends in time"""
    stats = get_json("/api/v1/stats")
    equal(stats["accounting"]["accounting_error"], 0, "accounting error")
    equal(stats["accounting"]["epochs_with_error"], 0, "epochs with an error")
    for worker in stats["workers"]:
        equal((worker["late"], worker["overruns"]), (0, 0), f"late, overruns of {worker}")
    with connect() as s:
        s.sendall(b"GET /api/v1/events/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert s.recv(4096).startswith(b"HTTP/1.1 200 ")
        running.stop()
        rest = b""
        while more := s.recv(65536):
            rest += more
        assert rest.endswith(b"\r\n0\r\n\r\n"), rest[-80:]


if __name__ == "__main__":
    network.lay_wire()
    # Whether a worker is late must not depend on what else this machine does.
    go_first()
    with Sensor(sensor_config(af_packet(4096))) as running:
        running.ready()
        for _ in range(3):
            for path in "/metrics", "/api/v1/domains", "/api/v1/stats":
                ask(path)
        main(slow_connections, long_headers, wrong_requests, pipelined_garbage,
             streams_that_nobody_reads, sensor_is_undisturbed)
