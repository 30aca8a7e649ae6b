# SPDX-License-Identifier: BSD-3-Clause
"""The whole chain: names in flux -> a real Unbound and a real BIND -> the sensor between them and
the name server -> its zone -> both refuse what is flagged, and nothing else. Others send answers
that nobody asked for, to convict an honest name and to acquit one in flux.

    namespace "client": Unbound, BIND, who asks them
    namespace "server": who answers, who injects
"""

import json
import pathlib
import subprocess
import sys
import threading
import time

import network
from harness import Skip, equal, main, scratch, wait_for
from sensor import Sensor, af_packet, get_json, sensor_config
from wire import DETECT

network.isolate("unbound", "unbound-control", "named", "rndc")

HERE = pathlib.Path(__file__).parent
SCRATCH = scratch()
PATH = pathlib.Path(SCRATCH.name)
ZONE, FILE = "rpz.test", PATH / "rpz.zone"
UNBOUND, BIND, RNDC = 5301, 5302, 5953
NXDOMAIN = 3

FLUX = [f"flux{n}.example" for n in range(6)] + ["victim.example"]
HONEST = [f"honest{n}.example" for n in range(4)] + ["framed.example"]

SECONDS = 60
RING_FRAMES = 8192
ASK_SECONDS = 0.25

RPZ = {"file": str(FILE), "zone": ZONE, "mode": "block", "min_age_seconds": 1, "warmup_seconds": 1}

UNBOUND_CONF = f"""
server:
  interface: 127.0.0.1@{UNBOUND}
  do-daemonize: no
  use-syslog: no
  logfile: "{PATH}/unbound.log"
  username: ""
  chroot: ""
  directory: "{PATH}"
  pidfile: ""
  do-ip6: no
  do-not-query-localhost: no
  access-control: 127.0.0.0/8 allow
  root-hints: ""
  qname-minimisation: no
  module-config: "respip iterator"
remote-control:
  control-enable: yes
  control-interface: {PATH}/unbound.socket
stub-zone:
  name: example
  stub-addr: {network.SERVER}
rpz:
  name: {ZONE}
  zonefile: {FILE}
"""

BIND_CONF = f"""
options {{
  directory "{PATH}"; listen-on port {BIND} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
  pid-file "{PATH}/named.pid"; session-keyfile "{PATH}/session.key"; recursion yes;
  dnssec-validation no; qname-minimization off; empty-zones-enable no;
  response-policy {{ zone "{ZONE}"; }} min-update-interval 1 qname-wait-recurse no;
}};
key "rndc" {{ algorithm hmac-sha256; secret "Zmx1eGdhdGUgdGVzdCBrZXkgbm90aGluZyBzZWNyZXQ="; }};
controls {{ inet 127.0.0.1 port {RNDC} allow {{ 127.0.0.1; }} keys {{ "rndc"; }}; }};
zone "example" {{ type static-stub; server-addresses {{ {network.SERVER}; }}; }};
zone "{ZONE}" {{ type primary; file "{FILE}"; allow-query {{ 127.0.0.1; }}; }};
"""

RNDC_CONF = f"""
key "rndc" {{ algorithm hmac-sha256; secret "Zmx1eGdhdGUgdGVzdCBrZXkgbm90aGluZyBzZWNyZXQ="; }};
options {{ default-key "rndc"; default-server 127.0.0.1; default-port {RNDC}; }};
"""

running = []


def spawn(namespace, *command, **more):
    process = subprocess.Popen(network.inside(namespace, *command), stdin=subprocess.DEVNULL,
                               **{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL,
                                  **more})
    running.append(process)
    return process


def script(namespace, name, *arguments, **more):
    return spawn(namespace, sys.executable, "-B", HERE / name, *arguments, **more)


def told(*command):
    """Whether a resolver did as it was told."""
    return subprocess.run(network.inside("client", *command), stdin=subprocess.DEVNULL,
                          capture_output=True, check=False).returncode == 0


def reload_unbound():
    return told("unbound-control", "-c", PATH / "unbound.conf", "auth_zone_reload", ZONE)


def reload_bind():
    return told("rndc", "-c", PATH / "rndc.conf", "reload", ZONE)


class Follower(threading.Thread):
    """Tells both resolvers when the zone's file is another one, as a path unit would."""

    def __init__(self):
        super().__init__(daemon=True)
        self.reloads, self.stop = 0, False

    def run(self):
        seen = FILE.stat().st_ino
        while not self.stop:
            now = FILE.stat().st_ino
            if now != seen:
                # Else it is tried again: a resolver may be busy with the one before.
                if reload_unbound() and reload_bind():
                    seen, self.reloads = now, self.reloads + 1
            time.sleep(0.02)


def routes():
    """All hosts of the pools are the one server, by whatever address it is asked."""
    network.ip("-n", "client", "route", "add", "20.0.0.0/8", "via", network.SERVER)
    network.ip("-n", "server", "route", "add", "local", "20.0.0.0/8", "dev", "lo")


