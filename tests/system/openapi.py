# SPDX-License-Identifier: BSD-3-Clause
"""docs/openapi.json against the program: each path is asked for, of a sensor and of a replay that
has flagged domains, and held against what the document says; and each route is in the document."""

import contextlib
import http.client
import json
import re
import subprocess
import sys
import urllib.parse

import network
from harness import (DEMO_CAPTURE, FLUXGATE, TOP, demo_databases, equal, main, scratch, skip_all, wait_for)
from sensor import LISTEN, Sensor, af_packet, sensor_config

sys.path.insert(0, str(TOP / "tests/unit"))
try:
    from jsonschema import Draft202012Validator
except ImportError:
    skip_all("needs python3-jsonschema")
import check_schema

network.isolate()

REPLAY = "127.0.0.1:8954"
SCHEMAS = TOP / "docs/schema"
DOCUMENT = json.loads((TOP / "docs/openapi.json").read_text())
OPERATIONS = [(path, method, operation) for path, item in DOCUMENT["paths"].items()
              for method, operation in item.items()]


class Answer:
    def __init__(self, address, method, target, fields):
        host, port = address.split(":")
        c = http.client.HTTPConnection(host, int(port), timeout=20)
        with contextlib.closing(c):
            c.request(method, target, headers=fields)
            r = c.getresponse()
            self.status, self.fields = r.status, r.headers
            self.type = r.headers["Content-Type"]
            # A stream has no end: its first records are enough.
            stream = self.type == "text/event-stream" and method == "GET"
            self.body = records(r) if stream else r.read()
            self.what = f"{address} {method} {target}: {r.status}"


def records(response):
    """A stream's text up to its first `snapshot`."""
    text = b""
    while b"event: snapshot" not in text or not text.endswith(b"\n\n"):
        text += response.readline()
    return text


def part(node):
    """A node of the document, or the one of its components that it names."""
    if "$ref" not in node:
        return node
    place = DOCUMENT
    for step in node["$ref"].removeprefix("#/").split("/"):
        place = place[step]
    return place


def schema_check(reference, value, what):
    name = re.fullmatch(r"schema/(\w+)\.json", reference["$ref"])[1]
    errors = list(Draft202012Validator(check_schema.load(SCHEMAS, name)).iter_errors(value))
    assert not errors, f"{what}: {errors[0].json_path}: {errors[0].message}"


def stream_check(media, text, what):
    seen = set()
    for record in text.decode().strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in record.split("\n"))
        int(fields["id"])
        schema_check(media["x-events"][fields["event"]], json.loads(fields["data"]), what)
        seen.add(fields["event"])
    assert "snapshot" in seen, what


def check(answer, operation):
    """Status, fields and body are what the document says of the operation."""
    said = part(operation["responses"].get(str(answer.status)) or
                operation["responses"].get("default") or {})
    assert said, f"{answer.what} is not in the document: {answer.body[:200]}"
    for field in said.get("headers", {}):
        assert answer.fields[field] or field == "Retry-After", f"{answer.what}: no {field}"
    content = said.get("content")
    if not content:
        equal(answer.body, b"", f"{answer.what}: body")
        return
    assert answer.type in content, f"{answer.what}: type {answer.type}, not {list(content)}"
    media = content[answer.type]
    if answer.type == "text/event-stream":
        stream_check(media, answer.body, answer.what)
    elif answer.type.endswith(("/json", "+json")):
        value = json.loads(answer.body)
        if "$ref" in media["schema"]:
            schema_check(media["schema"], value, answer.what)
        if answer.status >= 400:
            equal(value["status"], answer.status, f"{answer.what}: status in the problem")


def parameters(operation, place):
    return [p for p in map(part, operation.get("parameters", [])) if p["in"] == place]


def target(path, operation, name):
    for p in parameters(operation, "path"):
        value = p.get("example", name)
        path = path.replace("{%s}" % p["name"], urllib.parse.quote(value, safe=""))
    return path


def ask(path, operation, address, name="flux.example", query="", method="GET", **fields):
    answer = Answer(address, method, target(path, operation, name) + query,
                    {k.replace("_", "-"): v for k, v in fields.items()})
    if method == "GET":
        check(answer, operation)
    return answer


def flagged():
    return json.loads(Answer(REPLAY, "GET", "/api/v1/domains?limit=1", {}).body)["domains"][0]["domain"]


def readers():
    return [(path, operation) for path, method, operation in OPERATIONS if method == "get"]


