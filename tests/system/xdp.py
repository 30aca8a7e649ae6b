# SPDX-License-Identifier: BSD-3-Clause
"""AF_XDP on a veth pair with our XDP program: what it takes, what it leaves the kernel, and that it
is gone afterwards.

    namespace "client", eth0 ------ tap0 (here), an interface in use: it has an address
"""

import contextlib
import functools
import json
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import threading

import network
from harness import FLUXGATE, equal, main, scratch
from sensor import PATIENCE_SECONDS, Sensor, get_json, sensor_config

network.isolate("clang", "curl", "ping")

CLIENT, TAP = network.CLIENT, "10.53.0.3"
MAC = {CLIENT: "02:00:00:00:53:01", TAP: "02:00:00:00:53:03"}
CAUSES = {"redirect_dns_udp", "redirect_dns_tcp", "redirect_fragment", "redirect_tunnel",
          "redirect_failed", "encrypted", "pass_other", "pass_not_ip", "pass_malformed",
          "pass_unconfigured"}

SEND = """
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("eth0", 0))
for line in sys.stdin:
    s.send(bytes.fromhex(line))
"""

TALK = f"""
import socket
s = socket.create_connection(("{TAP}", 8080), 10)
s.sendall(b"GET / HTTP/1.0\\r\\n" + bytes(200000) + b"END")
while part := s.recv(65536):
    print(part.decode(), end="")
"""


def lay_namespace():
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
    network.be_silent()
    network.ip("link", "set", "lo", "up")
    network.ip("netns", "add", "client")
    subprocess.run(network.inside("client", sys.executable, "-c",
                                  "import network; network.be_silent()"),
                   cwd=pathlib.Path(__file__).parent, check=True)


@contextlib.contextmanager
def pair(queues=1):
    """A veth pair, gone with the block. No frame is on it but those that a test sends."""
    many = "numrxqueues", str(queues), "numtxqueues", str(queues)
    network.ip("link", "add", "tap0", "address", MAC[TAP], *many, "type", "veth",
               "peer", "name", "eth0", "address", MAC[CLIENT], *many, "netns", "client")
    here, there = (TAP, "tap0", ()), (CLIENT, "eth0", ("-n", "client"))
    for (address, name, where), (other, _, _) in (here, there), (there, here):
        network.ip(*where, "addr", "add", f"{address}/24", "dev", name)
        network.ip(*where, "link", "set", name, "up")
        network.ip(*where, "neigh", "add", other, "lladdr", MAC[other], "dev", name,
                   "nud", "permanent")
    try:
        yield
    finally:
        network.ip("link", "del", "tap0")


def ethernet(kind, rest):
    return bytes.fromhex((MAC[TAP] + MAC[CLIENT]).replace(":", "")) + struct.pack("!H", kind) + rest


def ipv4(protocol, rest, fragment=0, ident=1):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(rest), ident, fragment, 64, protocol, 0,
                       socket.inet_aton(CLIENT), socket.inet_aton(TAP))
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xffff) + (total >> 16)
    return head[:10] + struct.pack("!H", ~total & 0xffff) + head[12:] + rest


def udp(source, target, data):
    return struct.pack("!HHHH", source, target, 8 + len(data), 0) + data


def tcp(source, target, data=b""):
    return struct.pack("!HHIIBBHHH", source, target, 1, 1, 0x50, 0x18, 1000, 0, 0) + data


def query(ident):
    return struct.pack("!6H", ident, 0x100, 1, 0, 0, 0) + b"\4host\7example\0\0\1\0\1"


def ip4(protocol, rest, fragment=0):
    return ethernet(0x0800, ipv4(protocol, rest, fragment))


