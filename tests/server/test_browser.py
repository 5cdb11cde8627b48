# SPDX-License-Identifier: GPL-3.0-or-later
"""JSONP in a real browser, from a page of a foreign origin."""

import http.server
import json
import shutil
import subprocess
import threading
import urllib.request

import pytest

from tests.server.conftest import people_of
from tools.harness.device import DEVICE, KEY, SENSOR
from tools.harness.testbed import Platform

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=8000",
    "--dump-dom",
]
PAGE = """<!doctype html><title>foreign</title><p id="result">nothing</p>
<script>
function found(rows) {{ document.getElementById("result").textContent = "rows " + rows.length; }}
</script>
<script src="{url}"></script>"""


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    with Platform(
        tmp_path_factory.mktemp("browser"), None, {DEVICE: KEY}, {SENSOR: DEVICE}
    ) as running:
        yield running


@pytest.fixture(scope="module")
def token(platform):
    return people_of(platform)["alice"]


def dump(page: str, folder) -> str:
    """The page's document, served from an origin of its own, after its scripts ran."""
    program = shutil.which("chromium")
    assert program, "Debian's chromium is needed: see tools/packages.apt"

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        command = [program, *FLAGS, f"--user-data-dir={folder}", url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=True)
        server.shutdown()
    return done.stdout


def test_jsonp_from_a_foreign_page(platform, token, tmp_path):
    query = f"?version=1.0&token={token}&interval=hour&unit=watt&jsonp_callback=found"
    shown = dump(
        PAGE.format(url=f"http://localhost:{platform.port}/sensor/{SENSOR}{query}"), tmp_path
    )
    assert "rows 61" in shown


def test_json_without_a_callback_is_no_script(platform, token, tmp_path):
    """nosniff and application/json: a foreign page cannot take it for a script."""
    query = f"?version=1.0&token={token}&interval=hour&unit=watt"
    with urllib.request.urlopen(f"{platform.url}sensor/{SENSOR}{query}", timeout=60) as answer:
        assert answer.status == 200 and len(json.load(answer)) == 61, "a client gets it"
    page = PAGE.format(url=f"http://localhost:{platform.port}/sensor/{SENSOR}{query}")
    assert "nothing" in dump(page, tmp_path)
