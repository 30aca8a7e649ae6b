# SPDX-License-Identifier: BSD-3-Clause
"""Why a name is flagged and why not, of `fluxgate replay` and of what it serves; each answer is
held against its schema."""

import collections
import contextlib
import json
import pathlib
import subprocess

from harness import (DEMO, DEMO_CAPTURE, FLUXGATE, check_schema, demo_databases, equal, fluxgate,
                     main, replay, scratch, wait_for)

LISTEN = "127.0.0.1:8954"
PATIENCE_SECONDS = 60
TRUTH = json.loads((DEMO / "truth.json").read_text())
FLUX = [d["domain"] for d in TRUTH["domains"] if d["flux"]]
HONEST = [d["domain"] for d in TRUTH["domains"] if not d["flux"]]


def get(path):
    done = subprocess.run(["curl", "-s", "-m", "20", "-w", "\n%{http_code} %{content_type}",
                           f"http://{LISTEN}{path}"], capture_output=True, text=True, check=False)
    body, _, rest = done.stdout.rpartition("\n")
    status, _, kind = rest.partition(" ")
    return int(status or 0), kind, body


def get_json(path, status=200):
    got, kind, body = get(path)
    equal(got, status, f"GET {path}: {body}")
    equal(kind, "application/problem+json" if status >= 400 else "application/json", path)
    return json.loads(body)


