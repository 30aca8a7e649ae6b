# SPDX-License-Identifier: BSD-3-Clause
"""`fluxgate replay`: the demonstration, the same output whatever the workers, the captures of
real flux and of real benign traffic, and the accounting on every capture there is."""

import collections
import contextlib
import filecmp
import functools
import gzip
import ipaddress
import json
import os
import pathlib
import pty
import re
import shutil
import subprocess

import suffixes
from harness import (DEMO, DEMO_CAPTURE, FLUXGATE, TOP, TRAFFICGEN, Skip, demo_databases, equal,
                     fluxgate, leaves, main, replay, scratch, shared, status_served)

FLUXOR = "captures", "flux", "fluxor-2009-03-12.pcap"
BENIGN = "captures", "flux", "benign-wrccdc2018.pcap"

# What counts as fluxing in the capture of 2009: this many addresses, in so many /16s, in an hour.
FLUX_ADDRESSES, FLUX_PREFIXES, FLUX_SECONDS = 10, 8, 3600
FLUX_DOMAINS, FLUX_SHARE = 143, 0.95
# And what counts as its name servers fluxing, too: so many addresses in so many /16s in the ten
# hours, or this many that are the domain's own as well.
SERVER_ADDRESSES, SERVER_PREFIXES, SERVERS_IN_POOL = 5, 3, 2
DOUBLE_SHARE = 0.80

# Captures replayed by one call; of each call's files the accounting is one.
FILES_A_CALL = 64


@functools.cache
def demo():
    return replay(*demo_databases(), DEMO_CAPTURE)


def is_remade():
    """The bundled demonstration is what deploy/demo/make makes, to the octet"""
    with scratch() as folder:
        subprocess.run([DEMO / "make", TRAFFICGEN, folder], check=True)
        for name in "truth.json", "asn.mmdb", "country.mmdb":
            assert filecmp.cmp(DEMO / name, pathlib.Path(folder) / name, shallow=False), (
                f"{name} differs: run deploy/demo/make")
        # Another gzip may pack it in other octets.
        bundled, made = (gzip.decompress(path.read_bytes())
                         for path in (DEMO_CAPTURE, pathlib.Path(folder) / DEMO_CAPTURE.name))
        assert bundled == made, "the capture differs: run deploy/demo/make"
    size = DEMO_CAPTURE.stat().st_size
    assert size <= 2_000_000, f"the capture has {size} octets"


def finds_the_demo_flux():
    """In the demonstration all that fluxes is flagged, and nothing else"""
    truth = json.loads((DEMO / "truth.json").read_text())
    result = demo()
    equal({d["domain"]: d["class"] for d in result["domains"]},
          {d["domain"]: d["class"] for d in truth["domains"] if d["flux"]}, "flagged")
    equal(result["capture"]["packets"], truth["packets"], "packets")
    dns = result["accounting"]["dns"]
    equal(leaves(dns["queries"]), truth["queries"], "queries")
    equal(leaves(dns["responses"]), truth["responses"], "responses")
    equal(result["accounting"]["accounting_error"], 0, "accounting error")


def has_the_promised_shape():
    """The object has the promised names, and flagged domains stand best first"""
    result = demo()
    equal(list(result),
        ["schema_version", "capture", "visibility", "accounting", "domains", "run"], "object")
    for name in "files", "packets", "first_ts", "last_ts":
        assert name in result["capture"], name
    for name in "port", "rx", "dns", "records", "table", "accounting_error":
        assert name in result["accounting"], name
    for domain in result["domains"]:
        for name in ("domain class suspected score confidence first_flagged first_seen last_seen "
                     "window addresses networks effective_networks countries own_addresses ttl_max "
                     "host_names "
                     "reasons sample").split():
            assert name in domain, f"{domain['domain']}: {name}"
        for reason in domain["reasons"]:
            equal(sorted(reason), ["code", "text", "threshold", "value"], "reason")
        for sample in domain["sample"]:
            equal(sorted(sample), ["address", "asn", "country", "first_seen", "last_seen", "own"],
                  "sample")
    scores = [d["score"] for d in result["domains"]]
    equal(scores, sorted(scores, reverse=True), "scores")
    equal(result["run"]["packets_per_second"] > 0, True, "packets a second")
    merges = result["run"]["merges"]
    equal(merges["count"] > 0, True, "merges")
    times = [merges[f"{name}_microseconds"] for name in ("p50", "p99", "max")]
    equal(times, sorted(times), "merge times")


