# SPDX-License-Identifier: BSD-3-Clause
"""The dashboard in a real browser: over a live sensor while flux comes in over the wire, over a
replay of hostile names, and over answers that go wrong. Arguments: fluxgate, trafficgen and
the folder that screenshots go to."""

import contextlib
import gzip
import json
import pathlib
import signal
import subprocess
import sys
import urllib.parse

import browser
import network
from browser import Browser, Proxy
from harness import (DEMO, DEMO_CAPTURE, FLUXGATE, demo_databases, equal, main, scratch, wait_for)
from sensor import LISTEN, PATIENCE_SECONDS, Sensor, af_packet, get, get_json, sensor_config
from wire import DETECT, RING_FRAMES, make_capture, settled, start_capture

browser.isolate("tcpreplay")

SCRATCH = scratch()
CAPTURE = pathlib.Path(SCRATCH.name) / "wire.pcap"
SHOTS = pathlib.Path(sys.argv[3] if len(sys.argv) > 3 else SCRATCH.name)
PAGE = f"http://{LISTEN}/"

# From the moment that the sensor's own answer has a flagged domain until the page shows it.
SHOWN_SECONDS = 10

TRUTH = json.loads((DEMO / "truth.json").read_text())
FLUX = [d["domain"] for d in TRUTH["domains"] if d["flux"]]
HONEST = next(d["domain"] for d in TRUTH["domains"] if not d["flux"])


def shot(page, name):
    page.screenshot(path=str(SHOTS / f"{name}.png"))


def no_problems(page, *allowed):
    """Nothing was refused by the policy, thrown, logged as an error or asked of others."""
    bad = [p for p in page.problems() if not any(a in p for a in allowed)]
    equal(bad, [], "problems in the browser")


def names_shown(page):
    return page.texts(selector="#domains .name")


def shows_flux_as_it_comes():
    """Empty at first, it shows flux from the wire within seconds, draws its addresses, and says when
    the sensor is gone"""
    config = sensor_config(af_packet(RING_FRAMES), detect=DETECT)
    with Sensor(config) as sensor:
        sensor.ready()
        page.open(url=PAGE)
        page.wait(selector="#domains .empty", text="No domain is flagged")
        page.wait(selector="#connection", text="Live")
        shot(page, "empty")

        wire = start_capture(CAPTURE)
        sensor.until(lambda: get_json("/api/v1/domains")["domains"], "a domain is flagged")
        page.wait(selector="#domains .name", seconds=SHOWN_SECONDS)
        equal(wire.wait(timeout=30), 0, "exit code of tcpreplay")
        settled(sensor)
        flagged = [d["domain"] for d in get_json("/api/v1/domains")["domains"]]
        wait_for(lambda: names_shown(page) == flagged, 20, f"{flagged} are shown")
        page.wait(selector="#events strong", text="raised")
        page.wait(selector="#workers svg path.line")
        assert page.count(selector="#domains svg rect.spark") > 0, "no sparkline"
        for tile, value in ("Accounting error", "0"), ("Flagged now", str(len(flagged))):
            page.wait(selector=f"#tiles .tile:has(dt:text-is('{tile}')) .figure", text=value, seconds=10)
        received = get_json("/api/v1/stats")["accounting"]["rx"]["received"]
        page.wait(selector="#tiles .tile", text=f"Frames in{received:,}", seconds=10)
        no_problems(page)
        searches(page, flagged)
        detail_is_drawn(page, flagged[0])
        why_not_is_told(page)
        looks(page, flagged[0])
        no_problems(page)

        page.open(url=PAGE)
        page.wait(selector="#connection", text="Live")
        sensor.stop()
        page.wait(selector="#connection", text="Disconnected", seconds=15)
        page.wait(selector="#notices", text="does not answer")
        shot(page, "disconnected")
        no_problems(page, "ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED", "ERR_EMPTY_RESPONSE")


def searches(page, flagged):
    part = flagged[0].split(".")[0]
    page.fill(selector="#name", text=part)
    wait_for(lambda: names_shown(page) == [n for n in flagged if part in n], 10, f"only {part}")
    page.fill(selector="#name", text="nothing-like-that")
    page.wait(selector="#domains .empty", text="None of this kind")
    page.fill(selector="#name", text="")
    firm = [d["domain"] for d in get_json("/api/v1/domains?suspected=false")["domains"]]
    page.choose(selector="#suspected", value="false")
    wait_for(lambda: names_shown(page) == firm, 10, "firm ones only")
    page.choose(selector="#suspected", value="")
    most = [d["domain"] for d in get_json("/api/v1/domains?sort=addresses")["domains"]]
    page.choose(selector="#sort", value="addresses")
    wait_for(lambda: names_shown(page) == most, 10, "by addresses")
    page.choose(selector="#sort", value="score")