def each_path_answers():
    """Each path of the document has the answer that it says, with its type, fields and schema"""
    name = flagged()
    for path, operation in readers():
        seen = [ask(path, operation, address, name) for address in (REPLAY, LISTEN)]
        good = [answer for answer in seen if answer.status == 200]
        assert good, f"{path}: {[a.status for a in seen]}, never 200"
        for answer, address in zip(seen, (REPLAY, LISTEN)):
            head = ask(path, operation, address, name, method="HEAD")
            equal((head.status, head.type, head.body), (answer.status, answer.type, b""), head.what)


def each_tag_is_known():
    """Where the document says so, an answer has a tag, and is not sent again to who has it"""
    for path, operation in readers():
        if "304" not in operation["responses"]:
            continue
        answer = ask(path, operation, REPLAY, flagged())
        address = REPLAY if answer.status == 200 else LISTEN
        # Another epoch may end between the two.
        wait_for(lambda: ask(path, operation, address, flagged(), If_None_Match=ask(
            path, operation, address, flagged()).fields["ETag"]).status == 304, 20, f"304 of {path}")


def each_parameter_is_taken():
    """Each parameter is taken with its example and each value it may have, and refused with another"""
    for path, operation in readers():
        for p in parameters(operation, "query"):
            examples = [p["example"]] if "example" in p else []
            for value in [*p["schema"].get("enum", []), *examples]:
                text = json.dumps(value) if not isinstance(value, str) else value
                query = f"?{p['name']}={urllib.parse.quote(text)}"
                statuses = [ask(path, operation, a, query=query).status for a in (REPLAY, LISTEN)]
                assert 200 in statuses, f"{path}{query}: {statuses}"
            answer = ask(path, operation, LISTEN, query=f"?{p['name']}=%20")
            equal(answer.status, 400, answer.what)
        if parameters(operation, "query"):
            equal(ask(path, operation, LISTEN, query="?unknown=1").status, 400, f"{path}?unknown")


def each_problem_is_one():
    """A name that is none, a host that is not ours, and a method that no path has are problems"""
    for path, operation in readers():
        equal(ask(path, operation, LISTEN, Host="rebind.example").status, 421, f"{path} for another")
        if "{name}" in path:
            assert ask(path, {**operation, "parameters": [part({"$ref": "#/components/parameters/name"})]},
                       LISTEN, name="a..b").status in (400, 404), f"{path}: no name"
        answer = Answer(LISTEN, "BREW", target(path, operation, "flux.example"), {})
        equal((answer.status, answer.type), (405, "application/problem+json"), answer.what)
        schema_check({"$ref": "schema/problem.json"}, json.loads(answer.body), answer.what)
        # What needs an admin's token is not there where nobody is one.
        methods = {m.upper() for m, o in DOCUMENT["paths"][path].items() if "security" not in o}
        methods |= {"HEAD"}
        equal(set(answer.fields["Allow"].split(", ")), methods, f"{answer.what}: Allow")


def document_and_program_agree():
    """Each route of the program is in the document and the other way round; the schemas are served"""
    metrics = Answer(LISTEN, "GET", "/metrics", {}).body.decode()
    routes = set(re.findall(r'http_requests_total\{route="([^"]+)"', metrics)) - {"none"}
    # Requests that change something are counted as those of the path that is read.
    read = {path for path, item in DOCUMENT["paths"].items() if "get" in item}
    equal(read ^ routes, set(), "routes that only one of the two has")
    equal(json.loads(Answer(LISTEN, "GET", "/api/v1/openapi.json", {}).body), DOCUMENT, "the document")
    assert DOCUMENT["openapi"].startswith("3.1."), DOCUMENT["openapi"]
    wanted = set(re.findall(r'"schema/([^"#]+)"', json.dumps(DOCUMENT)))
    seen = set()
    while wanted - seen:
        name = (wanted - seen).pop()
        seen.add(name)
        text = Answer(LISTEN, "GET", f"/api/v1/schema/{name}", {}).body
        equal(text, (SCHEMAS / name).read_bytes(), f"schema {name}")
        wanted |= {r for r in re.findall(r'"\$ref": "([^"#]+)', text.decode())}


if __name__ == "__main__":
    network.lay_wire()
    folder = scratch()
    HISTORY = {"path": f"{folder.name}/history.db"}
    with subprocess.Popen([FLUXGATE, "replay", "--serve", REPLAY, *map(str, demo_databases()),
                           DEMO_CAPTURE], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True) as process, \
            Sensor(sensor_config(af_packet(4096), history=HISTORY)) as running:
        try:
            assert "serving" in process.stderr.readline()
            running.ready()
            main(document_and_program_agree, each_path_answers, each_tag_is_known,
                 each_parameter_is_taken, each_problem_is_one)
        finally:
            process.terminate()