def frames():
    """Every way to a cause that the sensor can be sent; [cause, frame]."""
    inner = ipv4(17, udp(40000, 53, query(9)))
    message = query(7) + bytes(1200)
    large = udp(40007, 53, message)
    return [
        *[("redirect_dns_udp", ip4(17, udp(40000 + i, 53, query(i)))) for i in range(20)],
        ("redirect_dns_udp", ethernet(0x8100, struct.pack("!HH", 7, 0x0800) +
                                      ipv4(17, udp(41000, 53, query(1))))),
        ("redirect_dns_udp", ethernet(0x88a8, struct.pack("!HHHH", 7, 0x8100, 8, 0x0800) +
                                      ipv4(17, udp(41001, 53, query(2))))),
        ("redirect_dns_tcp", ip4(6, tcp(42000, 53, struct.pack("!H", len(query(3))) + query(3)))),
        ("redirect_fragment", ip4(17, large[:800], 0x2000)),
        ("redirect_fragment", ip4(17, large[800:], 100)),
        ("redirect_tunnel", ip4(47, struct.pack("!HH", 0, 0x0800) + inner)),
        ("redirect_tunnel", ip4(17, udp(50000, 4789, struct.pack("!II", 1 << 27, 7 << 8) +
                                        ethernet(0x0800, inner)))),
        ("redirect_tunnel", ethernet(0x8847, struct.pack("!I", 16 << 12 | 1 << 8 | 64) + inner)),
        ("encrypted", ip4(6, tcp(43000, 853))),
        ("encrypted", ip4(17, udp(43000, 853, bytes(20)))),
        ("pass_other", ip4(17, udp(44000, 9, bytes(20)))),
        ("pass_not_ip", ethernet(0x88b5, bytes(46))),
        ("pass_malformed", ethernet(0x0800, b"\x65" + bytes(45))),
    ]


PLAIN = 22  # of them are queries of a whole frame over UDP


def send(octets):
    """Sends frames from the client."""
    subprocess.run(network.inside("client", sys.executable, "-c", SEND), check=True, text=True,
                   input="".join(f.hex() + "\n" for f in octets), timeout=PATIENCE_SECONDS)


def ping(count):
    done = subprocess.run(network.inside("client", "ping", "-q", "-i", "0.05", "-c", count, "-W",
                                         "5", TAP), capture_output=True, text=True, check=False)
    equal(done.returncode, 0, f"ping: {done.stdout}{done.stderr}")


def talk():
    """A TCP connection through the interface, with more than a segment each way."""
    with socket.create_server((TAP, 8080)) as server:
        def serve():
            peer, _ = server.accept()
            with peer:
                got = b""
                while not got.endswith(b"END"):
                    got += peer.recv(65536)
                peer.sendall(b"HTTP/1.0 200 " + b"x" * 200000)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        done = subprocess.run(network.inside("client", sys.executable, "-c", TALK),
                              capture_output=True, text=True, check=False,
                              timeout=PATIENCE_SECONDS)
        equal((done.returncode, len(done.stdout)), (0, 200013), f"conversation: {done.stderr}")


DEVICE = "net_af_xdp0,iface=tap0"


def causes():
    return get_json("/api/v1/stats")["accounting"]["port"][0]["xdp"]


def expect(sensor, wanted):
    """Waits until the program has counted exactly this, and the sensor what was redirected."""
    whole = {**dict.fromkeys(CAUSES, 0), **wanted}
    taken = sum(n for cause, n in whole.items()
                if cause.startswith("redirect_") and cause != "redirect_failed")
    seen = {}

    def same():
        stats = get_json("/api/v1/stats")
        equal(stats["accounting"]["accounting_error"], 0, "accounting error")
        seen["xdp"] = stats["accounting"]["port"][0]["xdp"]
        seen["received"] = stats["accounting"]["rx"]["received"]
        return stats if seen == {"xdp": whole, "received": taken} else None
    try:
        return sensor.until(same, f"causes are {wanted}, {taken} received")
    except AssertionError as error:
        raise AssertionError(f"{error}: {seen}") from None


def tally(sent):
    counts = {}
    for cause, _ in sent:
        counts[cause] = counts.get(cause, 0) + 1
    return counts


