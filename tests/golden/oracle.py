#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Compares `fluxgate dump` with what another analyser found in real captures.

usage: oracle.py FLUXGATE SOURCE

$FLUXGATE_SHARED, else SOURCE/../shared, holds captures/ORACLE.tsv (one line a capture),
captures/oracle/*.pairs.tsv (distinct question name and address) and *.resp.tsv (one line
a response). Where it is absent the test is skipped.

Every capture's count of responses, its pairs, and each response by frame, question, rcode,
TC and addresses must be the oracle's; over TCP with segments out of order, its figure with
these put in order. What differs is listed with its cause: a kind of DNS that is invisible, a link
type that is refused by name, or an entry of KNOWN. The test fails at any other difference, and
where fewer than AGREE percent of captures/dns agree. Output is TAP, one point a capture.
"""
import collections
import csv
import json
import os
import re
import subprocess
import sys

# Ports that the oracle took for DNS, and those of single captures.
PORTS = 53, 8053, 53000
PORTS_OF = {"dns/suricata-verify/dns-incomplete__input.pcap": (5353,)}

AGREE = 98  # percent of captures/dns, at least

REFUSED = {"user2"}  # link types

# A response or pair fewer or more than the oracle has, by capture, and why.
Known = collections.namedtuple("Known", "ours theirs pairs_ours pairs_theirs why")
KNOWN = {
    "dns/dns-collector/dnsdump_udp_truncated_tcp_fragmented.pcap": Known(
        2, 2, 128, 2048, "a message of 2048 addresses, of which the first 128 records count"),
    "dns/zeek/dns-edns-ecs-bad.pcap": Known(
        3, 4, 0, 0, "frame 4 is shorter than its IPv6 header says, and so malformed"),
    "decap/tcpdump/dns_tcp_8053.pcap": Known(
        1, 0, 1, 0, "the oracle took port 8053 for DNS over UDP alone"),
}

QTYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "NULL": 10, "PTR": 12, "HINFO": 13,
          "MX": 15, "TXT": 16, "RP": 17, "AFSDB": 18, "SIG": 24, "KEY": 25, "AAAA": 28,
          "LOC": 29, "SRV": 33, "NAPTR": 35, "KX": 36, "CERT": 37, "DNAME": 39, "OPT": 41,
          "APL": 42, "DS": 43, "SSHFP": 44, "IPSECKEY": 45, "RRSIG": 46, "NSEC": 47,
          "DNSKEY": 48, "DHCID": 49, "NSEC3": 50, "NSEC3PARAM": 51, "TLSA": 52, "SMIMEA": 53,
          "HIP": 55, "CDS": 59, "CDNSKEY": 60, "OPENPGPKEY": 61, "CSYNC": 62, "ZONEMD": 63,
          "SVCB": 64, "HTTPS": 65, "SPF": 99, "EUI48": 108, "EUI64": 109, "TKEY": 249,
          "TSIG": 250, "IXFR": 251, "AXFR": 252, "ANY": 255, "URI": 256, "CAA": 257}


class Mismatch(Exception):
    """What differs, in one line."""


def flat(name, escape, base):
    """A name without its escapes. The oracle marks no dot within a label and ends a name
    at its last label, so both sides are compared without."""
    octets = re.sub(escape, lambda m: chr(int(m[1], base)), name)
    return "" if octets == "<root>" else octets.rstrip(".")


def our_name(name):
    return None if name is None else flat(name, r"\\([0-9]{3})", 10)


def their_name(name):
    return flat(name, r"\\([0-7]{3})", 8)


def stacks(row):
    """[(protocol stack, messages)] of a row of the oracle."""
    found = []
    for item in filter(None, row["protocols"].split("; ")):
        stack, count = item.rsplit("=", 1)
        found.append((stack, int(count)))
    return found


def invisible(row):
    """Messages that nobody sees who reads DNS over UDP and TCP."""
    return sum(count for stack, count in stacks(row) if "http2" in stack)


def run_dump(fluxgate, path, row):
    """Lines of dump; None when the link type was refused, as it should be."""
    ports = [arg for port in PORTS + PORTS_OF.get(row["file"], ()) for arg in ("--port", str(port))]
    done = subprocess.run([fluxgate, "dump", *ports, path], capture_output=True, check=False)
    said = done.stderr.decode(errors="replace").strip()
    if row["linktype"] in REFUSED:
        if done.returncode != 4 or "is not supported" not in said:
            raise Mismatch(f"link type not refused: exit {done.returncode}: {said[:200]}")
        return None
    if done.returncode != 0:
        raise Mismatch(f"exit {done.returncode}: {said[:200]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def read_tsv(path):
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return [line.rstrip("\n").split("\t") for line in file if not line.startswith("#")]


def addresses(line):
    return [a["rdata"] for a in line["answers"] if a["rrtype"] in ("A", "AAAA")]


def is_in_order(row):
    """False where the oracle's lists lack what comes of putting segments in order."""
    return row["tcp_ooo_total"] in ("", row["dns_responses"])


def compare_count(row, lines):
    """A remark where messages differ for a cause."""
    theirs, known, unseen = int(row["dns_responses"]), KNOWN.get(row["file"]), invisible(row)
    if not is_in_order(row):
        theirs = int(row["tcp_ooo_total"])
    if known and (len(lines), theirs) == (known.ours, known.theirs):
        return known.why if known.ours != known.theirs else ""
    if len(lines) != theirs - unseen:
        raise Mismatch(f"{len(lines)} responses, {theirs} in the oracle")
    return f"{unseen} responses over HTTP/2 are invisible" if unseen else ""


def compare_pairs(row, lines, oracle):
    """(number of pairs, a remark where they differ for a cause)."""
    ours = {(our_name(line["qname"]), addr) for line in lines for addr in addresses(line)}
    theirs = {(their_name(name), addr) for name, addr in oracle or []}
    extra, missing, known = ours - theirs, theirs - ours, KNOWN.get(row["file"])
    if known and (len(ours), len(theirs)) == (known.pairs_ours, known.pairs_theirs) and (
            not extra or not missing):
        return len(ours), known.why if extra or missing else ""
    if extra:
        raise Mismatch(f"{len(extra)} pairs more than the oracle, first {min(extra)}")
    if missing and not invisible(row):
        raise Mismatch(f"{len(missing)} pairs missing, first {min(missing)}")
    return len(ours), ""


def compare_responses(row, lines, oracle):
    """Each sound response is one of the oracle's, and each of the oracle's is sound, or has a
    fault here."""
    # An UPDATE has a zone where others have a question; the oracle lists none then.
    unasked = {int(r[0]) for r in oracle if r[4] == ""}
    theirs = collections.Counter()
    for frame, _, _, qname, qtype, rcode, tc, _, addrs in oracle:
        question = (their_name(qname), int(qtype)) if qtype else None
        theirs[(int(frame), question, int(rcode or 0), tc == "1",
                tuple(filter(None, addrs.split(","))))] += 1
    sound, faulty = collections.Counter(), 0
    for line in lines:
        if "fault" in line:
            faulty += 1
            continue
        qtype = QTYPES.get(line["qtype"]) or int(line["qtype"].removeprefix("TYPE"))
        question = (our_name(line["qname"]), qtype) if line["frame"] not in unasked else None
        sound[(line["frame"], question, line["rcode"], line["truncated"],
               tuple(addresses(line)))] += 1
    extra, missing = sound - theirs, theirs - sound
    if extra and row["file"] not in KNOWN:
        raise Mismatch(f"{extra.total()} responses not in the oracle, first "
                       f"{min(extra, key=str)}")
    if missing.total() > faulty + invisible(row) and row["file"] not in KNOWN:
        raise Mismatch(f"{missing.total()} responses of the oracle not here, {faulty} have a "
                       f"fault, first {min(missing, key=str)}")
    return sound.total() - extra.total()


class Totals:
    def __init__(self):
        self.captures = self.agree = self.refused = 0  # of captures/dns
        self.failed = 0
        self.responses = self.pairs = self.compared = 0
        self.differ = []


def check(fluxgate, shared, row, totals):
    """Why this capture differs; "" where it agrees wholly. Raises Mismatch."""
    lines = run_dump(fluxgate, os.path.join(shared, "captures", row["file"]), row)
    if lines is None:
        if int(row["dns_responses"]):
            raise Mismatch(f"{row['dns_responses']} responses in a refused capture")
        return f"link type {row['linktype']} is refused by name; the oracle has no response"
    stem = os.path.join(shared, "captures", "oracle", row["file"].replace("/", "__"))
    why = [compare_count(row, lines)]
    pairs, remark = compare_pairs(row, lines, read_tsv(stem + ".pairs.tsv"))
    why.append(remark)
    oracle = read_tsv(stem + ".resp.tsv")
    if oracle is not None and is_in_order(row) and len(oracle) == int(row["dns_responses"]):
        totals.compared += compare_responses(row, lines, oracle)
    totals.responses += len(lines)
    totals.pairs += pairs
    return "; ".join(dict.fromkeys(filter(None, why)))


def report(totals, files):
    print(f"# responses: {totals.responses}, of these field by field: {totals.compared}; "
          f"distinct pairs: {totals.pairs}")
    for line in totals.differ:
        print(f"# differs: {line}")
    if not totals.captures:
        return True
    share = 100 * totals.agree / totals.captures
    print(f"# captures/dns: {totals.agree} of {totals.captures} captures agree in count and "
          f"pairs, {share:.2f} %, wanted {AGREE} %; {totals.refused} of these are refused, and "
          "hold no response")
    # An entry that nothing needs would hide what comes later.
    idle = [file for file in KNOWN if file in files and not any(
        line.startswith(file + ":") for line in totals.differ)]
    for file in idle:
        print(f"# known to differ, but does not: {file}")
    return share >= AGREE and not idle


def main():
    fluxgate, source = sys.argv[1:3]
    shared = os.environ.get("FLUXGATE_SHARED") or os.path.join(source, "..", "shared")
    table = os.path.join(shared, "captures", "ORACLE.tsv")
    if not os.path.exists(table):
        print(f"1..0 # SKIP no captures at {shared} (FLUXGATE_SHARED names another place)")
        return 0
    with open(table, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    totals = Totals()
    print(f"1..{len(rows) + 1}")
    for number, row in enumerate(rows, 1):
        counts = row["file"].startswith("dns/")
        totals.captures += counts
        try:
            why = check(fluxgate, shared, row, totals)
            print(f"ok {number} - {row['file']}" + (f" ({why})" if why else ""))
            refused = row["linktype"] in REFUSED
            if why:
                totals.differ.append(f"{row['file']}: {why}")
            # Nothing here and nothing in the oracle is the same count.
            totals.agree += counts and (not why or refused)
            totals.refused += counts and refused
        except Mismatch as why:
            totals.failed += 1
            totals.differ.append(f"{row['file']}: WITHOUT A CAUSE: {why}")
            print(f"not ok {number} - {row['file']}\n# {row['file']}: {why}")
    enough = report(totals, {row["file"] for row in rows})
    print(f"{'' if enough else 'not '}ok {len(rows) + 1} - {AGREE} percent of captures/dns agree, "
          "and each known difference is one")
    return 1 if totals.failed or not enough else 0


if __name__ == "__main__":
    sys.exit(main())
