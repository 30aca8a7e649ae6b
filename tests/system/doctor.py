# SPDX-License-Identifier: BSD-3-Clause
"""`fluxgate doctor` on this machine: without a configuration, with one on a veth of our own, with
things that are wrong; its exit codes, and that it changes nothing."""

import json
import pathlib
import shutil
import socket
import subprocess

import network
from harness import DEMO, FLUXGATE, Skip, equal, fluxgate, main, scratch, wait_for

network.isolate()

OK, USAGE, WARNINGS, ERRORS = 0, 2, 8, 9
SEVERITIES = {"ok": OK, "note": OK, "warning": WARNINGS, "error": ERRORS}
LISTEN = "127.0.0.1:8953"
SCRATCH = scratch()
FOLDER = pathlib.Path(SCRATCH.name)


def config(device="net_af_packet0,iface=watch0,blocksz=65536", **more):
    return {"workers": 1, "eal": {"huge": False}, "ports": [{"device": device}],
            "networks": {"asn_db": str(DEMO / "asn.mmdb")}, "pairing": {"entries": 1024},
            "shard": {"entries": 1024},
            "store": {"door_entries": 1024, "candidates": 1024, "domains": 64},
            "http": {"listen": LISTEN}, **more}


def doctor(settings=None, *arguments, prefix=()):
    """The object that doctor prints; its exit code is held against its findings."""
    command = [*prefix, FLUXGATE, "doctor", "--json", *map(str, arguments)]
    if settings is not None:
        (FOLDER / "config.json").write_text(json.dumps(settings))
        command += ["-c", FOLDER / "config.json"]
    run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                         timeout=60, check=False)
    equal(run.stderr, "", "stderr")
    said = json.loads(run.stdout)
    worst = max(SEVERITIES[f["severity"]] for f in said["findings"])
    equal((run.returncode, said["exit_code"]), (worst, worst), "exit code, said exit code")
    return said


def found(said, check):
    return [f for f in said["findings"] if f["check"] == check]


def expect(said, check, severity, word=""):
    """One finding of the check has this severity and this word; returns it."""
    for finding in found(said, check):
        if finding["severity"] == severity and word in finding["found"] + finding["remedy"]:
            return finding
    raise AssertionError(f"{check}: no {severity} with {word!r}: {found(said, check)}")


def machine_only():
    """Without a configuration it looks at the machine only"""
    said = doctor()
    equal((said["config"], said["budget"]), (None, None), "configuration and budget")
    for check in "cpu.count", "memory.hugetlbfs", "iommu.state", "xdp.sockets":
        assert found(said, check), f"no {check}"
    assert not [f for f in said["findings"] if f["subject"]], "a port without a configuration"


def table_for_people():
    """The table says the same as the object, without colours where nobody looks"""
    said = doctor(config())
    run = fluxgate("doctor", "-c", FOLDER / "config.json")
    equal(run.returncode, said["exit_code"], "exit code")
    assert "\033" not in run.stdout, run.stdout
    lines = [line for line in run.stdout.splitlines() if line.split(" ")[0] in SEVERITIES]
    equal([line.split()[:2] for line in lines],
          [[f["severity"], f["check"]] for f in said["findings"]], "severities and checks")


def interface_of_ours():
    """A veth with a link and small tables is fit to run; nothing is changed by looking"""
    before = network.ip("-d", "link", "show", "watch0")
    said = doctor(config())
    for check in "nic.up", "nic.mtu", "nic.queues", "packet.rights", "memory.free", "config.valid":
        expect(said, check, "ok")
    expect(said, "nic.promiscuous", "ok")
    budget = said["budget"]
    equal(budget["octets"], budget["tables"] + budget["packet_buffers"] + budget["headroom"],
          "sum of the budget")
    assert not [f for f in said["findings"] if f["severity"] == "error"], said["findings"]
    equal(network.ip("-d", "link", "show", "watch0"), before, "the interface")


