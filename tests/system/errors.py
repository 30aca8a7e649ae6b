# SPDX-License-Identifier: BSD-3-Clause
"""Bad input: one line on stderr that names what and where, a documented exit code
(app/cli/exit.h), nothing on stdout and nothing half-started."""

import gzip
import json
import pathlib
import socket
import struct

from harness import DEMO, DEMO_CAPTURE as CAPTURE, demo_databases, equal, fluxgate, main, scratch

RUNTIME, USAGE, CONFIG, INPUT, DATABASE, PORT, LISTEN = 1, 2, 3, 4, 5, 6, 7

USB = 189


def refused(code, words, *arguments, environment=None):
    """The program ends with `code` and one line that holds all words."""
    run = fluxgate(*arguments, environment=environment)
    said = run.stderr.splitlines()
    shown = f"{' '.join(map(str, arguments))}: exit code {run.returncode}, stderr {said}"
    assert run.returncode == code, f"expected exit code {code}: {shown}"
    assert len(said) == 1, f"expected one line: {shown}"
    assert said[0].startswith("fluxgate: "), shown
    for word in words:
        assert word in said[0], f"expected {word!r}: {shown}"
    equal(run.stdout, "", f"stdout of {' '.join(map(str, arguments))}")


def with_file(content, check):
    with scratch() as folder:
        path = pathlib.Path(folder) / "input"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        check(path)


def with_config(config, check):
    with_file(config if isinstance(config, str) else json.dumps(config), check)


def null_port(**more):
    """A configuration that runs anywhere: a port without packets, small tables."""
    return {"epoch_seconds": 1, "eal": {"huge": False}, "ports": [{"device": "net_null0"}],
            "pairing": {"entries": 1024}, "shard": {"entries": 1024},
            "store": {"door_entries": 1024, "candidates": 1024, "domains": 64}, **more}


def pcap_header(link):
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link)


def captures_missing():
    """A capture that is not there is named, by replay and by dump"""
    for command in "replay", "dump":
        refused(INPUT, ["/nowhere/a.pcap", "No such file", "name a file"], command, "/nowhere/a.pcap")


def captures_one_of_two_missing():
    """Of several captures the missing one is named, and none is read"""
    refused(INPUT, ["/nowhere/b.pcap"], "replay", CAPTURE, "/nowhere/b.pcap")


def captures_empty():
    """An empty file is no capture"""
    with_file(b"", lambda f: refused(INPUT, [str(f), "empty"], "replay", f))
    with_file(b"", lambda f: refused(INPUT, [str(f), "empty"], "dump", f))


def captures_of_text():
    """A file that is no capture is named"""
    with_file(b"this is no capture, but text\n" * 9,
              lambda f: refused(INPUT, [str(f)], "replay", f))


def captures_with_half_a_header():
    """A capture that ends within its header is refused"""
    with_file(pcap_header(1)[:20], lambda f: refused(INPUT, [str(f)], "replay", f))


def captures_of_a_folder():
    """A folder is no capture"""
    with scratch() as folder:
        refused(INPUT, [folder], "replay", folder)


def captures_of_other_links():
    """A link type that is not supported is refused by its name"""
    with_file(pcap_header(USB), lambda f: refused(INPUT, [str(f), "USB_LINUX"], "replay", f))
    with_file(pcap_header(USB), lambda f: refused(INPUT, [str(f), "USB_LINUX"], "dump", f))