def with_pair(case):
    """The case on a pair of one queue."""
    @functools.wraps(case)
    def on_pair():
        with pair():
            case()
    return on_pair


@with_pair
def takes_what_may_be_dns():
    """DNS, fragments and tunnels reach the sensor, each frame counts once by its cause"""
    with Sensor(sensor_config(DEVICE)) as sensor:
        sensor.ready()
        equal(network.program_on_tap(), "fluxgate_steer", "program while it runs")
        sent = frames()
        send(frame for _, frame in sent)
        stats = expect(sensor, tally(sent))
        assert stats["accounting"]["dns"]["messages"] >= PLAIN, stats["accounting"]["dns"]
        metrics = subprocess.run(["curl", "-s", "http://127.0.0.1:8953/metrics"],
                                 capture_output=True, text=True, check=True).stdout
        line = 'fluxgate_port_xdp_frames_total{port="net_af_xdp0",cause="redirect_dns_udp"} 22\n'
        assert line in metrics, metrics
        sensor.stop()
    equal(network.program_on_tap(), None, "program after the stop")
    assert not network.tap_is_promiscuous(), "promiscuous after the stop"


@with_pair
def leaves_the_interface_in_use():
    """Ping and a TCP connection through the interface work, and count as passed on"""
    with Sensor(sensor_config(DEVICE)) as sensor:
        sensor.ready()
        ping("5")
        before = expect(sensor, {"pass_other": 5})["accounting"]["port"][0]["xdp"]
        talk()
        sensor.until(lambda: causes()["pass_other"] > before["pass_other"] + 5, "segments count")
        after = causes()
        equal({**after, "pass_other": 0}, dict.fromkeys(CAUSES, 0), "other causes")
        equal(get_json("/api/v1/stats")["accounting"]["rx"]["received"], 0, "frames received")
        sensor.stop(signal.SIGINT)
    equal(network.program_on_tap(), None, "program after the stop")
    ping("1")


def loses_no_queue_without_a_socket():
    """Of two queues with one socket, what comes by the other goes to the kernel and is reported"""
    flows = [ip4(17, udp(20000 + 7 * i, 53, query(i))) for i in range(400)]
    with pair(queues=2), Sensor(sensor_config(DEVICE)) as sensor:
        sensor.ready()
        send(flows)
        seen = {}

        def all_counted():
            stats = get_json("/api/v1/stats")
            seen.update(stats["accounting"]["port"][0]["xdp"])
            return sum(seen.values()) == len(flows) and (
                stats["accounting"]["rx"]["received"] == seen["redirect_dns_udp"]) and stats
        sensor.until(all_counted, "all frames are counted")
        taken, failed = seen["redirect_dns_udp"], seen["redirect_failed"]
        equal(taken + failed, len(flows), f"taken and failed of {seen}")
        assert min(taken, failed) > len(flows) // 10, f"not by two queues: {seen}"
        # Reported in the interval in which it happens: so that it happens in each.
        ended = threading.Event()

        def go_on():
            while not ended.is_set():
                send(flows[:20])
        thread = threading.Thread(target=go_on, daemon=True)
        thread.start()
        try:
            sensor.until(lambda: "nic_loss" in get_json("/api/v1/stats")["degraded"],
                         "the loss is reported")
        finally:
            ended.set()
            thread.join()
        sensor.stop()


