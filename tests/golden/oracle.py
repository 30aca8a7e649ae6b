#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Compares `fluxgate dump` with what another analyser found in real captures.

usage: oracle.py FLUXGATE SOURCE

$FLUXGATE_SHARED, else SOURCE/../shared, holds captures/ORACLE.tsv (one line a capture),
captures/oracle/*.pairs.tsv (distinct question name and address) and *.resp.tsv (one line
a response). Where it is absent the test is skipped.

What the sensor does not decode is known from the oracle's own columns: the protocol
stack of each message, fragments, link types. So each capture has an exact expectation:
  - messages in stacks that are decoded must all be there, and no others;
  - where nothing else is in the capture, the pairs must be the same; else ours must be
    among the oracle's;
  - where the oracle lists its responses, each of ours must be one of them, by frame,
    question, rcode, TC and addresses.
The rest is listed by reason. Output is TAP, one point a capture.
"""
import collections
import csv
import json
import os
import re
import subprocess
import sys

# UDP ports that the oracle took for DNS.
PORTS = (53, 8053, 53000)

LINKS = {"ether", "linux-sll", "linux-sll2", "rawip", "rawip4", "rawip6", "null", "fddi",
         "fddi-swapped"}
LINK = r"(eth:ethertype|sll:ethertype|fddi:llc|null|raw)"
DECODED = re.compile(rf"({LINK}:)?(vlan:ethertype:)*(ip|ipv6(:ipv6\.(hopopts|dstopts|routing))*)"
                     r":udp:dns")
FRAGMENT = re.compile(rf"({LINK}:)?(vlan:ethertype:)*ipv6:ipv6\.fraghdr:udp:dns")
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


def reason(row, stack):
    """Why messages in this stack are not decoded; None: they are."""
    if row["linktype"] not in LINKS:
        return "link type " + row["linktype"]
    if DECODED.fullmatch(stack):
        return None
    if FRAGMENT.fullmatch(stack):
        return "fragments"
    if "http2" in stack:
        return "DNS over HTTP"
    if ":icmp:" in stack or ":icmpv6:" in stack:
        return "quoted in ICMP"
    if stack.count(":udp") + stack.count(":tcp") > 1 or ":gre" in stack:
        return "tunnel"
    if ":tcp:dns" in stack:
        return "TCP"
    return "stack " + stack


def expectation(row):
    """(messages to be found, {reason: messages not decoded})."""
    wanted, left = 0, collections.Counter()
    for stack, count in stacks(row):
        why = reason(row, stack)
        if why:
            left[why] += count
        else:
            wanted += count
    # An IPv6 fragment shows in the stack, an IPv4 one in its column only.
    hidden = int(row["ip_fragmented"]) - left["fragments"]
    if hidden > 0 and row["linktype"] in LINKS:
        wanted -= hidden
        left["fragments"] += hidden
    return wanted, +left


def run_dump(fluxgate, path, row):
    """Lines of dump; None when the link type was refused, as it should be."""
    ports = [arg for port in PORTS for arg in ("--port", str(port))]
    done = subprocess.run([fluxgate, "dump", *ports, path], capture_output=True, check=False)
    said = done.stderr.decode(errors="replace").strip()
    if row["linktype"] not in LINKS:
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


def compare_count(row, lines, wanted):
    # Where the headers around a message lie, whether it is one is a matter of taste.
    spare = int(row["malformed_frames"])
    if not wanted - spare <= len(lines) <= wanted:
        raise Mismatch(f"{len(lines)} responses, {wanted} in the oracle")
    return wanted - len(lines)


def compare_pairs(lines, oracle, whole):
    ours = {(our_name(line["qname"]), addr) for line in lines for addr in addresses(line)}
    theirs = {(their_name(name), addr) for name, addr in oracle or []}
    extra, missing = ours - theirs, theirs - ours
    if extra:
        raise Mismatch(f"{len(extra)} pairs more than the oracle, first {min(extra)}")
    if whole and missing:
        raise Mismatch(f"{len(missing)} pairs missing, first {min(missing)}")
    return len(ours)


def compare_responses(lines, oracle):
    """Each sound response of ours is one of the oracle's."""
    # An UPDATE has a zone where others have a question; the oracle lists none then.
    unasked = {int(r[0]) for r in oracle if r[4] == ""}
    theirs = collections.Counter()
    for frame, _, _, qname, qtype, rcode, tc, _, addrs in oracle:
        question = (their_name(qname), int(qtype)) if qtype else None
        theirs[(int(frame), question, int(rcode or 0), tc == "1",
                tuple(filter(None, addrs.split(","))))] += 1
    sound = collections.Counter()
    for line in lines:
        if "fault" in line:
            continue
        qtype = QTYPES.get(line["qtype"]) or int(line["qtype"].removeprefix("TYPE"))
        question = (our_name(line["qname"]), qtype) if line["frame"] not in unasked else None
        sound[(line["frame"], question, line["rcode"], line["truncated"],
               tuple(addresses(line)))] += 1
    extra = sound - theirs
    if extra:
        raise Mismatch(f"{sum(extra.values())} responses not in the oracle, first "
                       f"{min(extra, key=str)}")
    return sum(sound.values())


class Totals:
    def __init__(self):
        self.files = collections.Counter()
        self.left = collections.Counter()
        self.left_files = collections.Counter()
        self.responses = self.pairs = self.compared = self.malformed = 0


def check(fluxgate, shared, row, totals):
    """A remark for the TAP line. Raises Mismatch."""
    wanted, left = expectation(row)
    lines = run_dump(fluxgate, os.path.join(shared, "captures", row["file"]), row)
    for why, count in left.items():
        totals.left[why] += count
        totals.left_files[why] += 1
    rest = ", ".join(f"{why}: {count}" for why, count in sorted(left.items()))
    if lines is None:
        totals.files["refused"] += 1
        return f"# SKIP link type {row['linktype']}"

    stem = os.path.join(shared, "captures", "oracle", row["file"].replace("/", "__"))
    lost = compare_count(row, lines, wanted)
    totals.pairs += compare_pairs(lines, read_tsv(stem + ".pairs.tsv"), not left)
    oracle = read_tsv(stem + ".resp.tsv")
    if oracle is not None and len(oracle) == int(row["dns_responses"]):
        totals.compared += compare_responses(lines, oracle)
    totals.responses += len(lines)
    totals.malformed += lost
    if left and not wanted:
        totals.files["out of scope"] += 1
        return f"# SKIP {rest}"
    totals.files["in part" if left else "whole"] += 1
    remarks = ([f"not decoded: {rest}"] if left else []) + \
        ([f"malformed and not counted: {lost}"] if lost else [])
    return "(" + "; ".join(remarks) + ")" if remarks else ""


def report(totals):
    print(f"# captures compared whole: {totals.files['whole']}, in part: "
          f"{totals.files['in part']}, out of scope: {totals.files['out of scope']}, "
          f"link type refused: {totals.files['refused']}")
    print(f"# responses that agree: {totals.responses}, of these field by field: "
          f"{totals.compared}; distinct pairs: {totals.pairs}")
    for why, count in totals.left.most_common():
        print(f"# not decoded, {why}: {count} responses in {totals.left_files[why]} captures")
    if totals.malformed:
        print(f"# malformed frames that only the oracle counts: {totals.malformed}")


def main():
    fluxgate, source = sys.argv[1:3]
    shared = os.environ.get("FLUXGATE_SHARED") or os.path.join(source, "..", "shared")
    table = os.path.join(shared, "captures", "ORACLE.tsv")
    if not os.path.exists(table):
        print(f"1..0 # SKIP no captures at {shared} (FLUXGATE_SHARED names another place)")
        return 0
    with open(table, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    totals, failed = Totals(), 0
    print(f"1..{len(rows)}")
    for number, row in enumerate(rows, 1):
        try:
            remark = check(fluxgate, shared, row, totals)
            print(f"ok {number} - {row['file']} {remark}".rstrip())
        except Mismatch as why:
            failed += 1
            print(f"not ok {number} - {row['file']}\n# {row['file']}: {why}")
    report(totals)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