def captures_cut():
    """A capture cut in mid-packet is processed up to the cut, and says so"""
    whole = gzip.decompress(CAPTURE.read_bytes())

    def check(path):
        run = fluxgate("replay", "--json", path)
        equal(run.returncode, 0, "exit code")
        result = json.loads(run.stdout)
        equal(result["capture"]["cut_files"], 1, "cut files")
        equal(result["accounting"]["accounting_error"], 0, "accounting error")
        assert result["capture"]["packets"] > 100, result["capture"]
        equal(result["accounting"]["rx"]["received"], result["capture"]["packets"], "received")
        said = run.stderr.splitlines()
        assert len(said) == 1 and said[0].startswith("fluxgate: ") and str(path) in said[0], said

    with_file(whole[:len(whole) // 2 + 7], check)


def captures_without_packets():
    """A capture with a header and no packets is fine"""
    def check(path):
        run = fluxgate("replay", "--json", path)
        equal((run.returncode, run.stderr), (0, ""), "exit code and stderr")
        result = json.loads(run.stdout)
        equal(result["capture"]["packets"], 0, "packets")
        equal(result["domains"], [], "domains")

    with_file(pcap_header(1), check)


def command_lines():
    """Command lines that say nothing, or nonsense, are refused"""
    refused(USAGE, ["frobnicate"], "frobnicate")
    refused(USAGE, ["no capture"], "replay")
    refused(USAGE, ["--workers 0"], "replay", "--workers", "0", CAPTURE)
    refused(USAGE, ["--workers many"], "replay", "--workers", "many", CAPTURE)
    refused(USAGE, ["no configuration file"], "run")
    for arguments, words in ((("run", "-c"), "-c: needs an argument"),
                             (("replay", "--serve"), "--serve: needs an argument"),
                             (("dump", "--nothing"), "--nothing: no such option"),
                             (("doctor", "-x"), "-x: no such option")):
        refused(USAGE, [words, f"fluxgate {arguments[0]} --help"], *arguments)


def help_of_the_program():
    """Help is printed however it is asked for"""
    texts = {fluxgate(word).stdout for word in ("help", "--help", "-h")}
    assert len(texts) == 1 and "check-config" in texts.pop(), texts


def keys_unknown():
    """An unknown key is refused with file, path and what may have been meant"""
    with_config({"epoch_secnds": 5}, lambda f: refused(
        CONFIG, [str(f), "epoch_secnds", "epoch_seconds"], "check-config", f))
    with_config({"store": {"domans": 64}}, lambda f: refused(
        CONFIG, [str(f), "store.domans", "store.domains"], "replay", "-c", f, CAPTURE))


def values_out_of_range():
    """A value out of range is refused with file, path and the range"""
    with_config({"epoch_seconds": 0}, lambda f: refused(
        CONFIG, [str(f), "epoch_seconds", "1", "300"], "check-config", f))
    with_config(null_port(workers=33), lambda f: refused(
        CONFIG, [str(f), "workers", "32"], "run", "-c", f))
    with_config({"detect": {"min_addresses": -1}}, lambda f: refused(
        CONFIG, [str(f), "detect.min_addresses"], "check-config", f))


def values_of_other_types():
    """A value of another type is refused with file and path"""
    with_config({"epoch_seconds": "ten"}, lambda f: refused(
        CONFIG, [str(f), "epoch_seconds"], "check-config", f))
    with_config({"ports": {"device": "x"}}, lambda f: refused(
        CONFIG, [str(f), "ports"], "check-config", f))


def configuration_not_json():
    """A configuration that is no JSON is refused with the line"""
    with_config('{"epoch_seconds": 5,\n "workers" 2}', lambda f: refused(
        CONFIG, [str(f), "2"], "check-config", f))
    refused(CONFIG, ["/nowhere/c.json"], "check-config", "/nowhere/c.json")
    refused(CONFIG, ["/nowhere/c.json"], "run", "-c", "/nowhere/c.json")


def configuration_by_environment():
    """A configuration and a listen address from the environment are checked too"""
    refused(CONFIG, ["/nowhere/d.json"], "replay", CAPTURE,
            environment={"FLUXGATE_CONFIG": "/nowhere/d.json"})
    with_config(null_port(), lambda f: refused(
        CONFIG, ["FLUXGATE_LISTEN", "8953"], "run", "-c", f,
        environment={"FLUXGATE_LISTEN": "8953"}))


def model_wrong():
    """A model that is not there, or no model, is refused with file and place"""
    with_config({"detect": {"model": "/nowhere/m.json"}}, lambda f: refused(
        CONFIG, ["/nowhere/m.json", "detect.model"], "check-config", f))
    with_config({"detect": {"scorer": "model"}}, lambda f: refused(
        CONFIG, [str(f), "detect.scorer", "detect.model"], "replay", "-c", f, CAPTURE))
    with_file('{"about": "", "intercept": "x"}', lambda m: with_config(
        {"detect": {"model": str(m)}}, lambda f: refused(
            CONFIG, [str(m), "intercept"], "replay", "-c", f, CAPTURE)))


def lists_wrong():
    """A list of names that is not there, or of no domains, is refused with file and line"""
    with_config({"detect": {"popular": "/nowhere/top"}}, lambda f: refused(
        CONFIG, ["/nowhere/top", "detect.popular"], "check-config", f))
    with_config({"export": {"rpz": {"top_list": "/nowhere/top"}}}, lambda f: refused(
        CONFIG, ["/nowhere/top", "export.rpz.top_list"], "check-config", f))
    with_config({"import": {"files": ["/nowhere/bad"]}}, lambda f: refused(
        CONFIG, ["/nowhere/bad", "import.files", "take it out"], "check-config", f))
    with_config({"import": {"files": ["bad.rpz"]}}, lambda f: refused(
        CONFIG, ["import.files", "from the root"], "check-config", f))
    with_file("rank,name\n", lambda top: with_config(
        {"detect": {"popular": str(top)}}, lambda f: refused(
            CONFIG, [str(top), "line 1"], "replay", "-c", f, CAPTURE)))
    with_config({"detect": {"infrastructure": ["co.uk"]}}, lambda f: refused(
        CONFIG, ["detect.infrastructure", '"co.uk"', "public suffix"], "replay", "-c", f, CAPTURE))
    with_config({"detect": {"infrastructure": ["a..org"]}}, lambda f: refused(
        CONFIG, [str(f), "detect.infrastructure", '"a..org"'], "check-config", f))


def databases_missing():
    """An address database that is not there is named"""
    refused(DATABASE, ["/nowhere/asn.mmdb"], "replay", "--asn-db", "/nowhere/asn.mmdb", CAPTURE)
    refused(DATABASE, ["/nowhere/c.mmdb"], "replay", "--country-db", "/nowhere/c.mmdb", CAPTURE)
    refused(DATABASE, ["/nowhere/asn.mmdb"], "replay", CAPTURE,
            environment={"FLUXGATE_ASN_DB": "/nowhere/asn.mmdb"})


def databases_wrong():
    """A file that is no address database, or one of another kind, is refused"""
    refused(DATABASE, [str(CAPTURE)], "replay", "--asn-db", CAPTURE, CAPTURE)
    refused(DATABASE, [str(DEMO / "country.mmdb")],
            "replay", "--asn-db", DEMO / "country.mmdb", CAPTURE)
    refused(DATABASE, [str(DEMO / "asn.mmdb")],
            "replay", "--country-db", DEMO / "asn.mmdb", CAPTURE)


def databases_cut():
    """An address database cut short is refused, or used as far as it is whole; never a crash"""
    whole = (DEMO / "asn.mmdb").read_bytes()
    for size in 0, 100, len(whole) // 2, len(whole) - 100:
        with_file(whole[:size], lambda f: refused(
            DATABASE, [str(f)], "replay", "--asn-db", f, CAPTURE))


def suffix_list_missing():
    """A public suffix list that is not there is named"""
    config = {"networks": {"public_suffix_list": "/nowhere/list.dat"}}
    with_config(config, lambda f: refused(
        DATABASE, ["/nowhere/list.dat"], "replay", "-c", f, CAPTURE))


def listen_taken():
    """A listen address that is taken is refused before any work is done"""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        refused(LISTEN, [address, "taken"], "replay", "--serve", address,
                *demo_databases(), CAPTURE)
        with_config(null_port(http={"listen": address}), lambda f: refused_live(
            LISTEN, [address, "taken"], f))


def refused_live(code, words, config):
    """As refused(); a live start says first what it is about to do."""
    run = fluxgate("run", "-c", config)
    said = run.stderr.splitlines()
    shown = f"exit code {run.returncode}, stderr {said}"
    equal(run.returncode, code, shown)
    assert said and said[-1].startswith("fluxgate: "), shown
    assert all(line.startswith("fluxgate: memory: ") for line in said[:-1]), shown
    for word in words:
        assert word in said[-1], f"expected {word!r}: {shown}"


def listen_not_loopback():
    """An address that others reach is refused without TLS and tokens, before anything is opened"""
    missing = ["missing: http.tls_certificate, http.tls_key, http.token_file"]
    refused(CONFIG, ["0.0.0.0:8953", *missing], "replay", "--serve", "0.0.0.0:8953", CAPTURE)
    with_config(null_port(http={"listen": "0.0.0.0:80"}), lambda f: (
        refused(CONFIG, ["http.listen", "0.0.0.0:80", *missing], "check-config", f),
        refused(CONFIG, ["http.listen", "0.0.0.0:80", *missing], "run", "-c", f)))


def tokens_for_everybody():
    """A file of tokens that everybody may read is refused before a reload meets it"""
    def check(tokens):
        tokens.chmod(0o644)
        with_config(null_port(http={"listen": "127.0.0.1:8953", "token_file": str(tokens)}),
                    lambda f: refused(CONFIG, ["http.token_file", str(tokens), "chmod o="],
                                      "check-config", f))

    with_file("reader:" + 64 * "a" + "\n", check)


def devices_twice():
    """A device, or an interface, that two ports name is refused"""
    for first, second, words in (
            ("net_af_packet0,iface=a", "net_af_packet0,iface=b", ["net_af_packet1"]),
            ("net_af_packet0,iface=a", "net_af_packet1,iface=a", ["interface a"])):
        with_config({"ports": [{"device": first}, {"device": second}]}, lambda f: refused(
            CONFIG, [str(f), "ports[1].device", "ports[0]", *words], "check-config", f))


def files_twice():
    """A file that two keys would have the sensor write is refused"""
    for first, second in (("export.rpz.file", "history.path"), ("state.path", "allow.path"),
                          ("acknowledge.path", "export.eve.file")):
        config = {}
        for key in first, second:
            *sections, last = key.split(".")
            place = config
            for section in sections:
                place = place.setdefault(section, {})
            place[last] = "/tmp/one"
        with_config(config, lambda f, first=first, second=second: refused(
            CONFIG, [str(f), f"{second}: names the file of {first}, too"], "check-config", f))


def ports_missing():
    """A live start without ports, or with a device that is not there, is refused"""
    with_config({"eal": {"huge": False}}, lambda f: refused(
        CONFIG, [str(f), "ports"], "run", "-c", f))
    for device, words in (
            ("net_af_packet0,iface=nowhere0", ["no interface nowhere0", "ip link"]),
            ("net_af_packet0", ["names no interface", "iface=NAME"]),
            ("lo", ["lo is a kernel interface", "net_af_packet0,iface=lo"])):
        with_config(null_port(ports=[{"device": device}]), lambda f: refused(
            PORT, ["ports[0].device", *words], "run", "-c", f))


def arguments_of_a_device():
    """A device that its driver does not take is named, with what looks closer"""
    config = null_port(ports=[{"device": "net_af_packet0,iface=lo,bogus=1"}],
                       http={"listen": ""})
    with_config(config, lambda f: refused_live(
        PORT, ["net_af_packet0,iface=lo,bogus=1", "doctor", "debug"], f))


def processors_missing():
    """Processors that this machine lacks are refused with those that it has"""
    with_config(null_port(lcores="0,1@1000"), lambda f: refused(
        CONFIG, ["lcores", '"0,1@1000"', "this machine has processors 0"], "run", "-c", f))
    with_config(null_port(lcores="0,x"), lambda f: refused_live(
        PORT, ["EAL: ", "doctor -c FILE"], f))


def memory_too_small():
    """Less memory than the tables need is refused with what they need"""
    config = null_port(eal={"huge": False, "memory_mb": 8})
    with_config(config, lambda f: refused_live(PORT, ["eal.memory_mb", "MiB"], f))


def output_full():
    """A result that can't be written is an error"""
    for command in "replay", "dump":
        with open("/dev/full", "w", encoding="utf-8") as full:
            run = fluxgate(command, CAPTURE, stdout=full)
        said = run.stderr.splitlines()
        equal(run.returncode, RUNTIME, f"exit code of {command} with stderr {said}")
        assert len(said) == 1 and said[0].startswith("fluxgate: "), f"{command}: {said}"


main(captures_missing, captures_one_of_two_missing, captures_empty, captures_of_text,
     captures_with_half_a_header, captures_of_a_folder, captures_of_other_links, captures_cut,
     captures_without_packets, command_lines, help_of_the_program, keys_unknown, values_out_of_range,
     values_of_other_types, configuration_not_json, configuration_by_environment,
     model_wrong, lists_wrong, databases_missing, databases_wrong, databases_cut, suffix_list_missing,
     listen_taken, listen_not_loopback, tokens_for_everybody, devices_twice, files_twice, ports_missing,
     arguments_of_a_device, processors_missing, memory_too_small, output_full)