def detail_is_drawn(page, name):
    page.click(selector=f"#domains .name:text-is('{name}')")
    page.wait(selector="#detail .title", text=name)
    explained = get_json(f"/api/v1/explain/{name}")
    dated = [a for a in explained["sample"] if a["last_seen"]]
    assert len(dated) > 10, dated
    equal(page.count(selector="#detail rect.stay"), len(dated), "addresses drawn")
    networks = {a["asn"] for a in dated}
    equal(page.count(selector="#detail svg text.strong"), len(networks), "networks drawn")
    for reason in explained["verdict"]["reasons"]:
        page.wait(selector="#detail section[aria-label=Reasons] th", text=reason["text"])
    if explained["name_servers"]:
        page.wait(selector="#detail section[aria-label='Name servers'] th",
                  text=explained["name_servers"][0]["address"])
    equal(page.focused(), "detail-title", "what has the focus")


def why_not_is_told(page):
    """By keyboard alone."""
    page.fill(selector="#lookup-name", text=f"www.{HONEST}")
    page.press(key="Enter")
    page.wait(selector="#detail .tag", text="not flagged")
    page.wait(selector="#detail .title", text=HONEST)
    page.wait(selector="#detail details[open]", text="it lacks")
    no_problems(page)
    page.fill(selector="#lookup-name", text="nobody.example")
    page.press(key="Enter")
    page.wait(selector="#detail", text="Nothing is known of it")
    no_problems(page, "404")


def looks(page, name):
    """Light and dark, wide and on a phone: nothing overflows, all text has its contrast."""
    for theme, kind, width in ("light", "phone", 360), ("light", "wide", 1360), ("dark", "wide", 1360), (
            "dark", "phone", 360):
        page.open(url=PAGE, theme=theme, width=width, height=800)
        page.wait(selector="#domains .name")
        for where, ready in ("", None), (f"#/domain/{name}", "#detail rect.stay"):
            if ready:
                page.hash(to=where)
                page.wait(selector=ready)
            what = f"{'domain' if ready else 'overview'}-{theme}-{kind}"
            equal(page.overflow(), 0, f"beyond the right edge, {what}")
            equal(page.contrast(), [], f"text without contrast, {what}")
            shot(page, what)
    page.click(selector="#theme")
    equal(page.attributes(selector="html", name="data-theme"), ["light"], "theme by the switch")


