# SPDX-License-Identifier: BSD-3-Clause
"""/metrics of a live sensor and of a replay, by promtool; alert rules, dashboard, and docs/metrics.md
held against them."""

import json
import pathlib
import re
import subprocess

import network
from harness import (DEMO_CAPTURE, FLUXGATE, TOP, demo_databases, equal, main, scratch, tree_leaves,
                     wait_for)
from sensor import LISTEN, PATIENCE_SECONDS, Sensor, af_packet, get, get_json, sensor_config

network.isolate("promtool")

RULES = TOP / "deploy/prometheus/fluxgate.rules.yml"
RULE_TESTS = sorted((TOP / "deploy/prometheus").glob("*.test.yml"))
DASHBOARD = TOP / "deploy/grafana/fluxgate.json"
REFERENCE = TOP / "docs/metrics.md"

# Told by ports and loads that this test has not.
ELSEWHERE = {"fluxgate_port_xdp_frames_total", "fluxgate_worker_imbalance"}

# Where each counter is declared, with its metric, its place in the JSON and its labels.
DECLARED = TOP / "app/export/counters.c"


def promtool(*arguments, stdin=None):
    done = subprocess.run(["promtool", *map(str, arguments)], input=stdin, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, f"promtool {arguments}: {done.stdout} {done.stderr}"
    return done


def families(text):
    """What a text has: {name: (type, labels, help)}, and its samples {(name, labels): value}."""
    found, samples, helps = {}, {}, {}
    for line in text.splitlines():
        if line.startswith("# HELP "):
            _, _, name, what = line.split(" ", 3)
            helps[name] = what
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            found[name] = [kind, [], helps[name]]
        else:
            name, labels, value = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line).groups()
            pairs = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or ""))
            assert (name, labels) not in samples, line
            samples[name, labels] = float(value)
            family = found.get(name) or found[re.sub("_(bucket|sum|count)$", "", name)]
            family[1] += [key for key in pairs if key not in family[1] and key != "le"]
    return found, samples


def metrics():
    status, text = get("/metrics")
    equal(status, 200, "GET /metrics")
    return text


def line_of(name, family):
    kind, labels, what = family
    return f"| `{name}` | {kind} | {', '.join(f'`{x}`' for x in labels)} | {what} |"


def metrics_of_a_live_sensor():
    """A live sensor's metrics are clean by promtool and are those of docs/metrics.md, in its words"""
    with scratch() as folder:
        state = {"path": str(pathlib.Path(folder) / "state"), "interval_seconds": 1}
        history = {"path": str(pathlib.Path(folder) / "history")}
        with Sensor(sensor_config(af_packet(4096), state=state, history=history)) as sensor:
            sensor.ready()
            get("/api/v1/explain/nobody.example")
            get("/nowhere/flux.example")
            sensor.until(lambda: get_json("/api/v1/status")["state"]["saves"], "a state is saved")
            # What was offered before the port's counting began is known an epoch later.
            sensor.until(lambda: "fluxgate_port_offered_packets{" in metrics(), "all is counted")
            text = metrics()
            sensor.stop()
    promtool("check", "metrics", stdin=text)
    found, samples = families(text)
    assert "example" not in text, "a name is in the metrics"
    equal(samples["fluxgate_http_requests_total", 'route="/api/v1/explain/{name}",code="404"'], 1,
          "requests of a name that nobody knows")
    equal(samples["fluxgate_http_requests_total", 'route="none",code="404"'], 1,
          "requests of no route")
    assert 0 <= samples["fluxgate_worker_heartbeat_age_seconds", 'worker="0",lcore="1"'] < 9, text
    assert 0 <= samples["fluxgate_snapshot_age_seconds", None] < 9, text
    assert samples["fluxgate_epoch_lag_seconds_count", None] >= 1, text
    assert samples["process_resident_memory_bytes", None] > 2 ** 20, text
    assert samples["process_cpu_seconds_total", None] > 0, text
    lines = [line for line in REFERENCE.read_text().splitlines()
             if re.match(r"\| `(fluxgate|process)_", line)]
    written = {re.match(r"\| `(\w+)`", line)[1]: line for line in lines}
    for name in sorted(found):
        equal(written.get(name), line_of(name, found[name]), "line of docs/metrics.md")
    equal(set(written) - set(found) - ELSEWHERE, set(), "in docs/metrics.md, not in the metrics")


def declared():
    """Place in the accounting tree of each family of counters: its metric and labels. What has no
    metric is a sum of what stands below it, which Prometheus adds up by itself."""
    text, words = '(?:"[^"]*"|NULL|\\s)+', r'\{([",\w\s]+)\}'
    rows = re.findall(rf'\[FAMILY_\w+\] =\s*\{{({text}),{text},\s*\w+,\s*{words},\s*{words}',
                      DECLARED.read_text())
    found = {}
    for metric, path, labels in rows:
        metric = re.findall(r'"(\w+)"', metric)
        found[".".join(re.findall(r'"(\w+)"', path))] = (
            metric[0] if metric else None, re.findall(r'"(\w+)"', labels))
    return found