def tells_own_subscribers():
    """Addresses of own subscribers are marked, counted and named, and change no verdict"""
    plain = demo()["domains"]
    seen = collections.Counter(
        ipaddress.ip_network(f"{sample['address']}/16", strict=False)
        for domain in plain for sample in domain["sample"] if ":" not in sample["address"])
    own = seen.most_common(1)[0][0]
    with scratch() as folder:
        path = pathlib.Path(folder) / "own.json"
        path.write_text(json.dumps({"networks": {"own": [str(own)]}}))
        domains = replay("--config", path, *demo_databases(), DEMO_CAPTURE)["domains"]
    equal([(d["domain"], d["class"], d["suspected"]) for d in domains],
          [(d["domain"], d["class"], d["suspected"]) for d in plain], "verdicts")
    marked = 0
    for domain in domains:
        mine = [sample for sample in domain["sample"] if sample["own"]]
        equal([s["address"] for s in mine],
              [s["address"] for s in domain["sample"] if ":" not in s["address"]
               and ipaddress.ip_address(s["address"]) in own], f"{domain['domain']}: own")
        marked += len(mine)
        told = [r["value"] for r in domain["reasons"] if r["code"] == "own_addresses"]
        equal(len(told), int(3 <= domain["own_addresses"] <= domain["addresses"] / 2),
              f"{domain['domain']}: reasons, of {domain['own_addresses']} own")
    equal(marked > 0, True, "any is marked")
    equal(sum(d["own_addresses"] for d in plain), 0, "own without a configuration")


def prints_a_table():
    """Without --json each flagged domain is printed with its reasons in words"""
    run = fluxgate("replay", *demo_databases(), DEMO_CAPTURE)
    equal((run.returncode, run.stderr), (0, ""), "exit code and stderr")
    for domain in demo()["domains"]:
        assert domain["domain"] in run.stdout, run.stdout
        for reason in domain["reasons"]:
            assert reason["text"] in run.stdout, run.stdout
    told = re.search(r"(\d+) responses \((\d+) paired, (\d+) unpaired, (\d+) repeated, "
                     r"(\d+) without addresses to go by\)", run.stdout)
    responses, *parts = map(int, told.groups())
    equal(sum(parts), responses, "responses, by what became of them")


def scores_by_the_model():
    """With a model its probability stands beside the score; where it decides, with its reasons"""
    model = TOP / "deploy" / "model.json"
    threshold = round(json.loads(model.read_text())["threshold"], 3)  # as it is exported
    flagged = {d["domain"]: d for d in demo()["domains"]}
    equal({d["model_probability"] for d in flagged.values()}, {None}, "without a model")
    with scratch() as folder:
        config = pathlib.Path(folder) / "config.json"
        config.write_text(json.dumps({"detect": {"model": str(model)}}))
        beside = replay(*demo_databases(), "-c", config, DEMO_CAPTURE)["domains"]
        config.write_text(json.dumps({"detect": {"model": str(model), "scorer": "model"}}))
        decides = replay(*demo_databases(), "-c", config, "--explain", beside[0]["domain"],
                         DEMO_CAPTURE)
    for domain in beside:
        assert 0 <= domain["model_probability"] <= 1, domain["model_probability"]
        equal({**domain, "model_probability": None}, flagged.pop(domain["domain"]), "otherwise")
    equal(flagged, {}, "lost")
    assert decides["domains"], "the model flags nothing"
    for domain in decides["domains"]:
        assert domain["model_probability"] >= threshold, domain
        equal(domain["reasons"][0]["code"], "model_probability", "first reason")
        assert "log-odds" in domain["reasons"][1]["text"], domain["reasons"]
    for window in decides["explained"][0]["windows"]:
        assert 0 <= window["model_probability"] <= 1, window["window"]
    truth = json.loads((DEMO / "truth.json").read_text())
    equal({d["domain"] for d in decides["domains"]} - {d["domain"] for d in truth["domains"]
                                                       if d["flux"]}, set(), "false alarms")


