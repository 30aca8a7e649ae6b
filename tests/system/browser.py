# SPDX-License-Identifier: BSD-3-Clause
"""A real browser: headless Chromium, driven by Playwright, and a proxy that changes answers."""

import contextlib
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import urllib.error
import urllib.request

import network
from harness import TOP, skip_all

PLAYWRIGHT = "playwright-core@1.48.2"
MODULES = "FLUXGATE_TEST_BROWSER"
INSTALL_SECONDS = 120
CHROMIUM = shutil.which("chromium")


def isolate(*programs):
    """As network.isolate(), with Playwright, which is installed outside the tree: the network is
    there before only. Skips where one or the other can't be."""
    if os.environ.get(network.INSIDE):
        return
    network.needs("chromium", "node", "npm", *programs)
    os.environ[MODULES] = tempfile.mkdtemp(prefix="fluxgate-test.")
    why = install()
    if why:
        clean()
        skip_all(f"npm has no {PLAYWRIGHT} for us: {why}")
    network.isolate()


def install():
    """Why it could not be, or None."""
    try:
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--no-save",
                               "--ignore-scripts", "--prefix", os.environ[MODULES], PLAYWRIGHT],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                              timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        return f"no answer in {INSTALL_SECONDS} s"
    return (done.stderr.splitlines() or ["?"])[0] if done.returncode else None


def clean():
    shutil.rmtree(os.environ[MODULES], ignore_errors=True)


class Browser:
    """One page at a time; each command of dashboard/browser.js is a method."""

    def __enter__(self):
        modules = pathlib.Path(os.environ[MODULES]) / "node_modules"
        self.process = subprocess.Popen(
            ["node", TOP / "tests/system/dashboard/browser.js", CHROMIUM],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env={**os.environ, "NODE_PATH": str(modules)})
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def __getattr__(self, name):
        def ask(**options):
            self.process.stdin.write(json.dumps({"do": name, **options}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
            assert line, "the browser ended"
            answer = json.loads(line)
            assert "error" not in answer, f"{name} {options}: {answer.get('error')}"
            return answer["value"]
        return ask


class Proxy:
    """Passes requests on to a sensor; change(path, headers, status, body) says what comes of it."""

    def __init__(self, upstream, change, onward=lambda path: path):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                fields = {}
                try:
                    with urllib.request.urlopen(f"http://{upstream}{onward(self.path)}",
                                                timeout=9) as answer:
                        status, body = answer.status, answer.read()
                        fields = {k: v for k, v in answer.headers.items()
                                  if k in ("Content-Type", "Content-Security-Policy")}
                except urllib.error.HTTPError as error:
                    status, body = error.code, error.read()
                except urllib.error.URLError:
                    # A page that nobody looks at any more still asks.
                    self.close_connection = True
                    return
                status, body = change(self.path, self.headers, status, body)
                self.send_response(status)
                for name, value in fields.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                # Who asked may have gone to another page meanwhile.
                with contextlib.suppress(ConnectionError):
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
