# SPDX-License-Identifier: GPL-3.0-or-later
"""The live tab: devices hear that they are watched, lines move by themselves, and a lost connection
comes back.
"""

import contextlib
import json
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.server.database import delete
from tools.harness.chart_page import drawn, statistics, until
from tools.harness.device import digests
from tools.harness.site import Site, key, member, sensor, steady

WAIT_S = 30

WATCH = "tests.server.inside.dashboard.watch"
LEFT_S = 15  # of a watch; a busy machine takes some of them to ask
LAST = "document.querySelectorAll('#statistics td')[3].innerText"  # of the own line


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    members = {name: member("minutes") for name in ("alice", "bob", "carol")} | {
        "newcomer": member(None, ())
    }
    members |= {name: member("minutes") for name in ("dora", "erik")}
    made = Site(tmp_path_factory.mktemp("live"), members)
    now = int(time.time())
    made.fill(sensor(1), steady(now - 3600, now - 60, 600), now)
    made.fill(sensor(2), steady(now - 3600, now - 300, 900), now)
    for number in (5, 6):
        made.fill(sensor(number), steady(now - 3600, now - 300, 300), now)
    for name in ("bob", "dora"):
        made.post("/follow/", "alice", click=f"subscribe {name}")
    yield made
    made.close()


def upload(site, tuples, number=1):
    """As a member's device does; returns the answer's X-Upload-Interval."""
    path = f"/sensor/{sensor(number)}"
    body = json.dumps({"measurements": tuples}, separators=(",", ":")).encode()
    request = urllib.request.Request(
        site.url + path, body, digests(key(number), path, body, sign=False)
    )
    with urllib.request.urlopen(request, timeout=30) as reply:
        return reply.headers["X-Upload-Interval"]


