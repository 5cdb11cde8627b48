# SPDX-License-Identifier: GPL-3.0-or-later
"""The LAN page in a real browser: where to claim, and what hostile pages in the same browser reach
of the device.
"""

import http.server
import json
import threading

import pytest
import qrcode
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright
from qrcode.util import MODE_8BIT_BYTE, QRData

from tools.fakes.server import Server
from tools.fakes.server_claim import claim_code
from tools.harness.chain import DEVICE, KEY, SENSORS, WALL_S, Chain
from tools.harness.processes import free_port
from tools.harness.window import open_chromium

REBOUND = "rebound.example"  # a name of a stranger's, which by now leads to the device
MEANT = "--host-resolver-rules=MAP {} 127.0.0.1".format(REBOUND)
WAIT_MS = 20_000
DAEMON = (
    "config settings daemon\n\toption register '1'\n\toption enable_lan_branch '1'\n\toption "
    "lan_port '{}'\n"
)
READING = "/sensor/" + SENSORS[0] + "?version=1.0&interval=minute&unit=watt"
CODE = claim_code(DEVICE, KEY)
SOON_S = 15  # a page that knows within seconds


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        running = open_chromium(playwright, MEANT)
        yield running
        running.close()


@pytest.fixture(scope="module")
def stranger():
    """A hostile page of another origin: its document is what a test chooses."""

    class Handler(http.server.BaseHTTPRequestHandler):
        document = b""

        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(self.document)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Handler, "http://localhost:{}/".format(server.server_port)
        server.shutdown()


@pytest.fixture(scope="module")
def cloud(certificates):
    with Server(certificates / "good.pem", {}, sensors={}) as running:
        yield running


@pytest.fixture(scope="module", params=["cpython", "micropython"])
def house(request, tmp_path_factory, certificates, cloud):
    """A household that has registered and uploads, but is unclaimed; `.lan` is its own page."""
    cloud.store.interval_s = 10
    chain = Chain(
        tmp_path_factory.mktemp("household"),
        cloud.url,
        certificates / "ca.crt",
        digits=22,
        runtime=request.param,
        sensors=(1, 2, 4),
    )
    cloud.store.wall = cloud.store.registry.wall = lambda: WALL_S + chain.board.board.now_us / 1e6
    port = free_port()
    chain.configure(extra=DAEMON.format(port))
    chain.lan = "http://127.0.0.1:{}".format(port)
    chain.start()
    chain.clamp(1200)
    beats = len(cloud.store.heartbeats)
    chain.run_until(
        lambda: len(cloud.store.heartbeats) > beats and bool(cloud.held(SENSORS[0])), limit_s=120
    )
    yield chain
    chain.close()
    cloud.store.registry.devices.clear()
    cloud.store.registry.sensors.clear()


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 390, "height": 844})
    context.set_default_timeout(WAIT_MS)
    opened, errors = context.new_page(), []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    context.close()
    assert errors == []


def reference(text):
    """The modules of an encoder that others wrote, for each of the eight masks."""
    found = []
    for mask in range(8):
        code = qrcode.QRCode(
            error_correction=qrcode.constants.ERROR_CORRECT_M, border=0, mask_pattern=mask
        )
        code.add_data(QRData(text.encode(), mode=MODE_8BIT_BYTE))
        code.make(fit=True)
        found.append([[int(dark) for dark in row] for row in code.get_matrix()])
    return found


def test_the_page_says_where_to_claim(house, page, cloud):
    page.goto(house.lan)
    url = "{}/claim/{}/".format(cloud.url.rstrip("/"), CODE)
    expect(page.get_by_role("link", name="Make it mine")).to_have_attribute("href", url)
    expect(page.locator("#claim code")).to_have_text(CODE[:4] + " " + CODE[4:])
    drawn = page.evaluate(
        """() => {
            const svg = document.querySelector("#claim svg"), size = svg.viewBox.baseVal.width - 8;
            const found = Array.from({length: size}, () => Array(size).fill(0));
            const path = svg.querySelector("path").getAttribute("d");
            for (const [, x, y] of path.matchAll(/M([0-9]+) ([0-9]+)h1v1h-1z/g)) found[y][x] = 1;
            return found;
        }"""
    )
    assert drawn in reference(url)
    expect(page.locator("#cards section")).to_have_count(1)
    expect(page.locator("#cards .now")).to_contain_text("W")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_text("About this device").click()
    assert [each["id"] for each in Axe().run(page).response["violations"]] == []


TEXTS = ["https://flukso.example/claim/K7QF2M3X/", "a"] + [
    "https://{}.example/claim/ABCDEFGH/".format("x" * n) for n in range(1, 69, 3)
]


def test_the_code_for_a_camera_is_the_standards_module_by_module(house, page):
    page.goto(house.lan)
    for text in TEXTS:
        chosen, all_masks = page.evaluate(
            "t => { const c = codewords(t); return [qr(t), [0, 1, 2, 3, 4, 5, 6, 7].map(mask => "
            "modules(c.size, c.all, mask))]; }",
            text,
        )
        wanted = reference(text)
        assert all_masks == wanted and chosen in wanted, text
    assert page.evaluate("[qr('a'.repeat(106)).length, qr('a'.repeat(107))]") == [41, None]