@contextlib.contextmanager
def served(capture, *arguments):
    """A capture, replayed and served until the block ends."""
    with subprocess.Popen([FLUXGATE, "replay", "--serve", LISTEN, *map(str, arguments), capture],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(lambda: get("/api/v1/status")[0] == 200 and all(
                w["state"] == "ended" for w in get_json("/api/v1/status")["workers"] or [{"state": ""}]),
                PATIENCE_SECONDS, "the replay has ended")
            yield
        finally:
            process.send_signal(signal.SIGTERM)


# Labels as long as those of the demonstration's that they stand in for.
WIRE = [b'"><script>&\'', b"<img src=x/>", "\u202eexe.gpj\u2066".encode()[:12], b"\r\n\t\x00\xff\x1b[31m\x7f%"]


def hostile_names_on_the_wire():
    """Markup, quotes, controls and right-to-left marks in names on the wire show as text"""
    octets = gzip.decompress(DEMO_CAPTURE.read_bytes())
    labels = [name.split(".")[0].encode() for name in FLUX][:len(WIRE)]
    for label, hostile in zip(labels, WIRE):
        equal(len(hostile), len(label), f"length for {label}")
        assert label in octets
        octets = octets.replace(label, hostile)
    capture = pathlib.Path(SCRATCH.name) / "hostile.pcap"
    capture.write_bytes(octets)
    with served(capture, *demo_databases()):
        names = [d["domain"] for d in get_json("/api/v1/domains")["domains"]]
        assert sum("\\060script\\062" in n for n in names) == 1, names
        page.open(url=PAGE)
        wait_for(lambda: names_shown(page) == names, 20, "all names as they are in the answer")
        for name in names:
            page.click(selector=f"#domains .name >> nth={names.index(name)}")
            page.wait(selector="#detail rect.stay")
            equal(page.texts(selector="#detail .title"), [name], "title")
            page.click(selector="#detail .back")
            page.wait(selector="#domains .name")
        equal(page.count(selector="img, iframe, object, embed"), 0, "elements of a name")
        shot(page, "hostile-wire")
        no_problems(page)


RAW = [
    "<script>window.hacked=1</script>.example", "\"'><img src=x onerror=window.hacked=1>.example",
    "\u202egpj.exe\u2066.example", "javascript:window.hacked=1//.example",
    "\\255" * 63 + "." + "\\000" * 63 + "." + "\\255" * 63 + "." + "\\010" * 61, "__proto__.constructor",
    "${window.hacked=1}{{hacked}}.example",
]


def hostile_answers():
    """Names that no sensor would send, raw and in all places, show as text and run nothing"""
    there = dict(zip(FLUX, RAW))

    def onward(path):
        for name, raw in there.items():
            path = path.replace(urllib.parse.quote(raw, safe="!'()*-._~"), name)
        return path

    def change(path, _, status, body):
        if path.startswith("/api/v1/events/stream"):
            return 404, b"{}"
        if not path.startswith("/api/"):
            return status, body
        text = body.decode()
        for name, raw in there.items():
            text = text.replace(json.dumps(name)[1:-1], json.dumps(raw)[1:-1])
        tree = json.loads(text)
        if "windows" in tree:
            tree["text"] = RAW[0]
            tree["sample"][0]["address"] = RAW[1]
            tree["verdict"]["reasons"][0]["text"] = RAW[0]
            tree["verdict"]["reasons"][0]["code"] = RAW[1]
        if "vantage" in tree:
            tree["vantage"] = RAW[0]
            tree["conditions"] = [{"name": RAW[1], "since": tree["time"], "remedy": RAW[0]}]
        return status, json.dumps(tree).encode()

    with served(DEMO_CAPTURE, *demo_databases()), Proxy(LISTEN, change, onward) as proxy:
        names = [there[d["domain"]] for d in get_json("/api/v1/domains")["domains"]]
        page.open(url=proxy.url, width=360)
        wait_for(lambda: names_shown(page) == names, 20, "all names")
        equal(page.overflow(), 0, "beyond the right edge")
        shot(page, "hostile-raw")
        for name in names:
            page.hash(to=f"#/domain/{urllib.parse.quote(name)}")
            page.wait(selector="#detail rect.stay")
            equal(page.texts(selector="#detail .title"), [name], "title")
            equal(page.overflow(), 0, f"beyond the right edge, {name}")
        equal(page.value(expression="hacked"), None, "what a name would have set")
        equal(page.count(selector="img, iframe, object, embed"), 0, "elements of a name")
        equal(page.count(selector="script"), 1, "scripts")
        no_problems(page, "404")


def states_that_are_not_well():
    """Not ready, degraded with its remedy, a token asked for, and a poll where there is no stream"""
    state = {"ready": False, "token": None}

    def change(path, headers, status, body):
        if state["token"] and path.startswith("/api/") and (
                headers.get("Authorization") != f"Bearer {state['token']}"):
            return 401, b'{"detail": "a token is needed"}'
        if path.startswith("/api/v1/events/stream"):
            return 404, b"{}"
        if path == "/api/v1/status":
            tree = json.loads(body)
            if not state["ready"]:
                tree.update(ready=False, time=None, workers=[], flagged=None, conditions=[], degraded=[])
            else:
                for worker in tree["workers"]:
                    worker["state"] = "running"
            body = json.dumps(tree).encode()
        return status, body

    # Without a database of networks.
    with served(DEMO_CAPTURE), Proxy(LISTEN, change) as proxy:
        is_small_and_whole(get("/")[1])
        page.open(url=proxy.url)
        page.wait(selector="#connection", text="Not ready yet")
        page.wait(selector="#notices", text="first epoch is not in")
        equal(page.count(selector="#overview:visible"), 0, "an overview of nothing")
        shot(page, "not-ready")
        no_problems(page)
        state["ready"] = True
        page.wait(selector="#connection", text="Degraded")
        page.wait(selector="#notices", text="no asn db")
        remedy = get_json("/api/v1/status")["conditions"][0]["remedy"]
        page.wait(selector="#notices", text=remedy)
        equal(page.contrast(), [], "text without contrast")
        shot(page, "degraded")

        state["token"] = "a-secret"
        page.wait(selector="#token", text="Token needed")
        equal(page.count(selector="#overview:visible"), 0, "an overview without a token")
        shot(page, "token")
        page.fill(selector="#token-text", text="wrong")
        page.press(key="Enter")
        page.wait(selector="#token-said", text="refused")
        page.fill(selector="#token-text", text="a-secret")
        page.press(key="Enter")
        page.wait(selector="#tiles .tile", text="Frames in")
        equal(page.count(selector="#token:visible"), 0, "a form for a token that is there")
        no_problems(page, "401", "404")


def is_small_and_whole(body):
    """Below 100 KiB; it makes no markup of strings, and has no handlers in attributes."""
    assert len(body.encode()) < 100 * 1024, len(body)
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", " onclick="):
        assert word not in body, word


try:
    network.lay_wire()
    SHOTS.mkdir(parents=True, exist_ok=True)
    make_capture(CAPTURE)
    with Browser() as page:
        main(shows_flux_as_it_comes, hostile_names_on_the_wire, hostile_answers,
             states_that_are_not_well)
finally:
    browser.clean()