def kernel_hears(number):
    """Whether a DNS query to our address reaches a socket of the kernel."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind((TAP, 53))
        listener.settimeout(5)
        send([ip4(17, udp(45000, 53, query(number)))])
        try:
            return listener.recv(512)[:2] == struct.pack("!H", number)
        except TimeoutError:
            return False


def doctor_finds(check):
    """The severity of a finding of `fluxgate doctor` about this port."""
    with scratch() as folder:
        settings = pathlib.Path(folder) / "config.json"
        settings.write_text(json.dumps(sensor_config(DEVICE)))
        run = subprocess.run([FLUXGATE, "doctor", "--json", "-c", settings], capture_output=True,
            text=True, timeout=60, check=False)
    return {f["check"]: f["severity"] for f in json.loads(run.stdout)["findings"]}[check]


@with_pair
def starts_after_a_kill():
    """After kill -9 the kernel has all frames again, and the next start detaches and works"""
    with Sensor(sensor_config(DEVICE)) as sensor:
        sensor.ready()
        sensor.process.kill()
        sensor.process.wait()
    equal(network.program_on_tap(), "fluxgate_steer", "program after the kill")
    equal(doctor_finds("leftovers.xdp"), "note", "what doctor says of it")
    assert kernel_hears(1), "a query got lost in the program of a dead sensor"
    with Sensor(sensor_config(DEVICE)) as sensor:
        sensor.ready()
        told = [s for s in sensor.said().splitlines() if "earlier run" in s]
        equal(len(told), 1, f"lines about the earlier run: {sensor.said()}")
        send([ip4(17, udp(45000, 53, query(2)))])
        expect(sensor, {"redirect_dns_udp": 1})
        sensor.stop()
        assert "earlier run" not in sensor.said().replace(told[0], ""), sensor.said()
    equal(network.program_on_tap(), None, "program after the stop")


def refused(words):
    """Starts a sensor that must refuse in one line of these words, with exit code 6."""
    settings = sensor_config(DEVICE, http={"listen": ""})
    with Sensor(settings) as sensor:
        code = sensor.process.wait(timeout=PATIENCE_SECONDS)
        said = sensor.said().splitlines()
        equal(code, 6, f"exit code, {said}")
        told = [line for line in said if "tap0" in line]
        equal(len(told), 1, f"lines about the port: {said}")
        assert told[0].startswith("fluxgate: port tap0: "), said
        assert all(word in told[0] for word in words), said


@with_pair
def refuses_a_foreign_program():
    """Another's XDP program is refused in one line, and left where it is"""
    with scratch() as folder:
        path = pathlib.Path(folder)
        (path / "foreign.c").write_text(
            '__attribute__((section("xdp"), used)) int foreign(void *c) { return 2; }\n'
            'char _license[] __attribute__((section("license"), used)) = "GPL";\n')
        subprocess.run(["clang", "-target", "bpf", "-O2", "-g", "-c", path / "foreign.c",
                        "-o", path / "foreign.o"], check=True)
        network.ip("link", "set", "dev", "tap0", "xdp", "object", str(path / "foreign.o"),
                   "section", "xdp")
    try:
        refused(["foreign", "ip link set dev tap0 xdp off"])
        equal(network.program_on_tap(), "foreign", "program after the refusal")
    finally:
        network.ip("link", "set", "dev", "tap0", "xdp", "off")


@with_pair
def refuses_a_port_that_is_taken():
    """A second sensor on the interface is refused, and the first goes on"""
    with Sensor(sensor_config(DEVICE)) as first:
        first.ready()
        refused([str(first.process.pid), "stop"])
        equal(network.program_on_tap(), "fluxgate_steer", "program after the refusal")
        send([ip4(17, udp(46000, 53, query(3)))])
        expect(first, {"redirect_dns_udp": 1})
        first.stop()
    equal(network.program_on_tap(), None, "program after the stop")


def refuses_an_interface_that_is_none():
    """An interface that does not exist is refused in one line"""
    with Sensor(sensor_config("net_af_xdp0,iface=nowhere", http={"listen": ""})) as sensor:
        code = sensor.process.wait(timeout=PATIENCE_SECONDS)
        equal(code, 6, f"exit code, {sensor.said()}")
        assert sensor.said().count("nowhere") == 1, sensor.said()


lay_namespace()
main(takes_what_may_be_dns, leaves_the_interface_in_use, loses_no_queue_without_a_socket, starts_after_a_kill,
     refuses_a_foreign_program, refuses_a_port_that_is_taken, refuses_an_interface_that_is_none)
