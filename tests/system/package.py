# SPDX-License-Identifier: BSD-3-Clause
"""The Debian package: built, installed with its dependencies in the smallest Debian, used, upgraded,
removed and purged there.

The system and what apt fetched stay in the build folder, so that the next run is quicker.
"""

import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys

from harness import FLUXGATE, TOP, equal, main, scratch, skip_all

INSIDE = "FLUXGATE_TEST_PACKAGE_INSIDE"
# The package is for the release that it is built on.
RELEASE = platform.freedesktop_os_release()["VERSION_CODENAME"]
CACHE = pathlib.Path(FLUXGATE).resolve().parents[1] / "package-test"
HUGEPAGES = pathlib.Path("/proc/sys/vm/nr_hugepages")
NOTE_WARNING_ERROR = {0, 8, 9}
NO_PORT = 3
HINT = "not started: name a port in /etc/fluxgate/fluxgate.json"

ROOT = CACHE / "root"


def isolate():
    """Runs this test again where its mounts and processes are its own, or skips it."""
    if os.environ.get(INSIDE):
        return
    if os.geteuid() != 0:
        skip_all("needs root to install into a chroot")
    for program in "unshare", "debootstrap", "dpkg-buildpackage", "lintian", "dh", "apt-get":
        if not shutil.which(program):
            skip_all(f"needs {program}")
    os.environ[INSIDE] = "1"
    prefix = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    os.execvp(prefix[0], [*prefix, sys.executable, *sys.argv])


