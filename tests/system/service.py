# SPDX-License-Identifier: BSD-3-Clause
"""The sensor as a service: what it tells the manager, a watchdog that a hung worker starves, and that
it runs under all that the unit confines it to."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

import confined
import network
from harness import FLUXGATE, Skip, equal, main, scratch
from sensor import Sensor, af_packet, get, get_json, sensor_config
from threads import halted, thread_of

network.isolate("ip")

NOBODY = 65534
EXPOSURE_MAX = 3.0
WATCHDOG_SECONDS = 6

MAP_WRITE_AND_EXECUTE = "import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)"
MAP_WRITE = "import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE)"
FORBIDDEN = ["import os; os.chroot('/')", "import os; os.setuid(0)",
             "import socket; socket.socket(socket.AF_VSOCK)", MAP_WRITE_AND_EXECUTE]


class Manager:
    """A socket where a service manager listens, and when what was said."""

    def __init__(self):
        self.folder = scratch()
        os.chmod(self.folder.name, 0o755)
        self.path = f"{self.folder.name}/notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        os.chmod(self.path, 0o666)
        self.socket.setblocking(False)
        self.said = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        self.folder.cleanup()

    def environment(self, watchdog=WATCHDOG_SECONDS):
        return {"NOTIFY_SOCKET": self.path, "WATCHDOG_USEC": str(int(watchdog * 1000000))}

    def hear(self):
        """All lines so far, each with the time when it was read."""
        with contextlib.suppress(BlockingIOError):
            while True:
                for line in self.socket.recv(4096).decode().splitlines():
                    self.said.append((time.monotonic(), line))
        return self.said

    def lines(self, beginning):
        return [line for _, line in self.hear() if line.startswith(beginning)]

    def hears(self, sensor, beginning, more=0):
        """Waits until it is said oftener than `more` times."""
        sensor.until(lambda: len(self.lines(beginning)) > more, f"{beginning} is said")


def config(**more):
    return sensor_config(af_packet(1024), **more)


def started(manager, **more):
    return Sensor(config(), environment=manager.environment(**more))


@contextlib.contextmanager
def unit_beside_the_program(*drop_ins):
    """The unit as it would be installed, but for where the program is."""
    with scratch() as folder:
        unit = pathlib.Path(folder) / confined.UNIT.name
        text = confined.UNIT.read_text().replace(
            "/usr/bin/fluxgate", str(pathlib.Path(FLUXGATE).resolve()))
        unit.write_text(re.sub(r"(?m)^Documentation=.*\n", "", text))
        for drop_in in drop_ins:
            beside = unit.with_name(f"{unit.name}.d")
            beside.mkdir()
            shutil.copy(drop_in, beside)
        yield unit


def unit_is_sound():
    """systemd-analyze finds nothing wrong with the unit, nor with it and the drop-in for AF_XDP"""
    if not shutil.which("systemd-analyze"):
        raise Skip("needs systemd-analyze")
    for drop_ins in (), (confined.DROP_IN,):
        with unit_beside_the_program(*drop_ins) as unit:
            done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True,
                                  check=False)
            equal((done.returncode, done.stdout + done.stderr), (0, ""), "systemd-analyze verify")
            done = subprocess.run(["systemd-analyze", "security", "--offline=true", unit],
                                  capture_output=True, text=True, check=False)
            exposure = re.search(r"exposure level for \S+ ([\d.]+)", done.stdout)
            assert exposure, done.stdout + done.stderr
            print(f"# exposure with {len(drop_ins)} drop-ins: {exposure[1]}")
            assert float(exposure[1]) <= EXPOSURE_MAX, exposure[0]


def says_when_it_is_ready():
    """READY comes when workers poll and HTTP answers; then a status line each epoch, STOPPING at the end"""
    with Manager() as manager, started(manager) as sensor:
        manager.hears(sensor, "READY=1")
        equal(get("/livez")[0], 200, "status of /livez when READY was said")
        sensor.ready()
        manager.hears(sensor, "STATUS=", 2)
        status = manager.lines("STATUS=")[-1]
        assert re.fullmatch(r"STATUS=\d+ frames, 0 domains flagged(; degraded: [a-z_, ]+)?", status), status
        equal(manager.lines("STOPPING"), [], "STOPPING while it runs")
        sensor.stop()
        equal(manager.lines("STOPPING"), ["STOPPING=1"], "STOPPING")
        equal(len(manager.lines("READY")), 1, "READY")


def says_nothing_where_nobody_listens():
    """Without a manager, or with one whose socket is gone, it runs all the same"""
    with started(Manager()) as sensor:
        sensor.ready()
        sensor.stop()


def feeds_the_watchdog_while_workers_move():
    """An idle sensor feeds its watchdog; while one worker is halted it does not, and then it does again"""
    with Manager() as manager, started(manager) as sensor:
        sensor.ready()
        manager.hears(sensor, "WATCHDOG=1", 2)
        beats = [at for at, line in manager.hear() if line == "WATCHDOG=1"]
        longest = max(b - a for a, b in zip(beats, beats[1:]))
        assert longest < WATCHDOG_SECONDS, f"{longest:.1f} s between two feedings"
        with halted(thread_of(sensor, get_json("/api/v1/status")["workers"][0]["lcore"])):
            since = time.monotonic()
            sensor.until(lambda: manager.hear() and time.monotonic() - since > 1.5 * WATCHDOG_SECONDS,
                         "a watchdog's time and a half pass")
            late = [at - since for at, line in manager.hear()
                    if line == "WATCHDOG=1" and at - since > WATCHDOG_SECONDS / 2]
            equal(late, [], "feedings while a worker was halted, in s since")
            equal(get("/livez")[0], 200, "status of /livez meanwhile")
            assert any("hung_worker" in line for line in manager.lines("STATUS=")), manager.said
        manager.hears(sensor, "WATCHDOG=1", len(beats))
        sensor.stop()


def makes_a_short_watchdog_longer():
    """A watchdog that an idle worker would starve is made three epochs long, and a line says so"""
    with Manager() as manager, started(manager, watchdog=1) as sensor:
        manager.hears(sensor, "READY=1")
        equal(manager.lines("WATCHDOG_USEC="), ["WATCHDOG_USEC=3000000"], "watchdog")
        assert "watchdog: of 1 s, made 3 s" in sensor.said(), sensor.said()
        sensor.stop()


def tells_of_a_reload():
    """SIGHUP: RELOADING with the time, then READY, also when the file is refused"""
    with Manager() as manager, started(manager) as sensor:
        sensor.ready()
        for turn, settings in enumerate((config(log={"level": "info"}), {"nonsense": 1}), 1):
            sensor.configure(settings)
            before = time.clock_gettime(time.CLOCK_MONOTONIC)
            sensor.process.send_signal(signal.SIGHUP)
            manager.hears(sensor, "READY=1", turn)
            told = [line for _, line in manager.hear()
                    if line.startswith(("RELOADING", "MONOTONIC", "READY"))][-3:]
            equal([told[0], told[2]], ["RELOADING=1", "READY=1"], "what was said of a reload")
            at = int(told[1].removeprefix("MONOTONIC_USEC=")) / 1e6
            assert before <= at <= time.clock_gettime(time.CLOCK_MONOTONIC), (before, at)
        equal(get_json("/api/v1/status")["config"]["refused"], 1, "refused")
        sensor.stop()


def confined_or_skip():
    why = confined.unavailable()
    if why:
        raise Skip(why)


def status_of_process(sensor):
    text = pathlib.Path(f"/proc/{sensor.process.pid}/status").read_text()
    return dict(line.split(":\t", 1) for line in text.splitlines())


def confinement_bites():
    """What the unit forbids is forbidden in the tests below"""
    confined_or_skip()
    within = confined.command(NOBODY, confined.UNIT)
    for code, wanted in [(MAP_WRITE, 0), *((code, 1) for code in FORBIDDEN)]:
        done = subprocess.run([*within, confined.PYTHON, "-c", code], capture_output=True, text=True,
                              check=False)
        equal(done.returncode, wanted, f"{code}: exit code, {done.stderr}")
        assert wanted == 0 or "PermissionError" in done.stderr, done.stderr


@contextlib.contextmanager
def installed():
    """The program with what it needs as a package lays it out, where any user may read it: the
    folder of a build may be closed to others."""
    with scratch() as folder:
        top, built = pathlib.Path(folder), pathlib.Path(FLUXGATE).resolve()
        top.chmod(0o755)
        beside = built.parent.parent / "drivers-config"
        for source, target in ((built, "bin/fluxgate"),
                               (beside / "xdp/steer.bpf.o", "share/fluxgate/xdp/steer.bpf.o"),
                               *((profile, f"share/fluxgate/profiles/{profile.name}")
                                 for profile in (beside / "profiles").glob("*.json"))):
            (top / target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, top / target)
        yield top / "bin/fluxgate"


def runs_confined(interface, settings, *units):
    """A sensor under all that the units say hears a frame, saves its state, and ends well."""
    with Manager() as manager, scratch() as state, installed() as program:
        os.chown(state, NOBODY, NOBODY)
        settings["state"] = {"path": f"{state}/state"}
        sensor = Sensor(settings, environment=manager.environment(),
                        within=confined.command(NOBODY, *units), program=program)
        os.chmod(sensor.path, 0o755)
        with sensor:
            sensor.ready()
            manager.hears(sensor, "WATCHDOG=1")
            process = status_of_process(sensor)
            equal((process["Uid"].split()[0], process["NoNewPrivs"], process["Seccomp"]),
                  (str(NOBODY), "1", "2"), "user, no new privileges, filter")
            assert process["CapEff"] == process["CapBnd"] == process["CapAmb"], process
            network.ip("neigh", "flush", "all")
            sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            sender.bind((interface, 0))
            with sender:
                sensor.until(lambda: sender.send(DNS_FRAME) and get_json(
                    "/api/v1/stats")["accounting"]["rx"]["dns"], "a frame with DNS is heard")
            sensor.stop()
            assert (pathlib.Path(state) / "state").stat().st_size > 0, sensor.said()


def frame():
    """A query over UDP and IPv4, from and to nobody."""
    dns = bytes.fromhex("000100000001000000000000") + b"\1a\4test\0" + bytes.fromhex("00010001")
    udp = (4000).to_bytes(2, "big") + (53).to_bytes(2, "big") + (
        8 + len(dns)).to_bytes(2, "big") + bytes(2) + dns
    ip = bytes.fromhex("4500") + (20 + len(udp)).to_bytes(2, "big") + bytes.fromhex(
        "0001000040110000") + bytes([192, 0, 2, 1, 192, 0, 2, 2])
    return bytes.fromhex("0200000000010200000000020800") + ip + udp


DNS_FRAME = frame()


def runs_confined_on_af_packet():
    """On AF_PACKET it runs under all that the unit confines it to, as its user"""
    confined_or_skip()
    runs_confined("hub-tap", config(), confined.UNIT)


def runs_confined_on_af_xdp():
    """On AF_XDP it runs with the drop-in for it beside the unit"""
    confined_or_skip()
    settings = sensor_config("net_af_xdp0,iface=tap0")
    runs_confined("hub-tap", settings, confined.UNIT, confined.DROP_IN)


network.lay_wire()
main(unit_is_sound, says_when_it_is_ready, says_nothing_where_nobody_listens,
     feeds_the_watchdog_while_workers_move, makes_a_short_watchdog_longer, tells_of_a_reload,
     confinement_bites, runs_confined_on_af_packet, runs_confined_on_af_xdp)