def start_resolvers():
    (PATH / "unbound.conf").write_text(UNBOUND_CONF)
    (PATH / "named.conf").write_text(BIND_CONF)
    (PATH / "rndc.conf").write_text(RNDC_CONF)
    log = open(PATH / "resolvers.log", "w", encoding="utf-8")
    for command in (("unbound", "-c", PATH / "unbound.conf"),
                    ("named", "-g", "-4", "-n", "1", "-c", PATH / "named.conf")):
        spawn("client", *command, stdout=log, stderr=log)
    wait_for(lambda: reload_unbound() and reload_bind(), 20,
             f"both resolvers run: {PATH / 'resolvers.log'}")


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


class Run:
    """What happened: when each name was first answered and first refused, by resolver."""

    def __init__(self):
        self.answered, self.refused, self.codes, self.lines = {}, {}, {}, []

    def read(self, asker):
        for line in asker.stdout:
            said = json.loads(line)
            key = said["name"].removeprefix("www."), said["port"]
            self.lines.append(said)
            self.codes.setdefault(key, []).append(said["code"])
            if said["code"] == 0:
                self.answered.setdefault(key, said["time"])
            elif said["code"] == NXDOMAIN:
                self.refused.setdefault(key, said["time"])

    def all_refused(self):
        return all((n, p) in self.refused for n in FLUX for p in (UNBOUND, BIND))


def happen(device):
    """The run, and the sensor's last word."""
    run = Run()
    settings = sensor_config(device, networks={}, detect=DETECT, export={"rpz": RPZ})
    with Sensor(settings) as sensor:
        sensor.ready()
        start_resolvers()
        follower = Follower()
        follower.start()
        script("server", "injector.py", network.CLIENT, network.SERVER, cwd=HERE)
        asker = script("client", "asker.py", SECONDS, ASK_SECONDS, UNBOUND, BIND, "--",
                       *(f"www.{n}" for n in FLUX + HONEST), stdout=subprocess.PIPE)
        reader = threading.Thread(target=run.read, args=(asker,), daemon=True)
        reader.start()
        try:
            wait_for(run.all_refused, SECONDS - 5, "all names in flux are refused by both")
            # A while more: nothing is unblocked by the injector, and nothing else is blocked.
            until = time.time() + 5
            wait_for(lambda: time.time() > until, 10, "five seconds more")
        except AssertionError as error:
            told_why = {n: get_json(f"/api/v1/explain/{n}") for n in FLUX[:1] + ["victim.example"]}
            raise AssertionError(f"{error}\nrefused {sorted(run.refused)}\n"
                                 f"{json.dumps(get_json('/api/v1/blocking'))}\n"
                                 f"{json.dumps(told_why)}") from None
        finally:
            follower.stop = True
        run.blocking, run.stats = get_json("/api/v1/blocking"), get_json("/api/v1/stats")
        run.framed = get_json("/api/v1/explain/framed.example")
        sensor.stop()
    return run


RUNS = []


def the_run():
    if not RUNS:
        raise Skip("the first case has no run")
    return RUNS[0]


def refuses_what_is_flagged():
    """Both resolvers refuse each name in flux, from its verdict on, and for good"""
    network.lay_wire()
    network.plain_frames()
    routes()
    server = script("server", "authority.py", stdout=subprocess.PIPE)
    equal(server.stdout.readline(), b"ready\n", "what the name server says")
    device = "net_af_xdp0,iface=tap0"
    try:
        run = happen(device)
    except AssertionError as error:
        if "exit code 6" not in str(error):
            raise
        print(f"# no AF_XDP here: {error}")
        device = af_packet(RING_FRAMES)
        run = happen(device)
    RUNS.append(run)
    seconds = [run.refused[key] - run.answered[key] for key in run.refused]
    print(f"# {len(seconds)} refusals on {device.split(',', maxsplit=1)[0]}: from the first answer"
          f" p50 {percentile(seconds, 0.5):.1f} s, p99 {percentile(seconds, 0.99):.1f} s")
    for key, codes in run.codes.items():
        if key[0] in FLUX:
            equal(codes[-1], NXDOMAIN, f"last code of {key}: {codes}")
    equal(run.stats["accounting"]["accounting_error"], 0, "accounting error")


def refuses_no_other():
    """Names that do not flux are answered all the time, whatever others inject"""
    run = the_run()
    for key, codes in run.codes.items():
        if key[0] in HONEST:
            # One SERVFAIL on a busy machine is no refusal.
            assert NXDOMAIN not in codes and codes[-1] == 0, f"codes of {key}: {codes}"
    blocked = {d["domain"] for d in run.blocking["domains"] if d["listed"]}
    equal(blocked, set(FLUX), "blocked")


def is_not_moved_by_injections():
    """Answers that nobody asked for convicted no honest name and acquitted none in flux"""
    run = the_run()
    seen = run.stats["accounting"]["dns"]["responses"]
    assert seen["unpaired"] > 100, seen
    assert not run.framed["flagged"] or run.framed["verdict"]["suspected"], run.framed["text"]
    for port in UNBOUND, BIND:
        assert ("victim.example", port) in run.refused, sorted(run.refused)


try:
    main(refuses_what_is_flagged, refuses_no_other, is_not_moved_by_injections)
finally:
    for one in running:
        one.kill()