def run(*command, code=0, **more):
    done = subprocess.run([*map(str, command)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False, **more)
    assert done.returncode == code, (f"{' '.join(map(str, command))}: exit code {done.returncode}: "
                                     f"{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout + done.stderr


def inside(*command, code=0, before=()):
    return run(*before, "chroot", ROOT, "env", "-i", "LANG=C.UTF-8", "DEBIAN_FRONTEND=noninteractive",
               "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *command, code=code)


def mirror():
    """Where this machine's apt gets Debian's main archive from."""
    told = run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages",
               "Origin: Debian", "Label: Debian", "Component: main").split()
    if not told:
        skip_all("apt knows no archive of Debian: run apt-get update")
    return told[0]


def apt_settings():
    """Proxies and the like of this machine's apt."""
    return "".join(f"{line}\n" for line in run("apt-config", "dump").splitlines() if re.match(
        r"Acquire::(http|https|Retries|Check-[\w-]*)(::\S*)? ", line))


def system_make():
    """The smallest system, from the folder of builds where it is; skips where there is no mirror."""
    archive = CACHE / f"{RELEASE}.tar"
    ROOT.mkdir(parents=True, exist_ok=True)
    # In memory, where nothing is waited for, and gone with this namespace.
    run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", ROOT)
    if not archive.exists():
        done = subprocess.run(["debootstrap", "--variant=minbase", RELEASE, ROOT, mirror()],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode:
            skip_all(f"debootstrap: {done.stdout.strip().splitlines()[-1:]}")
        part = archive.with_suffix(".part")
        run("tar", "-C", ROOT, "-cf", part, ".")
        part.rename(archive)
    else:
        run("tar", "-C", ROOT, "-xf", archive)
    (ROOT / "etc/apt/apt.conf.d/00host").write_text(apt_settings() + 'Acquire::Languages "none";\n')
    # Manuals and translations of others are read by nobody here.
    (ROOT / "etc/dpkg/dpkg.cfg.d/test").write_text("".join(
        f"path-exclude=/usr/share/{what}/*\npath-include=/usr/share/{what}/*fluxgate*\n"
        for what in ("doc", "man", "locale")))
    # No service starts because its package is installed.
    policy = ROOT / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    for file in "resolv.conf", "hosts":
        shutil.copy(f"/etc/{file}", ROOT / "etc" / file)
    (CACHE / "archives").mkdir(exist_ok=True)
    for what, where in ("/dev", "dev"), ("/sys", "sys"), (CACHE / "archives", "var/cache/apt/archives"):
        run("mount", "--rbind", what, ROOT / where)
    run("mount", "-t", "proc", "proc", ROOT / "proc")
    run("mount", "-t", "tmpfs", "tmpfs", ROOT / "run")


def package_path():
    return next(CACHE.glob("fluxgate_*.deb"))


def clears_nothing_of_others():
    """deploy/package --work refuses a folder that it did not make, and leaves what is in it"""
    with scratch() as folder:
        above = pathlib.Path(folder)
        clone = above / "fluxgate"
        shutil.copytree(TOP / "deploy", clone / "deploy")
        shutil.copy(TOP / "meson.build", clone)
        (above / "other/fluxgate").mkdir(parents=True)
        (above / "other/fluxgate/precious").write_text("precious")
        (above / "link").mkdir()
        (above / "link/fluxgate").symlink_to(clone)
        own = above / "own"
        for work, why in ((above, "was not made by this script"), (above / "other", "was not made"),
                          (above / "link", "was not made"), (clone / "deploy", "is in the tree")):
            told = run(clone / "deploy/package", "--work", work, own, code=1)
            assert why in told, told
            assert (clone / "deploy/package").exists() and (clone / "meson.build").exists(), work
        assert (above / "other/fluxgate/precious").exists()
        # A tree that this script made, and from which it is run.
        (clone / ".made-by-deploy-package").touch()
        told = run(clone / "deploy/package", "--work", above, own, code=1)
        assert "holds the tree itself" in told and (clone / "deploy/package").exists(), told


def build_start():
    """deploy/package at work, while the system is being made; no debug information, which nobody reads."""
    CACHE.mkdir(parents=True, exist_ok=True)
    for old in CACHE.glob("*.deb"):
        old.unlink()
    return subprocess.Popen(
        [TOP / "deploy/package", "--work", CACHE / "build", CACHE], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "DEB_BUILD_OPTIONS": "nocheck noautodbgsym", "DEB_CFLAGS_STRIP": "-g"})


def is_built():
    """deploy/package builds it, and lintian finds no error"""
    told, _ = BUILD.communicate()
    for line in told.splitlines():
        print(f"# {line}")
    equal(BUILD.returncode, 0, "exit code")
    assert not re.search(r"^E: ", told, re.M), told


def field(name):
    """A field of the package's control file."""
    return run("dpkg-deb", "--field", package_path(), name).strip()


def programs_running():
    """The program's processes: this namespace has none of another's."""
    return [str(comm) for comm in pathlib.Path("/proc").glob("[0-9]*/comm")
            if comm.read_text().startswith("fluxgate")]


def starts_nothing():
    equal(list((ROOT / "etc/systemd/system").rglob("fluxgate.service")), [], "enabled")
    equal(programs_running(), [], "processes")


def is_installed():
    """apt installs it with what it needs and recommends; nothing is started, no hugepage reserved"""
    hugepages = HUGEPAGES.read_text()
    shutil.copy(package_path(), ROOT / "tmp/fluxgate.deb")
    inside("apt-get", "-q", "update")
    recommended = field("Recommends").replace(",", " ").split()
    told = inside("apt-get", "-q", "-y", "--no-install-recommends", "install", "/tmp/fluxgate.deb",
                  *recommended)
    assert HINT in told, told[-2000:]
    equal(HUGEPAGES.read_text(), hugepages, "hugepages")
    starts_nothing()
    equal(inside("id", "-un", "fluxgate").strip(), "fluxgate", "user")
    for folder in "var/lib/fluxgate", "var/log/fluxgate":
        equal(inside("stat", "-c", "%U:%G %a", f"/{folder}").strip(), "fluxgate:fluxgate 750", folder)
    equal(inside("dpkg-query", "-W", "-f", "${Conffiles}", "fluxgate").split()[::2],
          ["/etc/fluxgate/fluxgate.json", "/etc/logrotate.d/fluxgate"], "conffiles")


def links(document):
    """Files beside it that a document links to."""
    found = re.findall(r"\]\(([^)\s]+)\)|^\[[^]]+\]: +(\S+)", document.read_text(), re.M)
    return [one or other for one, other in found if not re.match(r"#|\w+:", one or other)]


def holds_what_it_promises():
    """Manuals, documents, schemas, completion, examples and the unit are where they belong"""
    for file in ("man/man8/fluxgate.8.gz", "man/man5/fluxgate.conf.5.gz", "doc/fluxgate/operations.md",
                 "doc/fluxgate/fluxgate.schema.json", "doc/fluxgate/schema/status.json",
                 "doc/fluxgate/README.Debian", "doc/fluxgate/examples/fluxgate.json",
                 "doc/fluxgate/examples/af-xdp.conf", "bash-completion/completions/fluxgate",
                 "fluxgate/xdp/steer.bpf.o", "fluxgate/profiles"):
        assert (ROOT / "usr/share" / file).exists(), file
    documents = list((ROOT / "usr/share/doc/fluxgate").rglob("*.md"))
    equal([f"{document.name}: {link}" for document in documents for link in links(document)
           if not (document.parent / link.split("#")[0]).exists()], [], "links to nothing")
    # There is no man here to read the manual pages that the unit names.
    told = inside("systemd-analyze", "verify", "--man=no", "fluxgate.service")
    assert "fluxgate" not in told, told
    told = inside("logrotate", "--debug", "/etc/logrotate.d/fluxgate")
    assert "error" not in told, told
    told = inside("bash", "-c", ". /usr/share/bash-completion/completions/fluxgate; COMP_CWORD=1;"
                  "COMP_WORDS=(fluxgate do); _fluxgate; echo ${COMPREPLY[@]}")
    equal(told.strip(), "doctor", "completion of do")
    told = inside("fluxgate-prepare-nic", "--help")
    assert told.startswith("usage: fluxgate-prepare-nic "), told
    inside("sh", "-c", "command -v ip && command -v modprobe && command -v awk")


def works():
    """The installed program tells its version, checks, looks at the machine and finds flux"""
    version = re.search(r"version: '(.*)'", (TOP / "meson.build").read_text())[1]
    equal(inside("fluxgate", "--version").strip(), f"fluxgate {version}", "version")
    equal(inside("fluxgatectl", "--version").strip(), f"fluxgatectl {version}", "client's version")
    inside("fluxgate", "check-config", "/etc/fluxgate/fluxgate.json")
    told = inside("fluxgate", "run", "-c", "/etc/fluxgate/fluxgate.json", code=NO_PORT)
    assert "ports: none" in told, told
    done = subprocess.run(["chroot", ROOT, "fluxgate", "doctor", "-c", "/etc/fluxgate/fluxgate.json"],
                          capture_output=True, text=True, check=False)
    assert done.returncode in NOTE_WARNING_ERROR and "memory.budget" in done.stdout, done.stdout
    demo = "/usr/share/doc/fluxgate/examples/demo"
    found = json.loads(inside(
        "setpriv", "--reuid=fluxgate", "--regid=fluxgate", "--clear-groups", "fluxgate", "replay",
        "--json", "--asn-db", f"{demo}/asn.mmdb", f"{demo}/demo.pcap.gz"))
    truth = json.loads((TOP / "deploy/demo/truth.json").read_text())
    equal({d["domain"] for d in found["domains"]},
          {d["domain"] for d in truth["domains"] if d["flux"]}, "flagged domains")
    inside("fluxgate-support-bundle", "-o", "/tmp/bundle.tar.gz")
    assert (ROOT / "tmp/bundle.tar.gz").stat().st_size > 1000


def listens():
    """Its drivers come with it: it opens an AF_PACKET port as its user, with the unit's capabilities"""
    settings = {"epoch_seconds": 1, "eal": {"huge": False}, "http": {"listen": ""},
                "ports": [{"device": "net_af_packet0,iface=lo,blocksz=65536"}],
                "shard": {"entries": 16384}, "pairing": {"entries": 65536},
                "store": {"door_entries": 65536, "candidates": 16384, "domains": 1024}}
    (ROOT / "tmp/lo.json").write_text(json.dumps(settings))
    rights = "+net_raw,+net_admin,+ipc_lock"
    told = inside("timeout", "--preserve-status", "6", "setpriv", "--reuid=fluxgate", "--regid=fluxgate",
                  "--clear-groups", "--no-new-privs", f"--inh-caps=-all,{rights}",
                  f"--ambient-caps=-all,{rights}", f"--bounding-set=-all,{rights}",
                  "fluxgate", "run", "-c", "/tmp/lo.json", before=["unshare", "--net"])
    assert "running: 1 port(s)" in told and "fluxgate: ended" in told, told


def is_upgraded():
    """An upgrade leaves the operator's configuration, state, owners and modes, and starts nothing"""
    config, state = ROOT / "etc/fluxgate/fluxgate.json", ROOT / "var/lib/fluxgate/state"
    parts = ROOT / "tmp/newer"
    run("dpkg-deb", "--raw-extract", package_path(), parts)
    control = parts / "DEBIAN/control"
    control.write_text(re.sub(r"(?m)^Version: .*", r"\g<0>+newer", control.read_text()))
    shipped = parts / "etc/fluxgate/fluxgate.json"
    shipped.write_text(shipped.read_text() + "\n")
    run("dpkg-deb", "-Znone", "--build", "--root-owner-group", parts, ROOT / "tmp/newer.deb")
    version = field("Version")
    operators = config.read_text().replace("{", '{"epoch_seconds": 3,', 1)
    config.write_text(operators)
    inside("chown", "root:fluxgate", "/etc/fluxgate/fluxgate.json")
    config.chmod(0o640)
    state.write_text("state")
    inside("chown", "fluxgate:fluxgate", "/var/lib/fluxgate/state")
    told = inside("dpkg", "--force-confdef", "--force-confold", "--install", "/tmp/newer.deb")
    assert HINT not in told, told
    equal(inside("dpkg-query", "-W", "-f", "${Version} ${db:Status-Status}", "fluxgate"),
          f"{version}+newer installed", "version")
    equal((config.read_text(), state.read_text()), (operators, "state"), "configuration and state")
    equal(inside("stat", "-c", "%U:%G %a", "/etc/fluxgate/fluxgate.json", "/var/lib/fluxgate",
                 "/var/lib/fluxgate/state").splitlines(),
          ["root:fluxgate 640", "fluxgate:fluxgate 750", "fluxgate:fluxgate 644"], "owners and modes")
    starts_nothing()


def goes_without_a_trace():
    """Removed, it leaves configuration and state; purged, neither; the user stays, as policy has it"""
    inside("dpkg", "--remove", "fluxgate")
    assert not (ROOT / "usr/bin/fluxgate").exists()
    assert (ROOT / "etc/fluxgate/fluxgate.json").exists()
    assert (ROOT / "var/lib/fluxgate/state").exists()
    inside("dpkg", "--purge", "fluxgate")
    left = [str(p) for folder in ("etc", "usr", "var") for p in (ROOT / folder).rglob("*fluxgate*")
            if "apt/archives" not in str(p)]
    equal(left, [], "left after a purge")
    equal(inside("id", "-un", "fluxgate").strip(), "fluxgate", "user")


isolate()
BUILD = build_start()
system_make()
main(clears_nothing_of_others, is_built, is_installed, holds_what_it_promises, works, listens, is_upgraded,
     goes_without_a_trace)
