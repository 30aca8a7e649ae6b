# SPDX-License-Identifier: BSD-3-Clause
"""deploy/prepare-nic over a made-up /sys and /proc: what it would do, and what it refuses."""

import os
import pathlib
import subprocess

from harness import TOP, Skip, equal, main, scratch

CARD, ROUTED, BOUND, MLX = "0000:3b:00.0", "0000:01:00.0", "0000:3b:00.1", "0000:81:00.0"
SCRATCH = scratch()
SYS = pathlib.Path(SCRATCH.name) / "sys"
PROC = pathlib.Path(SCRATCH.name) / "proc"
ROUTES = ("Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
          "br0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
          "eth7\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n")

# A kernel for these plain files: it acts on what is written to unbind, bind and drivers_probe. The
# card comes to the driver of its override, else to $OWN, but to none that $REFUSES names.
KERNEL = r"""
echo() {
	builtin echo "$@"
	local file at=$FLUXGATE_SYSFS/bus/pci/devices/$1 driver
	file=$(readlink "/proc/$$/fd/1")
	case $file in
	*/unbind) rm "$at/driver" ;;
	*/drivers_probe) driver=$(<"$at/driver_override") driver=${driver:-$OWN} ;;
	*/bind) file=${file%/bind} driver=${file##*/} ;;
	esac
	if [[ -n ${driver:-} && " $REFUSES " != *" $driver "* ]]; then
		ln -sfn "$FLUXGATE_SYSFS/bus/pci/drivers/$driver" "$at/driver"
	fi
}
"""


def lay():
    for where in ("kernel/mm/hugepages", "devices/system/node/node1/hugepages"):
        pages = SYS / where / "hugepages-2048kB"
        pages.mkdir(parents=True)
        (pages / "nr_hugepages").write_text("64\n")
    devices = SYS / "bus/pci/devices"
    (SYS / "bus/pci/drivers_probe").parent.mkdir(parents=True)
    (SYS / "bus/pci/drivers_probe").touch()
    for card, driver, interface in ((CARD, "ice", "eth5"), (ROUTED, "igb", "eth0"),
                                    (BOUND, "vfio-pci", None), (MLX, "mlx5_core", "eth6"),
                                    ("0000:05:00.0", "igb", "eth7")):
        (SYS / "bus/pci/drivers" / driver).mkdir(parents=True, exist_ok=True)
        (SYS / "bus/pci/drivers" / driver / "unbind").touch()
        (devices / card / "iommu_group").mkdir(parents=True)
        (devices / card / "class").write_text("0x020000\n")
        (devices / card / "driver_override").touch()
        (devices / card / "driver").symlink_to(SYS / "bus/pci/drivers" / driver)
        if interface:
            (devices / card / "net" / interface).mkdir(parents=True)
            (SYS / "class/net" / interface).mkdir(parents=True)
    # The default route goes over a bridge of which eth0 is a port.
    (SYS / "class/net/br0").mkdir()
    (SYS / "class/net/eth0/upper_br0").symlink_to(SYS / "class/net/br0")
    (PROC / "net").mkdir(parents=True)
    (PROC / "net/route").write_text(ROUTES)