def budget_is_what_run_takes():
    """The budget is the memory that run says it takes"""
    said = doctor(config("net_null0"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        run = fluxgate("run", "-c", FOLDER / "config.json", "--listen",
                       f"127.0.0.1:{taken.getsockname()[1]}")
    equal(run.stderr.splitlines()[0],
          f"fluxgate: memory: {said['budget']['tables'] >> 20} MiB of tables, "
          f"{said['budget']['packet_buffers'] >> 20} MiB of packet buffers", "what run says")


def interface_down():
    """An interface that is down is an error, and its remedy is one"""
    network.ip("link", "set", "watch0", "down")
    finding = expect(doctor(config()), "nic.up", "error", "watch0 is down")
    subprocess.run(finding["remedy"].split(), check=True)
    wait_for(lambda: found(doctor(config()), "nic.up")[0]["severity"] == "ok", 10, "it is up")


def interface_missing():
    """An interface that is not there, and a PCI device that is not, are errors"""
    expect(doctor(config("net_af_packet0,iface=nowhere0")), "port.present", "error", "nowhere0")
    expect(doctor(config("ffff:1f:1f.7")), "port.present", "error", "ffff:1f:1f.7")


def sysfs_of_another_namespace():
    """An interface that /sys does not show is not called absent"""
    run = ["unshare", "--net", "sh", "-c", 'ip link add watch9 type veth && exec "$@"', "sh"]
    expect(doctor(config("net_af_packet0,iface=watch9"), prefix=run), "port.present", "warning",
           "another network namespace")


def merging_interface():
    """GRO is a warning, and its remedy takes it away"""
    if not shutil.which("ethtool"):
        raise Skip("needs ethtool")
    subprocess.run(["ethtool", "-K", "watch0", "gro", "on"], check=True)
    finding = expect(doctor(config()), "nic.offloads", "warning", "GRO")
    subprocess.run(finding["remedy"].split(), check=True)
    expect(doctor(config()), "nic.offloads", "ok")


def mtu_of_af_xdp():
    """An MTU that AF_XDP can't carry is an error, one whose frames are lost a warning"""
    device = "net_af_xdp0,iface=watch0"
    expect(doctor(config(device)), "nic.mtu", "ok", "1500")
    network.ip("link", "set", "watch0", "mtu", "2000")
    expect(doctor(config(device)), "nic.mtu", "warning", "2000")
    network.ip("link", "set", "watch0", "mtu", "9000")
    try:
        expect(doctor(config(device)), "nic.mtu", "error", "9000")
    finally:
        network.ip("link", "set", "watch0", "mtu", "1500")


def queues_of_af_xdp():
    """More queues than the interface can give are an error; queues that nobody listens on a warning"""
    for count in 2, 3:
        more = doctor(config(f"net_af_xdp0,iface=watch0,queue_count={count}", workers=2))
        finding = expect(more, "nic.channels", "error", f"0..{count - 1} of 1")
        assert "ethtool" not in finding["remedy"] and "spreader" in finding["remedy"], finding
    few = doctor(config("net_af_xdp0,iface=watch0", workers=2))
    finding = expect(few, "nic.channels", "warning", "of the card's 2")
    equal(finding["remedy"], "ethtool -L watch0 rx 1", "remedy")
    expect(few, "nic.queues", "ok", "spreader")


def hugepages_missing():
    """More hugepages than there are is an error with the command that reserves them"""
    store = {"door_entries": 1 << 30, "candidates": 1 << 28}
    expect(doctor(config(eal={"huge": True}, store=store)), "memory.hugepages", "error",
           "nr_hugepages")


def listener():
    """A listen address that is taken is an error and names the process"""
    expect(doctor(config()), "config.listen", "ok")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 8953))
        taken.listen()
        expect(doctor(config()), "config.listen", "error", "python")
    for address in "::", "::ffff:127.0.0.1":
        with socket.socket(socket.AF_INET6) as taken:
            taken.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            taken.bind((address, 8953))
            taken.listen()
            expect(doctor(config()), "config.listen", "error", "python")


