# SPDX-License-Identifier: BSD-3-Clause
"""The support bundle of a sensor that has seen clients, answers and flux: it tells of the sensor, and
of nobody else."""

import importlib.machinery
import importlib.util
import json
import pathlib
import re
import stat
import subprocess
import tarfile

import network
from harness import FLUXGATE, TOP, equal, main, scratch
from sensor import Sensor, af_packet, get_json, sensor_config
from wire import DETECT, RING_FRAMES, make_capture, send_capture

network.isolate("tcpreplay", "tshark")

SCRATCH = scratch()
FOLDER = pathlib.Path(SCRATCH.name)
CAPTURE = FOLDER / "wire.pcap"

OWN = ["203.0.113.0/24", "2001:db8:77::/48"]
RESOLVER = "198.51.100.53"
PLANTED = ["fluxgate: planted: query of www.planted-name.example from 192.0.2.77",
           "fluxgate: planted: 2001:db8:1234::99 at 02:00:5e:10:00:01",
           "fluxgate: planted: 192.0.2.77:40112 to tcp:192.0.2.77:6514 and ::ffff:192.0.2.77",
           "fluxgate: planted: planted-name.so, www.planted-name.md, planted-name.json.evil.so"]
PLANTED_SECRETS = ["planted-name", "192.0.2.77", "2001:db8:1234", "02:00:5e:10:00:01"]
# What is to be seen of a text.
SCRUBBED = {
    "192.0.2.7:40112": "(address):40112",
    '"listen": "192.0.2.10:8953"': '"listen": "(address):8953"',
    "tcp:192.0.2.1:6514": "tcp:(address):6514",
    "192.0.2.0/24, 192.0.2.7.53 and x192.0.2.7_": "(address), (address).53 and x(address)_",
    "::ffff:192.0.2.7": "(address):(address)",
    "2001:db8:1234::99: refused, [2001:db8::1]:53": "(address): refused, [(address)]:53",
    "1:2:3:4:5:6:7:8 fe80::1%eth0": "(address) (address)%eth0",
    "victim.so www.bank.md foo.json.evil.so": "(name) (name) (name)",
    "foo.bank.json /usr/lib/victim.so": "(name) /usr/lib/(name)",
    "/etc/fluxgate/customer.example.pem": "/etc/fluxgate/(name)",
    "http://www.victim.com:443/x": "http://(name):443/x",
    "host-192.0.2.7.victim.com": "(name)",
    r"a\.b.victim.com": "(name)",
}
KEPT = ["127.0.0.1:8953", "[::1]:8953", "0.0.0.0", "12:34:56", "2026-11-29T12:00:01Z", "0000:3b:00.0",
        "/etc/fluxgate/fluxgate.json", "/run/fluxgate/api.sock", "docs/operations.md#reload",
        "/usr/lib/dpdk/librte_net_ring.so.23", "vmlinuz-6.1.0-13-amd64", "22.11.5-1~deb12u1"]

EXPECTED = {"configuration.json", "doctor.json", "interfaces.json", "kernel.json", "log.txt",
            "metrics.txt", "stats.json", "status.json", "version.txt"}
ADDRESS = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])")


def make(sensor, *options):
    """The bundle of a running sensor: its files by name, and its manifest."""
    log, out = sensor.path / "with-planted.log", sensor.path / "bundle.tar.gz"
    log.write_text(sensor.said() + "\n".join(PLANTED) + "\n")
    out.unlink(missing_ok=True)
    done = subprocess.run(
        ["/usr/bin/python3", "-B", TOP / "deploy/support-bundle", "--program", FLUXGATE, "-c",
         sensor.path / "config.json", "--log", log, "-o", out, *options],
        capture_output=True, text=True, check=False)
    equal(done.returncode, 0, f"exit code: {done.stderr}")
    equal(stat.S_IMODE(out.stat().st_mode), 0o600, "mode of the archive")
    with tarfile.open(out) as archive:
        files = {member.name.removeprefix("fluxgate-support/"):
                 archive.extractfile(member).read().decode() for member in archive}
    manifest = json.loads(files.pop("manifest.json"))
    equal({f["name"] for f in manifest["files"]}, set(files), "files in the manifest")
    return files, manifest


def on_the_wire():
    """Addresses and names of the capture, as another program reads them."""
    done = subprocess.run(["tshark", "-r", CAPTURE, "-T", "fields", "-e", "ip.src", "-e", "ip.dst",
                           "-e", "dns.a", "-e", "dns.aaaa", "-e", "dns.qry.name"],
                          capture_output=True, text=True, check=True)
    words = set(re.split(r"[\s,]+", done.stdout)) - {""}
    assert len(words) > 1000, len(words)
    return words


def holds_none_of(files, forbidden, but=()):
    text = "\n".join(files[name] for name in files if name not in but)
    # By words, for "1.2.3.4" is within "1.2.3.40" and a name within a longer one.
    there = set(re.findall(r"[\w.:-]+", text)) & set(forbidden)
    equal(there, set(), "of the wire in the bundle")
    found = {a for a in ADDRESS.findall(text) if not a.startswith(("127.", "0."))}
    equal(found, set(), "addresses in the bundle")
    for secret in PLANTED_SECRETS + OWN + [RESOLVER]:
        assert secret not in text, f"{secret} is in the bundle"