class Meter:
    """The counter of a member's device, in whole Wh."""

    def __init__(self, site, number=1):
        self.site, self.number = site, number
        self.at, self.counter = site.platform.held(sensor(number))[-1]

    def send(self, watt):
        """The tuples until now at this load."""
        now = int(time.time())
        steps = range(self.at + 10, now + 1, 10)
        tuples = [(ts, self.counter + watt * (ts - self.at) // 3600) for ts in steps]
        if not tuples:
            return None
        self.at, self.counter = tuples[-1]
        return upload(self.site, tuples, self.number)


def happens(true):
    """The first true answer, asked again and again."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        found = true()
        if found:
            return found
        time.sleep(0.5)
    raise AssertionError("it did not happen")


def test_the_line_moves_and_the_device_is_told_to_hurry(visit, site):
    meter = Meter(site)
    assert meter.send(600) is None, "nobody watches yet"
    page = visit("alice", "/?scale=live")
    drawn(page, "live")
    page.wait_for_selector("#live[data-state=open]")
    assert "hears so at its next upload" in page.locator("#live-note").inner_text()
    before = page.evaluate("document.querySelector('#chart').dataset.points")
    assert happens(lambda: meter.send(600)) == "10"
    happens(lambda: meter.send(7200))
    until(page, f"parseInt({LAST}.replace(',', '')) > 700")
    assert before and "min ago" in page.locator("#statistics tr", has_text="bob").inner_text()


def test_who_watches_a_peer_does_not_hurry_the_peers_device(visit, site):
    page = visit("alice", "/?scale=live")
    page.wait_for_selector("#live[data-state=open]")
    assert "dora" in statistics(page)
    dora = Meter(site, 5)
    meter = Meter(site)
    assert happens(lambda: meter.send(600)) == "10", "the viewer's own one hurries"
    assert dora.send(300) is None


def test_a_device_is_left_in_peace_soon_after_the_watch(site):

    newest = [site.platform.held(sensor(6))[-1]]  # sent again and again, as after a lost answer
    assert upload(site, newest, 6) is None, "nobody watches yet"
    site.call(WATCH, "erik", LEFT_S)  # what is left of a watch whose page was closed
    assert happens(lambda: upload(site, newest, 6)) == "10"
    happens(lambda: upload(site, newest, 6) is None)


def test_live_rests_and_goes_on_when_asked(visit):
    page = visit("newcomer", "/?scale=hour")
    page.route(
        "**/live/*",
        lambda route: route.fulfill(
            body="event: rest\ndata: {}\n\n", content_type="text/event-stream"
        ),
    )
    page.get_by_role("link", name="live", exact=True).click()
    page.wait_for_selector("#live[data-state=resting]")
    assert "rests after ten minutes" in page.locator("#live-note").inner_text()
    page.unroute("**/live/*")
    page.get_by_role("button", name="Go on").click()
    page.wait_for_selector("#live[data-state=open]")
    assert page.locator("#resume").is_hidden()


def test_a_refused_stream_is_said_and_asked_for_again(visit):
    page = visit("newcomer", "/?scale=hour")
    page.route("**/live/*", lambda route: route.fulfill(status=503, body="{}"))
    page.get_by_role("link", name="live", exact=True).click()
    page.wait_for_selector("#live[data-state=refused]")
    assert "too many live pages" in page.locator("#live-note").inner_text()
    page.unroute("**/live/*")
    page.wait_for_selector("#live[data-state=open]")
    assert page.locator("#live-note").inner_text() == ""


def test_a_restarted_server_is_found_again(visit, site):
    meter = Meter(site)
    page = visit("alice", "/?scale=live")
    page.wait_for_selector("#live[data-state=open]")
    site.platform.kill()
    page.wait_for_selector("#live[data-state=lost]")
    assert "connection is lost" in page.locator("#live-note").inner_text()
    site.platform.start()
    page.wait_for_selector("#live[data-state=open]", timeout=60_000)
    shown = statistics(page)["alice"]
    happens(lambda: meter.send(14_400))
    until(page, f"{LAST} !== {shown[3]!r}")


def test_a_look_back_does_not_watch(visit, site):
    page = visit("newcomer", "/?scale=live")
    page.wait_for_selector("#live[data-state=open]")
    page.get_by_role("button", name="Earlier").click()
    page.wait_for_selector("#live", state="hidden")
    until(page, "new URLSearchParams(location.search).get('scale')", "hour")


def test_an_account_has_six_streams(site):
    with contextlib.ExitStack() as stack:
        for _ in range(6):
            request = urllib.request.Request(
                site.url + "/live/", headers={"Cookie": f"sessionid={site.sessions['bob']}"}
            )
            stream = stack.enter_context(urllib.request.urlopen(request, timeout=30))
            assert stream.readline().startswith(b"retry: ")
        assert site.get("/live/", "bob")[0] == 503
    happens(lambda: _is_free(site))


def _is_free(site) -> bool:
    request = urllib.request.Request(
        site.url + "/live/", headers={"Cookie": f"sessionid={site.sessions['bob']}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as stream:
            return stream.readline().startswith(b"retry: ")
    except urllib.error.HTTPError:
        return False


def test_of_six_tabs_that_open_at_once_three_get_a_stream(site):
    request = urllib.request.Request(
        site.url + "/live/?few=1", headers={"Cookie": f"sessionid={site.sessions['erik']}"}
    )
    asked = threading.Barrier(6)
    with contextlib.ExitStack() as stack:

        def ask(_number):
            asked.wait()
            try:
                return stack.enter_context(urllib.request.urlopen(request, timeout=30)).status
            except urllib.error.HTTPError as refusal:
                return refusal.code

        with ThreadPoolExecutor(6) as tabs:
            assert sorted(tabs.map(ask, range(6))) == [200] * 3 + [503] * 3
    # to refuse some is as planned
    assert "ERROR django.request" not in site.platform.log.read_text()


def test_the_stream_tells_when_there_is_news(site):
    request = urllib.request.Request(
        site.url + "/live/", headers={"Cookie": f"sessionid={site.sessions['alice']}"}
    )
    meter = Meter(site)
    with urllib.request.urlopen(request, timeout=30) as stream:
        assert (
            stream.headers["Content-Type"] == "text/event-stream"
            and stream.headers["Cache-Control"].find("no-store") >= 0
        )
        told = _event(stream)
        assert set(told["last"]) == {"me", "bob", "dora"} and told["last"]["me"] == meter.at
        happens(lambda: meter.send(600) is not None)
        assert _event(stream)["last"]["me"] == meter.at


def test_the_stream_ends_when_its_viewer_logs_out(site):

    request = urllib.request.Request(
        site.url + "/live/", headers={"Cookie": f"sessionid={site.sessions['newcomer']}"}
    )
    with urllib.request.urlopen(request, timeout=30) as stream:
        assert stream.readline().startswith(b"retry: ")
        # as a log-out does, in any process
        delete(site, "sessions.Session", pk=site.sessions["newcomer"])
        assert b"event: rest" not in stream.read()
    assert site.get("/live/", "newcomer")[0] == 401


def _event(stream) -> dict:
    while True:
        line = stream.readline()
        assert line, "the stream ended"
        if line.startswith(b"data: "):
            return json.loads(line[6:])


def test_eight_live_windows_of_one_browser_all_get_their_pages(visit, site):
    """A browser opens six connections to a server: who gets no stream asks instead, and hears of
    news as well.
    """
    first = visit("carol", "/?scale=live")
    pages = [first, *(first.context.new_page() for _ in range(7))]
    for page in pages[1:]:
        page.goto(site.url + "/?scale=live")
        drawn(page, "live")
    for page in pages:
        page.wait_for_selector("#live[data-state=open]")
    now = int(time.time())
    site.fill(sensor(3), steady(now - 600, now, 1200), now)
    for page in pages:
        until(page, LAST, "1,200")
