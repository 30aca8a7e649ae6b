# SPDX-License-Identifier: BSD-3-Clause
"""deploy/prepare-nic over a made-up /sys and /proc: what it would do, and what it refuses."""

import os
import pathlib
import subprocess

from harness import TOP, equal, main, scratch

CARD, ROUTED, BOUND, MLX = "0000:3b:00.0", "0000:01:00.0", "0000:3b:00.1", "0000:81:00.0"
SCRATCH = scratch()
SYS = pathlib.Path(SCRATCH.name) / "sys"
PROC = pathlib.Path(SCRATCH.name) / "proc"
ROUTES = ("Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
          "br0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
          "eth7\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n")


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


def prepare(*arguments):
    environment = {**os.environ, "FLUXGATE_SYSFS": str(SYS), "FLUXGATE_PROC": str(PROC)}
    done = subprocess.run([TOP / "deploy/prepare-nic", *arguments], env=environment,
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
main(tells_what_it_would_do, does_nothing_twice, refuses, gives_back, bad_command_lines)