def tells_of_the_sensor_alone():
    """The bundle holds all of the sensor that it promises, no address, and no name unless asked"""
    wire = on_the_wire()
    settings = sensor_config(af_packet(RING_FRAMES), detect=DETECT,
                             dns={"resolvers": [RESOLVER]})
    settings["networks"]["own"] = OWN
    with Sensor(settings) as sensor:
        sensor.start_counting()
        send_capture(CAPTURE)
        sensor.until(lambda: get_json("/api/v1/status")["flagged"] > 0, "flux is flagged")
        names = {d["domain"] for d in get_json("/api/v1/domains")["domains"]}
        files, manifest = make(sensor)
        equal(EXPECTED - set(files), set(), f"what is missing: {manifest['missing']}")
        assert json.loads(files["stats.json"])["accounting"]["rx"]["received"] > 0
        checks = {finding["check"] for finding in json.loads(files["doctor.json"])["findings"]}
        assert "memory.budget" in checks, checks
        assert "(name)" in files["log.txt"] and "(address)" in files["log.txt"], files["log.txt"]
        assert "fluxgate: running" in files["log.txt"], files["log.txt"]
        equal(json.loads(files["configuration.json"])["networks"]["own"], "(redacted: 2 entries)",
              "own networks")
        holds_none_of(files, wire | names)
        files, _ = make(sensor, "--with-domains")
        told = {d["domain"] for d in json.loads(files["domains.json"])}
        assert names <= told, f"{names - told} are not told"
        holds_none_of(files, wire | names, but=["domains.json"])
        assert not ADDRESS.search(files["domains.json"]), files["domains.json"]
        sensor.stop()


def replaces_addresses_and_names():
    """Each form of an address and of a name is replaced, and of the program's own words none"""
    loader = importlib.machinery.SourceFileLoader("support_bundle", str(TOP / "deploy/support-bundle"))
    bundle = importlib.util.module_from_spec(importlib.util.spec_from_loader("support_bundle", loader))
    loader.exec_module(bundle)
    equal({text: bundle.scrub(text) for text in SCRUBBED}, SCRUBBED, "replaced")
    equal([bundle.scrub(text) for text in KEPT], KEPT, "kept")
    equal(bundle.redact({"http": {"listen": "192.0.2.10:8953"}}), {"http": {"listen": "(redacted)"}},
          "where it listens")


def says_what_it_could_not_get():
    """Without a sensor, and with a wrong file, there is a bundle all the same, and it says what lacks"""
    with scratch() as folder:
        path = pathlib.Path(folder)
        (path / "config.json").write_text('{"nonsense": 1}')
        done = subprocess.run(
            ["/usr/bin/python3", "-B", TOP / "deploy/support-bundle", "--program", FLUXGATE, "-c",
             path / "config.json", "--log", path / "none", "-o", path / "b.tar.gz"],
            capture_output=True, text=True, check=False)
        equal(done.returncode, 1, done.stderr)
        assert "no configuration: name it by -c FILE" in done.stderr, done.stderr
        with tarfile.open(path / "b.tar.gz") as archive:
            manifest = json.load(archive.extractfile("fluxgate-support/manifest.json"))
        equal({"configuration.json", "status.json", "log.txt"} - set(manifest["missing"]), set(),
              "what is told to lack")
        assert "unknown key" in manifest["missing"]["configuration.json"], manifest["missing"]


def writes_over_nothing():
    """A file that is there, and a link to one or to none, is refused and stays as it is"""
    with scratch() as folder:
        path = pathlib.Path(folder)
        there, link, nowhere = path / "there", path / "link", path / "nowhere"
        there.write_text("precious")
        there.chmod(0o644)
        link.symlink_to(there)
        nowhere.symlink_to(path / "none")
        for out in there, link, nowhere:
            done = subprocess.run(
                ["/usr/bin/python3", "-B", TOP / "deploy/support-bundle", "--program", FLUXGATE,
                 "--log", path / "none", "-o", out], capture_output=True, text=True, check=False)
            equal((done.returncode, done.stderr),
                  (1, f"fluxgate-support-bundle: {out}: exists: name another\n"), f"of {out.name}")
        equal(there.read_text(), "precious", "what was there")
        assert not (path / "none").exists(), "it followed a link"


def keeps_tokens_to_itself():
    """What is no token, as the file of their hashes, is refused and not told"""
    with scratch() as folder:
        path = pathlib.Path(folder)
        (path / "tokens").write_text("grafana:07d0\nops:2d71\n")
        done = subprocess.run(
            ["/usr/bin/python3", "-B", TOP / "deploy/support-bundle", "--program", FLUXGATE,
             "--token-file", path / "tokens", "-o", path / "b.tar.gz"],
            capture_output=True, text=True, check=False)
        equal(done.returncode, 1, "exit code")
        equal(done.stderr, f"fluxgate-support-bundle: --token-file: {path}/tokens: expected one token "
              "on one line\n", "standard error")
        assert not (path / "b.tar.gz").exists()


network.lay_wire()
make_capture(CAPTURE)
main(replaces_addresses_and_names, tells_of_the_sensor_alone, says_what_it_could_not_get,
     writes_over_nothing, keeps_tokens_to_itself)