def goes_by_its_lists():
    """A popular name is suspected at most, infrastructure is not flagged, and explained so"""
    plain = {d["domain"]: d for d in demo()["domains"]}
    popular, infrastructure, *_ = (n for n, d in plain.items() if not d["suspected"])
    with scratch() as folder:
        config, top = (pathlib.Path(folder) / name for name in ("config.json", "top.csv"))
        top.write_text(f"rank,name\r\n1,WWW.{popular.upper()}.\r\n# end\r\n2,com\r\n")
        config.write_text(json.dumps({"detect": {"popular": str(top),
                                                 "infrastructure": [infrastructure]}}))
        run = fluxgate("replay", "--json", *demo_databases(), "-c", config, "--explain", popular,
                       "--explain", f"www.{infrastructure}", DEMO_CAPTURE)
    equal((run.returncode, run.stderr.splitlines()), (0, [
        f"fluxgate: detect.popular: {top}: 1 lines taken; 2 left out, the first is line 1: "
        "character that is not allowed in a label"]), "exit code and stderr")
    result = json.loads(run.stdout)
    flagged = {d["domain"]: d for d in result["domains"]}
    equal(plain.keys() - flagged.keys(), {infrastructure}, "not flagged")
    equal([n for n, d in flagged.items() if d["suspected"] != plain[n]["suspected"]], [popular],
          "suspected")
    equal([n for n, d in flagged.items() if "popular" in {r["code"] for r in d["reasons"]}],
          [popular], "with the reason")
    first, second = result["explained"]
    equal([first["listed"], first["flagged"], first["verdict"]["suspected"]],
          ["popular", True, True], "explained as popular")
    equal([second["listed"], second["flagged"]], ["infrastructure", False], "explained as none")
    assert "it is on the list detect.infrastructure" in second["text"], second["text"]
    assert result["accounting"]["verdict"]["held_back"] > 1, result["accounting"]["verdict"]
    equal(demo()["accounting"]["verdict"]["held_back"], 0, "held back by the default")


def names_what_others_know():
    """What is on others' lists is named in a verdict and surer, and convicts nobody by itself"""
    plain = {d["domain"]: d for d in demo()["domains"]}
    truth = json.loads((DEMO / "truth.json").read_text())
    honest = [d["domain"] for d in truth["domains"] if not d["flux"]]
    known, hosts, *others = plain
    with scratch() as folder:
        config, zone, bundle, addresses = (pathlib.Path(folder) / name for name in
                                           ("config.json", "bad.rpz", "bad.json", "bad.txt"))
        zone.write_text("$ORIGIN rpz.example.\n@ 60 SOA ns. root. 1 60 60 60 60\n@ 60 NS ns.\n"
                        + "".join(f"{n} CNAME .\n*.{n} CNAME .\n" for n in (known, honest[0])))
        bundle.write_text(json.dumps({"type": "bundle", "id": "bundle--1", "objects": [
            {"type": "indicator", "pattern_type": "stix",
             "pattern": f"[domain-name:value = '{n}']"} for n in honest[1:]]}))
        addresses.write_text("".join(f"{a['address']}\n" for a in plain[hosts]["sample"]))
        config.write_text(json.dumps({
            "import": {"files": [str(zone), str(bundle), str(addresses)]}}))
        run = fluxgate("replay", "--json", *demo_databases(), "-c", config, "--explain",
                       f"www.{honest[0]}", "--explain", known, DEMO_CAPTURE)
    equal(run.returncode, 0, f"exit code, {run.stderr}")
    result = json.loads(run.stdout)
    flagged = {d["domain"]: d for d in result["domains"]}
    equal(flagged.keys(), plain.keys(), "flagged")
    for name, domain in flagged.items():
        codes = {r["code"] for r in domain["reasons"]}
        equal("known" in codes, name == known, f"known: {name}")
        for same in "class", "score", "suspected":
            equal(domain[same], plain[name][same], f"{same} of {name}")
        if codes & {"known", "known_addresses"}:
            equal(domain["confidence"], min(1, round(plain[name]["confidence"] + 0.15, 3)),
                  f"confidence of {name}")
        else:
            equal(domain["confidence"], plain[name]["confidence"], f"confidence of {name}")
    assert "known_addresses" in {r["code"] for r in flagged[hosts]["reasons"]}, flagged[hosts]
    equal([(e["known"], e["flagged"]) for e in result["explained"]], [(True, False), (True, True)],
          "explained")