def prepare(*arguments, prefix=(), **more):
    environment = {**os.environ, "FLUXGATE_SYSFS": str(SYS), "FLUXGATE_PROC": str(PROC), **more}
    done = subprocess.run([*prefix, TOP / "deploy/prepare-nic", *arguments], env=environment,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def tells_what_it_would_do():
    """A dry run prints each step and does none"""
    code, said, errors = prepare("--dry-run", "--hugepages", "512", "--hugepages", "128@1",
                                 "--bind", CARD)
    equal((code, errors), (0, ""), "code and errors")
    device = f"{SYS}/bus/pci/devices/{CARD}"
    equal(said.splitlines(), [
        f"echo 512 > {SYS}/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages",
        f"echo 128 > {SYS}/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages",
        f"echo vfio-pci > {device}/driver_override",
        f"echo {CARD} > {device}/driver/unbind",
        f"echo {CARD} > {SYS}/bus/pci/drivers_probe",
    ], "steps")
    equal((SYS / "bus/pci/devices" / CARD / "driver_override").read_text(), "", "override")


def does_nothing_twice():
    """What is so already is left alone"""
    equal(prepare("--hugepages", "64", "--bind", BOUND, "--unbind", CARD),
          (0, f"hugepages: 64 reserved already, 64 asked for\n{CARD}: not bound to vfio-pci\n"
              f"{BOUND}: bound to vfio-pci already\n", ""), "answer")


def refuses():
    """The card of the default route, also below a bridge, one with a route, and mlx5 are refused"""
    for card, why in ((ROUTED, "carries the default route"), ("0000:05:00.0", "carries a route"),
                      (MLX, "stays with its kernel driver"), ("0000:09:00.0", "no such device")):
        code, said, errors = prepare("--dry-run", "--bind", card)
        equal((code, said), (1, ""), f"code and steps for {card}")
        assert why in errors and errors.count("\n") == 1, errors
    equal(prepare("--dry-run", "--force", "--bind", ROUTED)[0], 1, "code with --force")
    equal(prepare("--dry-run", "--force", "--bind", "0000:05:00.0")[0], 0, "code with --force")


def put(files, function, *arguments, **more):
    """What the function answers while files below /proc/net have these texts"""
    for name, text in files.items():
        (PROC / "net" / name).write_text(text)
    try:
        return function(*arguments, **more)
    finally:
        for name in files:
            (PROC / "net" / name).unlink()
        (PROC / "net/route").write_text(ROUTES)


def route6(interface, destination="0" * 32, length="00", flags="00000003"):
    return (f"{destination} {length} {'0' * 32} 00 {'0' * 32} 00000400 00000001 00000000 "
            f"{flags} {interface:>8}\n")


def never_the_default_one():
    """--force binds no card of a default route: of IPv4, IPv6 or both, among many routes"""
    many = "".join(route6("eth9", f"20010db8{i:024x}", "80") for i in range(20000))
    for v4, v6 in ((ROUTES, route6("br0")), (ROUTES, many), ("", many + route6("br0"))):
        code, said, errors = put({"route": v4, "ipv6_route": v6}, prepare, "--dry-run", "--force",
                                 "--bind", ROUTED)
        equal((code, said), (1, ""), "code and steps")
        assert "carries the default route" in errors, errors
    # What the kernel writes where there is no IPv6 route.
    nothing = route6("lo", flags="00200200")
    equal(put({"ipv6_route": nothing}, prepare, "--dry-run", "--bind", CARD)[0], 0, "code")


def sees_ipv6():
    """A card with an address or a route of IPv6 needs --force; link-local ones are no reason"""
    local = {"if_inet6": "fe80000000000000020000fffe005301 02 40 20 80     eth5\n",
             "ipv6_route": route6("eth5", "fe80" + "0" * 28, "40") +
                           route6("eth5", "ff" + "0" * 30, "08")}
    equal(put(local, prepare, "--dry-run", "--bind", CARD)[0], 0, "code with link-local ones")
    address = local["if_inet6"] + "fd000000000000000000000000000002 02 80 00 82     eth5\n"
    route = local["ipv6_route"] + route6("eth5", "fd" + "0" * 30, "40")
    for files, why in (({"if_inet6": address}, "has an address"),
                       ({"ipv6_route": route}, "carries a route")):
        code, said, errors = put(files, prepare, "--dry-run", "--bind", CARD)
        equal((code, said), (1, ""), "code and steps")
        assert why in errors and errors.count("\n") == 1, errors
        equal(put(files, prepare, "--dry-run", "--force", "--bind", CARD)[0], 0, "with --force")


def sees_addresses_without_routes():
    """An address of /32, and one of an interface that is down, are seen, by ip"""
    probe = subprocess.run(["unshare", "--net", "ip", "link", "add", "eth5", "type", "veth"],
                           capture_output=True, check=False)
    if probe.returncode:
        raise Skip("needs root, and a machine that lets it make network namespaces")
    for script, wanted in (
            ("ip link set eth5 up", 0), ("ip addr add 192.0.2.1/24 dev eth5", 1),
            ("ip addr add 192.0.2.1/32 dev eth5; ip link set eth5 up", 1)):
        inside = ["unshare", "--net", "sh", "-ec",
                  f'ip link add eth5 type veth; {script}; exec "$@"', "sh"]
        code, _, errors = prepare("--dry-run", "--bind", CARD, prefix=inside,
                                  FLUXGATE_PROC="/proc")
        equal(code, wanted, f"code after {script}")
        assert wanted == 0 or "has an address" in errors, errors
    # An interface that ip does not know, as in another network namespace.
    code, _, errors = prepare("--dry-run", "--bind", CARD, prefix=["unshare", "--net"],
                              FLUXGATE_PROC="/proc")
    assert code == 1 and "cannot be seen" in errors and errors.count("\n") == 1, errors


def rolls_back():
    """A card that vfio refuses goes back to what it had before, and that is said"""
    device = SYS / "bus/pci/devices" / CARD
    kernel = pathlib.Path(SCRATCH.name) / "kernel"
    kernel.write_text(KERNEL)
    for before, override, refuses, after, said in (
            ("ice", "", "", "vfio-pci", None),
            ("ice", "", "vfio-pci", "ice", "it is back at ice"),
            ("igb", "igb", "vfio-pci", "igb", "it is back at igb"),
            ("ice", "", "vfio-pci ice", None, f"nor back to ice: echo {CARD} > "),
            (None, "", "vfio-pci", None, "it had no driver before")):
        (device / "driver").unlink(missing_ok=True)
        if before:
            (device / "driver").symlink_to(SYS / "bus/pci/drivers" / before)
        (device / "driver_override").write_text(f"{override or '(null)'}\n")
        code, _, errors = prepare("--bind", CARD, BASH_ENV=str(kernel), OWN="ice", REFUSES=refuses)
        link = device / "driver"
        equal(link.resolve().name if link.is_symlink() else None, after, "driver " + errors)
        equal((device / "driver_override").read_text().strip(), override if said else "vfio-pci",
              "override")
        if said:
            equal((code, errors.count("\n")), (1, 1), "code and lines")
            assert "did not come to vfio-pci" in errors and said in errors, errors
        else:
            equal((code, errors), (0, ""), "code and errors")
    (device / "driver").unlink(missing_ok=True)
    (device / "driver").symlink_to(SYS / "bus/pci/drivers/ice")
    (device / "driver_override").write_text("")


def gives_back():
    """A bound card goes back to its kernel driver"""
    code, said, _ = prepare("--dry-run", "--unbind", BOUND)
    equal((code, said.splitlines()[0]),
          (0, f"echo  > {SYS}/bus/pci/devices/{BOUND}/driver_override"), "first step")


def bad_command_lines():
    """Bad command lines give code 2"""
    for line in ((), ("--bind",), ("--bind", "eth0"), ("--hugepages", "many"), ("--what",)):
        equal(prepare(*line)[0], 2, f"code of {line}")
    code, said, _ = prepare("--help")
    assert code == 0 and "usage: " in said, said


lay()
main(tells_what_it_would_do, does_nothing_twice, refuses, never_the_default_one, sees_ipv6,
     sees_addresses_without_routes, rolls_back, gives_back, bad_command_lines)
