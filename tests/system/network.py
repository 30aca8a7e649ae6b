# SPDX-License-Identifier: BSD-3-Clause
"""A wire of our own to listen on: namespaces, veth pairs, and a bridge that repeats each frame.

    namespace "client" --- hub --- namespace "server"
                            |
                       tap0 (here): what the sensor sees, as on a mirror port; it may have an
                       address of its own, for pings

All of it lives in namespaces of this process and goes with it, however it ends.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys

from harness import skip_all, wait_for

CLIENT, SERVER, TAP = "10.53.0.1", "10.53.0.2", "10.53.0.3"
MACS = {CLIENT: "02:00:00:00:53:01", SERVER: "02:00:00:00:53:02"}
INSIDE = "FLUXGATE_TEST_INSIDE"
UNSHARE = ("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")


def needs(*programs):
    """Skips this test where a program is missing, or namespaces can't be made."""
    if os.geteuid() != 0:
        skip_all("needs root to make network namespaces")
    for program in ("unshare", "ip", *programs):
        if not shutil.which(program):
            skip_all(f"needs {program}")
    if subprocess.run([*UNSHARE, "ip", "link", "add", "probe", "type", "bridge"],
                      stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode:
        skip_all("this machine lets us make no namespaces or bridges")


def isolate(*programs):
    """Runs this test again in namespaces of its own, or skips it where that can't be."""
    if os.environ.get(INSIDE):
        return
    needs(*programs)
    os.environ[INSIDE] = "1"
    os.execvp(UNSHARE[0], [*UNSHARE, sys.executable, *sys.argv])


def ip(*arguments):
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"
    return done.stdout


def inside(namespace, *command):
    return ["ip", "netns", "exec", namespace, *map(str, command)]


def be_silent():
    """No frames of IPv6 that nobody asked for, in this network namespace."""
    for which in "all", "default":
        pathlib.Path(f"/proc/sys/net/ipv6/conf/{which}/disable_ipv6").write_text("1")


def lay_wire():
    """Makes namespaces, hub and tap. No frame is on the wire but those that a test sends."""
    # `ip netns` keeps its names below /run, where others must not see ours.
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
    be_silent()
    ip("link", "set", "lo", "up")
    # A bridge that forgets addresses at once sends each frame to all its ports: a hub.
    ip("link", "add", "hub", "type", "bridge", "ageing_time", "0", "mcast_snooping", "0")
    ip("link", "set", "hub", "up")
    for name, address in ("client", CLIENT), ("server", SERVER):
        ip("netns", "add", name)
        subprocess.run(inside(name, sys.executable, "-c",
                              "import network; network.be_silent()"),
                       cwd=pathlib.Path(__file__).parent, check=True)
        ip("link", "add", f"hub-{name}", "type", "veth",
           "peer", "name", "eth0", "address", MACS[address], "netns", name)
        ip("link", "set", f"hub-{name}", "master", "hub", "up")
        ip("-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
        ip("-n", name, "link", "set", "lo", "up")
        ip("-n", name, "link", "set", "eth0", "up")
        # Neighbours that are known need no ARP.
        for neighbour, mac in MACS.items():
            ip("-n", name, "neigh", "add", neighbour, "lladdr", mac, "dev", "eth0",
               "nud", "permanent")
    ip("link", "add", "tap0", "type", "veth", "peer", "name", "hub-tap")
    ip("link", "set", "hub-tap", "master", "hub", "up")
    ip("link", "set", "tap0", "up")
    for port in "hub-client", "hub-server", "hub-tap":
        wait_for(lambda: '"forwarding"' in ip("-d", "-j", "link", "show", port), 10,
                 f"{port} forwards")


def plain_frames():
    """Each frame as on a cable: no larger than the MTU, with its checksums."""
    for name in "client", "server":
        done = subprocess.run(inside(name, "ethtool", "-K", "eth0", "tso", "off", "gso", "off",
                                     "gro", "off", "tx", "off"),
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"ethtool: {done.stderr}"


def address_tap():
    """Gives the tap an address that the kernel answers pings to."""
    mac = json.loads(ip("-j", "link", "show", "tap0"))[0]["address"]
    ip("addr", "add", f"{TAP}/24", "dev", "tap0")
    ip("neigh", "add", CLIENT, "lladdr", MACS[CLIENT], "dev", "tap0", "nud", "permanent")
    ip("-n", "client", "neigh", "add", TAP, "lladdr", mac, "dev", "eth0", "nud", "permanent")


def link_counters(name):
    """The kernel's counters of an interface here: {"rx": {"packets", "dropped"...}, "tx": ...}."""
    return json.loads(ip("-j", "-s", "link", "show", name))[0]["stats64"]


def frames_on_tap():
    """Frames that the kernel has brought to the tap so far."""
    return link_counters("tap0")["rx"]["packets"]


def tap_is_promiscuous():
    return json.loads(ip("-j", "-d", "link", "show", "tap0"))[0]["promiscuity"] > 0


def program_on_tap():
    """Name of the XDP program on the tap, or None."""
    link = json.loads(ip("-j", "link", "show", "tap0"))[0]
    return link.get("xdp", {}).get("prog", {}).get("name")