@contextlib.contextmanager
def served():
    """The demonstration, replayed and served until the block ends."""
    with subprocess.Popen([FLUXGATE, "replay", "--json", "--serve", LISTEN,
                           *map(str, demo_databases()), DEMO_CAPTURE], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            # Nothing is complete before the whole result was printed.
            result, _ = json.JSONDecoder().raw_decode(read_object(process.stdout))
            wait_for(lambda: get("/readyz")[0] == 200, PATIENCE_SECONDS, "it serves")
            yield result
        finally:
            process.terminate()
            process.communicate()


def read_object(stream):
    """The text of one object, which ends with a brace that stands alone."""
    lines = []
    for line in stream:
        lines.append(line)
        if line == "}\n":
            break
    return "".join(lines)


def lacking(answer):
    return {code for window in answer["windows"] for way in window["ways"] for code in way["lacks"]}


def explains_every_tier():
    """A flagged domain, one that is not, a suffix and a name never seen are explained live"""
    with served() as result:
        flagged = get_json(f"/api/v1/explain/www.{FLUX[0]}")
        honest = get_json(f"/api/v1/explain/{HONEST[0].upper()}.")
        check_schema(explain_1=flagged, explain_2=honest,
                     problem_1=get_json("/api/v1/explain/nobody.example", 404),
                     problem_2=get_json("/api/v1/explain/com", 404),
                     problem_3=get_json("/api/v1/explain/a..b", 400))
    equal((flagged["domain"], flagged["name"], flagged["flagged"]),
          (FLUX[0], f"www.{FLUX[0]}", True), "domain, name, flagged")
    listed = next(d for d in result["domains"] if d["domain"] == FLUX[0])
    equal(flagged["verdict"], listed, "verdict")
    met = [w for w in flagged["windows"] if w["class"]]
    assert met and all(not w["ways"] for w in met), flagged["windows"]
    # The ruling rests on clauses that hold; the list's reasons are among them.
    of_window = next(w for w in flagged["windows"] if w["window"] == listed["window"])
    counts = {c["code"] for c in of_window["clauses"] if c["counts"]}
    assert {r["code"] for r in listed["reasons"]} == counts, (listed["reasons"], counts)
    equal((honest["domain"], honest["tier"], honest["flagged"], honest["verdict"]),
          (HONEST[0], "record", False, None), "domain, tier, flagged, verdict")
    assert lacking(honest), honest["windows"]
    for window in honest["windows"]:
        equal(window["class"], None, "class")
        fails = {c["code"] for c in window["clauses"] if not c["holds"]}
        for clause in window["clauses"]:
            equal(clause["short_by"] > 0, not clause["holds"], f"short_by of {clause}")
        for way in window["ways"]:
            assert set(way["lacks"]) <= fails, (way, fails)


def lacking_is_what_it_says():
    """With the thresholds that a way names out of the way, the domain is flagged"""
    name = HONEST[0]
    before = replay("--explain", name, *demo_databases(), DEMO_CAPTURE)["explained"][0]
    assert not before["flagged"], before["text"]
    ways = [way for w in before["windows"] if w["window"] == "24h" for way in w["ways"]]
    keys = {"networks": "min_networks", "effective_networks": "min_effective_networks",
            "glue_in_pool": "min_glue_in_pool", "open_ratio": "min_open_ratio",
            "open_evidence": "min_open_evidence", "new_per_epoch": "min_new_per_epoch",
            "top_network_share": "max_top_network_share", "siblings": "min_siblings"}
    way = next(w for w in ways if set(w["lacks"]) <= set(keys))
    detect = {keys[code]: 1 if keys[code].startswith("max") else 0 for code in way["lacks"]}
    with scratch() as folder:
        path = pathlib.Path(folder) / "config.json"
        path.write_text(json.dumps({"detect": detect}))
        after = replay("-c", path, "--explain", name, *demo_databases(),
                       DEMO_CAPTURE)["explained"][0]
    assert after["flagged"], (way, after["text"])


def replays_explain():
    """A replay explains names in its object, the same for any number of workers, and in words"""
    names = [FLUX[0], HONEST[0], "nobody.example", "com"]
    asked = [part for name in names for part in ("--explain", name)]
    one, four = (replay("-w", n, *asked, *demo_databases(), DEMO_CAPTURE)["explained"]
                 for n in (1, 4))
    equal(one, four, "explanations with one worker and with four")
    equal([e["name"] for e in one], names, "names")
    equal([e["tier"] for e in one], ["record", "record", "nothing", "nothing"], "tiers")
    check_schema(**{f"explain_{i}": e for i, e in enumerate(one)})
    run = fluxgate("replay", *asked, *demo_databases(), DEMO_CAPTURE)
    equal((run.returncode, run.stderr), (0, ""), "exit code and stderr")
    for explained in one:
        assert explained["text"] in run.stdout, run.stdout
        for window in explained["windows"]:
            for clause in window["clauses"]:
                assert clause["text"] in run.stdout, clause["text"]
    run = fluxgate("replay", "--explain", "a..b", DEMO_CAPTURE)
    equal(run.returncode, 2, "exit code")
    equal(run.stderr.count("\n"), 1, f"lines in {run.stderr!r}")


def tells_what_became_of_verdicts():
    """Each flagged domain has its event, in order; what is gone or of another run is 410"""
    with served() as result:
        events = get_json("/api/v1/events")
        rest = get_json(f"/api/v1/events?since={events['next_since']}")
        part = get_json("/api/v1/events?since=2&limit=2")
        check_schema(events_1=events, events_2=rest, events_3=part,
                     problem=get_json("/api/v1/events?since=4711", 410))
        get_json("/api/v1/events?since=x", 400)
    numbers = [e["sequence"] for e in events["events"]]
    equal(numbers, list(range(1, len(numbers) + 1)), "sequence")
    equal(rest["events"], [], "events after the last")
    equal([e["sequence"] for e in part["events"]], [3, 4], "events after the second")
    raised = {e["domain"]: e["time"] for e in events["events"] if e["event"] == "raised"}
    equal(raised, {d["domain"]: d["first_flagged"] for d in result["domains"]}, "raised")
    last = {e["domain"]: (e["class"], e["suspected"]) for e in events["events"]}
    equal(last, {d["domain"]: (d["class"], d["suspected"]) for d in result["domains"]},
          "class and suspicion by the last event")


def groups_campaigns():
    """Flagged domains on the same hosts are one campaign, those on others are not"""
    with served() as result:
        page = get_json("/api/v1/domains")
        check_schema(domains=page, domain=get_json(f"/api/v1/domains/{FLUX[0]}"))
    equal({d["domain"]: d["campaign"] for d in page["domains"]},
          {d["domain"]: d["campaign"] for d in result["domains"]}, "campaigns served and printed")
    # The generator names a domain "x-POOL.tld".
    pools = collections.Counter(pool(name) for name in FLUX)
    ids = collections.defaultdict(set)
    for domain in page["domains"]:
        size = pools[pool(domain["domain"])]
        if size == 1:
            equal(domain["campaign"], None, f"campaign of {domain['domain']}")
        else:
            equal(domain["campaign"]["domains"], size, f"domains with {domain['domain']}")
            ids[pool(domain["domain"])].add(domain["campaign"]["id"])
    equal([len(i) for i in ids.values()], [1] * len(ids), "ids of a pool")
    equal(len(set().union(*ids.values())), len(ids), "ids")
    assert len(ids) > 1, ids


def pool(name):
    return name.partition(".")[0].partition("-")[2]


main(explains_every_tier, groups_campaigns, tells_what_became_of_verdicts, lacking_is_what_it_says, replays_explain)