HOSTILE = """<!doctype html><title>hostile</title>
<iframe name="frame" src="{lan}/"></iframe><iframe name="json" src="{lan}/status"></iframe>
<script>
const took = [];
function stolen(value) {{ took.push(value) }}
async function attempt(what) {{
  try {{ return await what() }} catch (error) {{ return "refused" }}
}}
async function script(src) {{
  const e = document.createElement("script");
  e.src = src;
  const end = new Promise(r => {{ e.onload = () => r("ran"); e.onerror = () => r("refused") }});
  document.head.append(e);
  return end;
}}
async function all() {{
  const out = {{}};
  for (const path of ["/status", "/metrics", "/", "/nothing"]) {{
    out[path] = await attempt(async () => (await fetch("{lan}" + path)).text());
    out["opaque " + path] = await attempt(async () =>
      (await fetch("{lan}" + path, {{mode: "no-cors"}})).text());
    out["preflight " + path] = await attempt(async () =>
      (await fetch("{lan}" + path, {{headers: {{"X-Version": "1.0"}}}})).text());
    for (const name of ["callback", "jsonp_callback"])
      await script("{lan}" + path + "?" + name + "=stolen");
  }}
  out.took = took.length;
  out.reading = await attempt(async () => (await (await fetch("{lan}{reading}")).json()).length);
  out.version = await attempt(async () =>
    (await (await fetch("{lan}{reading}", {{headers: {{"X-Version": "1.0"}}}})).json()).length);
  out.jsonp = await script("{lan}{reading}&callback=stolen");
  out.rows = took.length && took[0].length;
  return out;
}}
</script>"""


def test_a_hostile_page_reaches_readings_and_nothing_else(house, page, stranger):
    handler, url = stranger
    handler.document = HOSTILE.format(lan=house.lan, reading=READING).encode()
    page.goto(url)
    found = page.evaluate("all()")
    for path in ("/status", "/metrics", "/", "/nothing"):
        assert found[path] == "refused" and found["preflight " + path] == "refused", found
        assert found["opaque " + path] in ("", "refused"), found
    assert found["took"] == 0
    assert (found["reading"], found["version"], found["jsonp"], found["rows"]) == (
        60,
        60,
        "ran",
        60,
    )
    for frame in page.frames[1:]:
        text = frame.evaluate("document.documentElement.innerText")
        assert CODE not in text and DEVICE not in text and "Fluksometer" not in text, text


def test_a_name_that_was_made_the_devices_is_refused(house, page, stranger):
    """DNS rebinding: to the browser the page is of the device's own origin, and readings are all
    that it gets.
    """
    port = house.lan.rsplit(":", 1)[1]
    own = "http://{}:{}".format(REBOUND, port)
    page.goto(own + READING)
    answers = page.evaluate(
        """async () => {
            const found = [];
            for (const path of ["/status", "/metrics", "/"]) {
                const r = await fetch(path);
                found.push([r.status, await r.text()]);
            }
            return found;
        }"""
    )
    assert [status for status, _ in answers] == [403] * 3
    assert all(
        "lan_name" in text and CODE not in text and DEVICE[:6] not in text for _, text in answers
    )
    assert len(json.loads(page.evaluate("document.body.innerText"))) == 60


def test_the_page_stops_asking_once_somebody_claimed(house, page, cloud):
    page.goto(house.lan)
    expect(page.get_by_text("Nobody has claimed this Fluksometer yet")).to_be_visible()
    assert cloud.store.registry.claim("anna", CODE) == DEVICE
    before = len(cloud.store.heartbeats)
    house.run_until(lambda: len(cloud.store.heartbeats) > before, limit_s=SOON_S)
    expect(page.locator("#claim")).to_be_hidden()
    before = len(cloud.store.heartbeats)
    house.pass_time(60)
    assert len(cloud.store.heartbeats) == before  # hourly from now on


def test_before_the_server_answers_the_page_says_so_in_words(page, tmp_path, certificates):
    with Server(certificates / "good.pem", {}, sensors={}) as gone:
        url = gone.url
    chain = Chain(tmp_path, url, certificates / "ca.crt", digits=22)
    try:
        port = free_port()
        chain.configure(extra=DAEMON.format(port))
        chain.start()
        chain.run(5)
        page.goto("http://127.0.0.1:{}/".format(port))
        expect(
            page.get_by_text(
                "This server has not said yet whether somebody has claimed this Fluksometer."
            )
        ).to_be_visible()
        expect(page.locator("#claim .go")).to_be_hidden()
        expect(page.locator("#claim svg")).to_be_hidden()
        expect(page.locator("#claim code")).to_have_text(CODE[:4] + " " + CODE[4:])
    finally:
        chain.close()
