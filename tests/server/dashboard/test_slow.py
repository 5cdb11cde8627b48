# SPDX-License-Identifier: GPL-3.0-or-later
"""The page bears slow networks, lost connections and impatient hands: it waits and says so."""

import json
import time

import pytest

from tests.server.dashboard.fingers import Fingers
from tests.server.database import delete
from tools.harness.chart_page import drawn, statistics, until
from tools.harness.site import DAY, Site, member, sensor, steady
from tools.harness.window import PHONE, WAIT_MS

DATA = "**/chart.json*"
SLOW_MS = 1200
# an EventSource that has news more often than a slow connection answers
NEWS = """
window.EventSource = class extends EventTarget {
    constructor() {
        super();
        this.readyState = 1;
        let now = 1000;
        const tell = () => this.dispatchEvent(new MessageEvent("last", {
            data: JSON.stringify({ last: { me: (now += 10) } }),
        }));
        this.timer = setInterval(tell, 150);
    }
    close() {
        clearInterval(this.timer);
    }
};
EventSource.CLOSED = 2;
"""
OLD_BROWSER = "delete AbortSignal.any; delete AbortSignal.timeout;"
COUNT = """
window.replaced = 0;
const plain = history.replaceState;
history.replaceState = function (...told) {
    window.replaced++;
    return plain.apply(this, told);
};
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    made = Site(
        tmp_path_factory.mktemp("slow"),
        {name: member("minutes") for name in ("alice", "bob", "carol")},
    )
    now = int(time.time()) // 60 * 60
    for number in (1, 2, 3):
        made.fill(sensor(number), steady(now - 2 * DAY, now, 300 * number), now)
    yield made
    made.close()


class Held(list):
    """Requests that wait for an answer."""

    def hold(self, route):
        self.append(route)


def slow_down(page, latency_ms=SLOW_MS):
    client = page.context.new_cdp_session(page)
    client.send("Network.enable")
    told = {
        "offline": False,
        "latency": latency_ms,
        "downloadThroughput": -1,
        "uploadThroughput": -1,
    }
    client.send("Network.emulateNetworkConditions", told)


def script(text):
    return lambda page: page.add_init_script(text)


def arrived(page, held, count):
    """Wait until a list of requests, or of answers, is so long."""
    end = time.monotonic() + WAIT_MS / 1000
    while len(held) < count:
        assert time.monotonic() < end, f"{len(held)} came"
        page.wait_for_timeout(50)


def stop_clock(page):
    """From now on only `page.clock.run_for` runs the page's timers, however slow the machine is."""
    now = page.evaluate("Date.now() / 1000")
    page.clock.install(time=now)
    page.clock.pause_at(now + 1)


def tab(page, name):
    page.get_by_role("navigation", name="Time scale").get_by_role(
        "link", name=name, exact=True
    ).click()


def test_a_page_that_waits_says_so(visit):
    page = visit("alice", "/?scale=day")
    assert page.locator("#chart[aria-busy]").count() == 0
    slow_down(page)
    tab(page, "month")
    page.wait_for_selector("#chart[aria-busy]")
    drawn(page, "day")
    page.wait_for_selector("#chart:not([aria-busy])")


def test_what_is_looked_at_last_is_what_comes(visit):
    page = visit("alice", "/?scale=day")
    slow_down(page)
    for name in ("month", "year", "hour"):
        tab(page, name)
    page.wait_for_selector("#chart[aria-busy]")
    page.wait_for_selector("#chart:not([aria-busy])")
    assert (
        page.locator("#means").inner_text() == "means of a minute"
        and page.locator("#trouble").is_hidden()
    )


def test_no_answer_in_twenty_seconds_is_said_and_asked_for_again(visit):
    page = visit("alice", "/?scale=day")
    held = Held()
    page.route(DATA, held.hold)
    stop_clock(page)
    tab(page, "month")
    arrived(page, held, 1)
    page.clock.run_for(19_000)
    assert page.locator("#trouble").is_hidden() and page.locator("#chart[aria-busy]").count() == 1
    page.clock.run_for(2_000)
    page.wait_for_selector("#trouble:visible")
    assert "cannot be reached" in page.locator("#trouble").inner_text()
    page.unroute(DATA)
    page.clock.run_for(6_000)
    drawn(page, "day")
    until(page, "document.querySelector('#trouble').hidden")


def test_live_goes_on_where_news_comes_faster_than_answers(visit):
    page = visit("alice", "/?scale=live", prepare=script(NEWS))
    slow_down(page, 600)
    answers = []
    page.on(
        "response",
        lambda answer: answers.append(answer.url) if "chart.json" in answer.url else None,
    )
    page.wait_for_timeout(4_000)
    assert len(answers) <= 8, f"{len(answers)} answers"
    arrived(page, answers, 2)