def serves_its_result():
    """What is served afterwards names the partitions and the one configuration"""
    status, code = status_served("--workers", "2", DEMO_CAPTURE)
    equal(code, 0, "exit code")
    equal([(w["worker"], w["config_generation"]) for w in status["workers"]],
          [(i, status["config_generation"]) for i in range(4)], "partitions, configuration")
    equal(len({w["lcore"] for w in status["workers"]}), 2, "threads")


def shows_its_progress():
    """On a terminal a bar shows how far it is"""
    master, terminal = pty.openpty()
    with subprocess.Popen([FLUXGATE, "replay", DEMO_CAPTURE], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=terminal) as process:
        os.close(terminal)
        shown = b""
        # The end of a terminal is an error, not an end of file.
        with contextlib.suppress(OSError):
            while part := os.read(master, 4096):
                shown += part
        os.close(master)
    equal(process.returncode, 0, "exit code")
    assert re.search(rb"\[#{40}\] 100 %", shown), shown


def without_run(text):
    """The output without its last member, run{}, which alone may differ."""
    head, mark, tail = text.partition('\n  "run": {')
    assert mark and "\n  }" in tail, text[-500:]
    return head


def same_for_all_workers(*arguments):
    outputs = [fluxgate("replay", "--json", "--workers", n, *arguments) for n in (1, 2, 4)]
    for run in outputs:
        equal((run.returncode, run.stderr), (0, ""), "exit code and stderr")
    first = without_run(outputs[0].stdout)
    for run in outputs[1:]:
        assert without_run(run.stdout) == first, f"{arguments}: output depends on the workers"
    equal(json.loads(outputs[0].stdout)["accounting"]["accounting_error"], 0, "accounting error")


def is_the_same_for_all_workers():
    """1, 2 and 4 workers give the same octets but for run{}: demonstration"""
    same_for_all_workers(*demo_databases(), DEMO_CAPTURE)


def is_the_same_for_all_workers_on_flux():
    """1, 2 and 4 workers give the same octets but for run{}: real flux and real benign traffic"""
    databases = "--asn-db", shared("data", "asn.mmdb"), "--country-db", shared(
        "data", "country.mmdb")
    for capture in FLUXOR, BENIGN:
        same_for_all_workers(*databases, shared(*capture))


def is_the_same_in_any_form():
    """A capture as pcap, as pcapng, or read in two halves gives the same domains"""
    if not shutil.which("editcap"):
        raise Skip("needs editcap, of tshark")
    half = demo()["capture"]["packets"] // 2
    forms = {"pcap": [["-F", "pcap"]], "pcapng": [["-F", "pcapng"]],
             "halves": [["-F", "pcap", "-r"], ["-F", "pcap"]]}
    with scratch() as folder:
        for form, parts in forms.items():
            paths = [pathlib.Path(folder) / f"{form}{i}" for i in range(len(parts))]
            for path, options in zip(paths, parts):
                which = [f"1-{half}"] if form == "halves" else []
                subprocess.run(["editcap", *options, DEMO_CAPTURE, path, *which], check=True)
            equal(replay(*demo_databases(), *reversed(paths))["domains"], demo()["domains"],
                  f"{form}: domains")


def looks(capture):
    """By registered domain the addresses of its answers, with times, and those of its name
    servers, by tshark and Python alone: the independent count."""
    if not shutil.which("tshark"):
        raise Skip("needs tshark")
    fields = ("frame.time_epoch", "dns.qry.name", "dns.count.answers", "dns.resp.type",
              "dns.resp.name", "dns.a", "dns.ns")
    rows = subprocess.run(
        ["tshark", "-r", capture, "-Y", "dns.flags.response == 1 && dns.a", "-T", "fields",
         "-E", "occurrence=a", "-E", "aggregator=|", *(f"-e{field}" for field in fields)],
        capture_output=True, text=True, check=True).stdout.splitlines()
    registered = suffixes.load()
    answers, servers = collections.defaultdict(list), collections.defaultdict(set)
    for row in rows:
        time, name, count, *lists = row.split("\t")
        kinds, owners, addresses, names = (text.lower().split("|") for text in lists)
        domain, next_address, zone_names = registered(name.lower()), iter(addresses), set()
        next_name = iter(names)
        for at, (kind, owner) in enumerate(zip(kinds, owners)):
            if kind == "2":
                server = next(next_name)
                if registered(owner) == domain:
                    zone_names.add(server)
            elif kind == "1":
                address = int(ipaddress.IPv4Address(next(next_address)))
                if at < int(count):
                    answers[domain].append((float(time), address))
                elif owner in zone_names:
                    servers[domain].add(address)
    return answers, servers