def sensor_that_runs():
    """A sensor that runs on the same port is an error, and is seen no more when it has ended"""
    expect(doctor(config()), "leftovers.sensor", "ok")
    (FOLDER / "running.json").write_text(json.dumps(config()))
    with open(FOLDER / "log", "w+", encoding="utf-8") as log:
        sensor = subprocess.Popen([FLUXGATE, "run", "-c", FOLDER / "running.json"],
                                  stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait_for(lambda: "running" in (FOLDER / "log").read_text(), 30, "it runs")
            said = doctor(config())
            expect(said, "leftovers.sensor", "error", f"kill {sensor.pid}")
            expect(said, "config.listen", "error", "fluxgate")
        finally:
            sensor.terminate()
            equal(sensor.wait(timeout=10), 0, "exit code of the sensor")
    expect(doctor(config()), "leftovers.sensor", "ok")


def configuration_wrong():
    """A configuration that is refused is an error; the machine is looked at all the same"""
    said = doctor({"store": {"domans": 1}})
    expect(said, "config.valid", "error", "store.domans")
    equal(said["budget"], None, "budget")
    assert found(said, "cpu.count"), said
    said = doctor(None, "-c", "/nowhere/fluxgate.json")
    finding = expect(said, "config.valid", "error", "/nowhere/fluxgate.json")
    equal(finding["remedy"], "name a file that can be read", "remedy")


def without_root():
    """Without root it works, and says what it could not see and may not do"""
    if not shutil.which("setpriv"):
        raise Skip("needs setpriv")
    # net_af_packet leaves it on.
    network.ip("link", "set", "watch0", "promisc", "off")
    FOLDER.chmod(0o755)
    program = FOLDER / "fluxgate"
    shutil.copy(FLUXGATE, program)
    (FOLDER / "config.json").write_text(json.dumps(config()))
    run = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                          "--inh-caps=-all", program, "doctor", "--json", "-c",
                          FOLDER / "config.json"],
                         capture_output=True, text=True, timeout=60, check=False)
    said = json.loads(run.stdout)
    expect(said, "process.user", "note", "as root")
    expect(said, "packet.rights", "warning", "CAP_NET_RAW")
    expect(said, "nic.promiscuous", "warning")
    assert run.returncode in (WARNINGS, ERRORS), run.returncode


def root_elsewhere():
    """Below another root it sees that root only"""
    said = doctor(config(), "--root", FOLDER)
    expect(said, "process.status", "warning")
    expect(said, "port.present", "error", "watch0")
    assert not found(said, "clock.synchronised"), "this machine's clock"


def command_lines():
    """Options that are not there are refused; --help tells the exit codes"""
    for wrong in ("--nothing",), ("extra",), ("-c",):
        run = fluxgate("doctor", *wrong)
        equal(run.returncode, USAGE, f"exit code of doctor {wrong}")
        equal(len(run.stderr.splitlines()), 1, f"lines of {run.stderr!r}")
    run = fluxgate("doctor", "--help")
    equal((run.returncode, run.stderr), (0, ""), "exit code and stderr of --help")
    for code in OK, WARNINGS, ERRORS:
        assert f"{code} " in run.stdout, run.stdout


# This network namespace has interfaces of its own in a sysfs of its own.
subprocess.run(["mount", "-t", "sysfs", "none", "/sys"], check=True)
network.be_silent()
network.ip("link", "set", "lo", "up")
network.ip("link", "add", "watch0", "numrxqueues", "2", "numtxqueues", "2", "type", "veth",
           "peer", "name", "far0", "numrxqueues", "2", "numtxqueues", "2")
network.ip("link", "set", "far0", "up")
network.ip("link", "set", "watch0", "up")
main(machine_only, table_for_people, interface_of_ours, budget_is_what_run_takes, interface_down,
     interface_missing, sysfs_of_another_namespace, merging_interface, mtu_of_af_xdp, queues_of_af_xdp, hugepages_missing,
     listener, sensor_that_runs, configuration_wrong, without_root, root_elsewhere, command_lines)