def test_a_browser_without_abort_signals_helpers_draws(visit):
    page = visit("alice", "/?scale=day", prepare=script(OLD_BROWSER))
    assert statistics(page)["alice"][0] == "300" and page.locator("#trouble").is_hidden()


def test_a_long_drag_writes_the_address_once(visit):
    page = visit("alice", "/?scale=day", prepare=script(COUNT))
    box = page.locator("#chart .u-over").bounding_box()
    x, y = box["x"] + 100, box["y"] + 50
    stop_clock(page)
    before = page.evaluate("replaced")
    page.keyboard.down("Shift")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 400, y, steps=200)
    page.mouse.up()
    page.keyboard.up("Shift")
    page.clock.run_for(1000)
    moved_s = 400 / box["width"] * DAY
    until(
        page,
        f"Math.abs(Date.now() / 1000 - new URLSearchParams(location.search).get('end') - "
        f"{moved_s}) < {DAY / 50}",
    )
    assert page.evaluate("replaced") - before == 1


def test_hands_that_come_before_the_first_line_do_no_harm(visit):
    held = Held()
    options = {
        "prepare": lambda page: page.route(DATA, held.hold),
        "has_touch": True,
        "is_mobile": True,
    }
    page = visit("alice", "/?scale=day", PHONE, wait=False, **options)
    box = page.locator("#chart").bounding_box()
    x, y = box["x"], box["y"] + box["height"] / 2
    Fingers(page).drag(
        [(x + step * 30, y) for step in range(1, 6)],
        [(x + 300 - step * 20, y) for step in range(1, 6)],
    )
    page.mouse.move(x + 100, y)
    page.mouse.wheel(120, 0)
    page.keyboard.down("Control")
    page.mouse.wheel(0, 120)
    page.keyboard.up("Control")
    page.locator("#chart").focus()
    for key in ("ArrowLeft", "End", "Escape"):
        page.keyboard.press(key)
    assert "start=" not in page.url
    page.unroute(DATA)  # what was held goes on
    drawn(page)


def test_a_click_in_the_lists_without_an_answer_is_said(visit):
    page = visit("carol", "/?scale=day")
    held = Held()
    page.route("**/follow/", held.hold)
    stop_clock(page)
    page.get_by_role("button", name="Subscribe to bob").click()
    arrived(page, held, 1)
    page.clock.run_for(21_000)
    page.wait_for_selector("#circle [role=alert]:visible")
    assert "try again" in page.locator("#circle [role=alert]").inner_text()
    assert page.locator("#circle[aria-busy]").count() == 0


def test_who_was_logged_out_is_told_so(visit, site):
    page = visit("carol", "/?scale=day")
    delete(site, "sessions.Session", pk=site.sessions["carol"])
    tab(page, "hour")
    page.wait_for_selector("#trouble:visible")
    assert "logged out" in page.locator("#trouble").inner_text()


def search(page, text):
    page.locator("input[type=search]").evaluate(
        "(input, text) => { input.value = text; input.dispatchEvent(new Event('input')); }", text
    )


def found(name):
    members = [{"name": name, "detail": "minutes"}]
    return json.dumps(
        {"private": False, "subscriptions": [], "fluksonians": members, "more": False, "most": 4}
    )


def test_a_search_that_fails_is_said(visit):
    page = visit("bob", "/?scale=day")
    page.route("**/members.json*", lambda route: route.abort())
    search(page, "al")
    page.wait_for_selector("#circle [role=alert]:visible")
    assert "try again" in page.locator("#circle [role=alert]").inner_text()
    page.unroute("**/members.json*")
    search(page, "alic")
    page.wait_for_selector("#circle [role=alert]", state="hidden")
    assert page.locator("[data-list=fluksonians] .name").all_inner_texts() == ["alice"]


def test_a_late_answer_of_a_search_changes_nothing(visit):
    page = visit("bob", "/?scale=day")
    held = Held()
    page.route("**/members.json*", held.hold)
    for text in ("a", "al"):
        search(page, text)
        arrived(page, held, len(text))
    held[1].fulfill(body=found("alice"), content_type="application/json")
    until(page, "document.querySelector('[data-list=fluksonians]').innerText.includes('alice')")
    with page.expect_response("**/members.json*"):
        held[0].fulfill(body=found("aaron"), content_type="application/json")
    page.wait_for_timeout(200)
    assert page.locator("[data-list=fluksonians] .name").all_inner_texts() == ["alice"]