def fluxing(answers):
    """Registered domains that flux."""
    return {domain for domain, seen in answers.items() if any(
        is_flux({a for t, a in seen if start <= t < start + FLUX_SECONDS})
        for start, _ in seen)}


def servers_flux(answers, servers):
    """Does it hold for the name servers of one domain?"""
    return ((len(servers) >= SERVER_ADDRESSES and
             len({a >> 16 for a in servers}) >= SERVER_PREFIXES) or
            len(servers & {a for _, a in answers}) >= SERVERS_IN_POOL)


def is_flux(addresses):
    return (len(addresses) >= FLUX_ADDRESSES and
            len({a >> 16 for a in addresses}) >= FLUX_PREFIXES)


def finds_real_flux():
    """Of the domains that fluxed in 2009 95 % are flagged, of those with their servers 80 % so"""
    capture = shared(*FLUXOR)
    result = replay("--asn-db", shared("data", "asn.mmdb"), capture)
    answers, servers = looks(capture)
    flux = fluxing(answers)
    double = {domain for domain in flux if servers_flux(answers[domain], servers[domain])}
    flagged = {d["domain"]: d["class"] for d in result["domains"]}
    confirmed = {d["domain"] for d in result["domains"] if not d["suspected"]}
    as_double = {domain for domain in double if flagged.get(domain) == "double_flux"}
    print(f"# {len(flux)} domains flux; {len(flagged.keys() & flux)} of them flagged, "
          f"{len(confirmed & flux)} without suspicion; {len(flagged.keys() - flux)} others "
          f"flagged, {len(confirmed - flux)} without suspicion")
    print(f"# of {len(double)} the name servers flux, too; {len(as_double)} of them double_flux")
    equal(len(flux), FLUX_DOMAINS, "domains that flux")
    assert len(flagged.keys() & flux) >= FLUX_SHARE * len(flux), "too few are flagged"
    assert double and len(as_double) >= DOUBLE_SHARE * len(double), "too few are double flux"
    equal(sorted(confirmed - flux), [], "flagged without suspicion, but too few addresses")
    equal(result["accounting"]["accounting_error"], 0, "accounting error")


def flags_nothing_benign():
    """In real benign traffic nothing is flagged, with and without an address database"""
    capture = shared(*BENIGN)
    for databases in ("--asn-db", shared("data", "asn.mmdb")), ():
        result = replay(*databases, capture)
        equal([d["domain"] for d in result["domains"]], [], f"flagged with {databases}")
        equal(result["accounting"]["accounting_error"], 0, "accounting error")


def accounts_for_every_capture():
    """Each frame of every capture of the shared material is accounted for"""
    folder = shared("captures")
    files = sorted(f for f in folder.rglob("*") if f.suffix in (".pcap", ".pcapng", ".cap"))
    refused, packets = [], 0
    for at in range(0, len(files), FILES_A_CALL):
        part = files[at:at + FILES_A_CALL]
        # A file that is refused is named; without it the rest is accounted for.
        while True:
            run = fluxgate("replay", "--json", *part)
            if run.returncode != 4:
                break
            bad = [f for f in part if str(f) in run.stderr]
            assert len(bad) == 1, f"which file? {run.stderr}"
            refused.append(run.stderr.strip())
            part.remove(bad[0])
        assert run.returncode == 0, f"{part}: exit code {run.returncode}: {run.stderr}"
        result = json.loads(run.stdout)
        equal(result["accounting"]["accounting_error"], 0, f"accounting error of {part}")
        equal(result["accounting"]["rx"]["received"], result["capture"]["packets"],
              f"received of {part}")
        packets += result["capture"]["packets"]
    print(f"# {len(files)} captures, {packets} packets; refused: {len(refused)}")
    for line in refused:
        print(f"#   {line}")
    assert packets > 0, "no packet in any capture"


main(is_remade, finds_the_demo_flux, has_the_promised_shape, tells_own_subscribers,
     prints_a_table, scores_by_the_model, goes_by_its_lists, names_what_others_know,
     serves_its_result, shows_its_progress, is_the_same_for_all_workers, is_the_same_for_all_workers_on_flux, is_the_same_in_any_form,
     finds_real_flux, flags_nothing_benign, accounts_for_every_capture)