def sample_of(path, places):
    """Name and labels of the sample that tells a counter; None for a sum."""
    steps = path.split(".")
    for i in range(len(steps), 0, -1):
        place = ".".join(steps[:i])
        if place in places:
            metric, labels = places[place]
            keys = steps[i:]
            assert len(keys) <= len(labels), f"{path}: more steps than {metric} has labels"
            pairs = ",".join(f'{name}="{key}"' for name, key in zip(labels, keys))
            return metric and (f"fluxgate_{metric}", pairs or None)
    raise AssertionError(f"{path} is not declared")


def metrics_of_a_replay():
    """A replay's metrics are clean by promtool and tell every counter of the JSON, name by name"""
    with subprocess.Popen([FLUXGATE, "replay", "--serve", LISTEN, *map(str, demo_databases()),
                           DEMO_CAPTURE], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True) as process:
        try:
            assert "serving" in process.stderr.readline()
            wait_for(lambda: get("/readyz")[0] == 200, PATIENCE_SECONDS, "it serves")
            stats, text = get_json("/api/v1/stats"), metrics()
        finally:
            process.terminate()
    promtool("check", "metrics", stdin=text)
    _, samples = families(text)
    assert ".invalid" not in text and "lexokel" not in text, "a name is in the metrics"
    places, seen = declared(), set()
    for path, value in tree_leaves(stats["accounting"]):
        where = sample_of(path, places)
        if where:
            assert where in samples, f"{path}: no sample {where}"
            equal(samples[where], value, f"{path} and {where}")
            seen.add(where)
    names = {f"fluxgate_{metric}" for metric, _ in places.values()}
    equal({where for where in samples if where[0] in names} - seen, set(),
          "samples, not in the JSON")
    assert len(seen) > 150, len(seen)


def alerts():
    return re.findall(r"- alert: (\w+)", RULES.read_text())


def rules_are_good():
    """Alert rules are accepted by promtool, and each one fires and does not, as its test says"""
    promtool("check", "rules", RULES)
    promtool("test", "rules", *RULE_TESTS)
    text = "".join(path.read_text() for path in RULE_TESTS)
    for name in alerts():
        for what in "fires", "does not fire":
            equal(text.count(f"- name: {name} {what}\n"), 1, f"tests that {name} {what}")
    # Some have more, each with a name of its own.
    equal(text.count("alertname: "), text.count("- name: "), "tests")


def runbooks_exist():
    """Each alert has a severity, a summary, and a section in docs/operations.md that it names"""
    headings = {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-")
                for h in re.findall(r"^#+ (.+)$", (TOP / "docs/operations.md").read_text(), re.M)}
    blocks = RULES.read_text().split("- alert: ")[1:]
    for block in blocks:
        name = block.split("\n")[0]
        runbook = re.search(r"runbook: (\S+)", block)[1]
        page, anchor = runbook.split("#")
        equal(page, "docs/operations.md", f"runbook of {name}")
        assert anchor in headings, f"{name}: no section #{anchor}"
        assert re.search(r"severity: (critical|warning)\n", block), f"{name}: severity"
        assert re.search(r"summary: '.+'\n", block), f"{name}: summary"


def known(expression):
    """Fails where an expression names a metric that docs/metrics.md has not."""
    names = set(re.findall(r"\| `(\w+)` \| (\w+)", REFERENCE.read_text()))
    series = {name for name, kind in names if kind != "histogram"}
    series |= {f"{name}_{part}" for name, kind in names if kind == "histogram"
               for part in ("bucket", "sum", "count")}
    for name in re.findall(r"\b(?:fluxgate|process)_\w+", re.sub(r'"[^"]*"', "", expression)):
        assert name in series, f"{expression}: no metric {name}"


def dashboard_is_good():
    """Each expression of the dashboard is accepted by promtool; it and the rules name real metrics"""
    board = json.loads(DASHBOARD.read_text())
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    expressions = [target["expr"] for panel in panels for target in panel["targets"]]
    assert len(expressions) >= 20, len(expressions)
    equal(len({panel["id"] for panel in board["panels"]}), len(board["panels"]), "ids of panels")
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            known(variable["query"])
    with scratch() as folder:
        path = pathlib.Path(folder) / "dashboard.rules.yml"
        rules = [{"record": f"panel:{i}", "expr": re.sub(r"\$__\w+", "5m", expression)}
                 for i, expression in enumerate(expressions)]
        # JSON is YAML.
        path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
        promtool("check", "rules", path)
    for expression in expressions:
        known(expression)
    for block in RULES.read_text().split("- alert: ")[1:]:
        known(block[block.index("expr:"):block.index("labels:")])


if __name__ == "__main__":
    network.lay_wire()
    main(metrics_of_a_live_sensor, metrics_of_a_replay, rules_are_good, runbooks_exist,
         dashboard_is_good)
