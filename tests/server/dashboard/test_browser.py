# SPDX-License-Identifier: GPL-3.0-or-later
"""The dashboard as people use it: scales, units, zoom, keys, fingers, members."""

import time
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest

from tests.server.dashboard.fingers import Fingers
from tools.harness.chart_page import drawn, pixels, statistics, table, until
from tools.harness.site import DAY, Site, member, sensor, steady
from tools.harness.window import PHONE

pytestmark = pytest.mark.dated

MEMBERS = {
    "alice": member("minutes"),
    "bob": member("minutes"),
    "carol": member("minutes"),
    "dan": member("minutes"),
    "erin": member("day"),
    "frank": member("minutes"),
    "grace": member(),
    "newcomer": member(None, ()),
    "henry": member(),
    "ulla": member(),
    "nele": member(),
}
BRUSSELS = ZoneInfo("Europe/Brussels")
WATTS = {
    "alice": 300,
    "bob": 600,
    "carol": 900,
    "dan": 1200,
    "erin": 1500,
    "frank": 1800,
    "ulla": 300,
    "nele": 300,
}


@pytest.fixture(scope="module")
def now():
    """The time of the last tuples, unix s; sums are asked of windows that end here, for the tests
    take their time.
    """
    return int(time.time()) // 60 * 60


@pytest.fixture(scope="module")
def site(tmp_path_factory, now):
    made = Site(tmp_path_factory.mktemp("browser"), MEMBERS)
    for number, watt in ((list(MEMBERS).index(name) + 1, watt) for name, watt in WATTS.items()):
        tuples = steady(now - 70 * DAY, now - DAY, watt, 900) + steady(
            now - DAY + 60, now, watt, 60, watt * 69 * 24 + watt // 60
        )
        made.fill(sensor(number), tuples, now)
    made.post("/follow/", "alice", click="subscribe bob")
    yield made
    made.close()


def query(page):
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


SCALES = [
    ("hour", "minute"),
    ("day", "minute"),
    ("month", "day"),
    ("year", "week"),
    ("night", "night"),
    ("live", "live"),
]


def test_scales_are_tabs_without_a_reload(visit):
    page = visit("alice")
    page.evaluate("window.same = true")
    for scale, step in SCALES:
        page.get_by_role("navigation", name="Time scale").get_by_role(
            "link", name=scale, exact=True
        ).click()
        drawn(page, step)
        assert query(page)["scale"] == scale
        assert page.locator(f'[data-scale={scale}][aria-current="true"]').count() == 1
    page.go_back()
    drawn(page, "night")
    assert page.evaluate("window.same") is True


def test_the_own_line_is_red_and_the_others_have_their_colours(visit, site):
    others = ("carol", "dan", "frank")
    for name in others:
        assert site.post("/follow/", "alice", click=f"subscribe {name}")[0] == 200
    page = visit("alice")
    assert list(statistics(page)) == ["alice", "bob", *others]
    for colour in ("f1572f", "44c3d3", "7aab5a", "fbeb0d", "a052a0"):
        assert pixels(page, colour) > 400, colour
    for name in others:
        site.post("/follow/", "alice", click=f"unsubscribe {name}")


def test_statistics_in_every_unit_without_a_reload(visit, now):
    page = visit("ulla", f"/?scale=day&unit=watt&start={now - DAY}&end={now}")
    page.evaluate("window.same = true")
    assert statistics(page)["ulla"][:4] == ["300"] * 4
    page.get_by_text("kWh/year").click()
    assert statistics(page)["ulla"][:4] == ["2,628"] * 4
    page.get_by_text("euro/year").click()
    assert statistics(page)["ulla"] == ["473", "473", "473", "473", "1.30"]
    assert page.locator("#axis").inner_text() == "€/year" and query(page)["unit"] == "eurperyear"
    assert page.evaluate("window.same") is True
    page.wait_for_load_state("networkidle")
    again = visit("ulla")
    assert again.locator("input[name=unit]:checked").get_attribute("value") == "eurperyear"


def test_numbers_dates_and_money_as_a_dutch_household_writes_them(visit, now):
    page = visit("nele", f"/?scale=day&unit=kwhperyear&start={now - DAY}&end={now}", locale="nl-BE")
    assert statistics(page)["nele"][:4] == ["2.628"] * 4
    months = ["jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec"]
    assert page.locator("#from").inner_text().split(",")[0].split()[1] in months
    assert "geleden" in page.locator("#statistics .note").first.inner_text()
    page.get_by_text("euro/jaar").click()
    assert page.locator("#axis").inner_text() == "€/jaar" and statistics(page)["nele"][4] == "1,30"
    assert "€ " in page.locator("[data-figure=cost]").inner_text()


def test_money_is_in_the_currency_of_the_account(visit, site):
    site.call("tests.server.inside.dashboard.set_price", "bob", 30, "2020-01-01", "GBP")
    page = visit("bob", "/?scale=day&unit=eurperyear")
    assert (
        page.locator("#axis").inner_text() == "£/year" and page.locator("#sum").inner_text() == "£"
    )
    assert statistics(page)["bob"][2] == "1,577"


def pay_since(site, who, cents, days, currency):
    """Set the member's price from so many days ago on."""
    since = datetime.now(timezone.utc).date() - timedelta(days)
    site.call("tests.server.inside.dashboard.set_price", who, cents, str(since), currency)


def test_money_is_at_the_price_of_its_time(visit, site):
    """900 W are 7,884 kWh a year: 0.18 € until eleven days ago, 0.30 € then."""
    pay_since(site, "carol", 30, 11, "EUR")
    page = visit("carol", "/?scale=month&unit=eurperyear")
    drawn(page, "day")
    low, high, mean, last, total = [
        float(text.replace(",", "")) for text in statistics(page)["carol"]
    ]
    assert (low, high, last) == (1419, 2365, 2365)
    days = 61 if mean < 1419 + 946 * 11 / 60.5 else 60
    assert mean == pytest.approx(1419 + 946 * 11 / days, abs=20) and total == pytest.approx(
        mean / 365 * days, rel=0.03
    )
    page.get_by_role("link", name="year").click()
    drawn(page, "week")
    low, high = [float(text.replace(",", "")) for text in statistics(page)["carol"][:2]]
    assert low == 1419 and high == pytest.approx(
        1419.12 + 946.08 * dear_part_of_the_last_week(11), abs=0.6
    )


def dear_part_of_the_last_week(days):
    """Which part of the last whole week (from a Thursday, 00:00 UTC, on) came after the price
    changed, so many days ago.
    """
    end = int(time.time()) // (7 * DAY) * 7 * DAY
    changed = datetime.combine(
        datetime.now(timezone.utc).date() - timedelta(days), datetime.min.time(), BRUSSELS
    )
    return max(0, min(1, (end - changed.timestamp()) / (7 * DAY)))


def test_money_of_another_currency_is_not_added_up(visit, site):
    """1,200 W: 0.18 € until eleven days ago, 5 CZK then."""
    pay_since(site, "dan", 500, 11, "CZK")
    page = visit("dan", "/?scale=month&unit=eurperyear")
    drawn(page, "day")
    assert page.locator("#axis").inner_text() == "CZK/year"
    assert statistics(page)["dan"] == ["52,560"] * 4 + ["–"], (
        "of the days that were paid in CZK; the sum would be of both"
    )
    values = [row[1] for row in table(page)]
    assert set(values[:45]) == {"–"} and set(values[-8:-1]) == {"52,560"}
    page.get_by_text("kWh/year").click()
    assert statistics(page)["dan"][:4] == ["10,512"] * 4
    assert site.post("/unit/", "dan", unit="watt")[0] == 200


def test_a_sum_is_what_was_counted(visit, site):
    """A sensor of 600 W began at 14:00 ten days ago, so its first day has ten hours."""
    at = datetime.combine(
        datetime.now(BRUSSELS).date() - timedelta(10), datetime.min.time(), BRUSSELS
    ) + timedelta(hours=14)
    midnight = datetime.combine(datetime.now(BRUSSELS).date(), datetime.min.time(), BRUSSELS)
    now = int(time.time()) // 60 * 60
    site.fill(sensor(9), steady(int(at.timestamp()), now, 600), now)
    page = visit("henry", "/?scale=month")
    drawn(page, "day")
    hours = (midnight.timestamp() - at.timestamp()) / 3600
    found = statistics(page)["henry"]
    assert found[:4] == ["600"] * 4 and float(found[4].replace(",", "")) == pytest.approx(
        0.6 * hours, abs=0.2 if hours < 160 else 1
    )


def test_a_dragged_stretch_is_fetched_finer_and_the_url_brings_it_back(visit):
    page = visit("alice", "/?scale=month")
    drawn(page, "day")
    box = page.locator("#chart .u-over").bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.5, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, y, steps=4)
    page.mouse.up()
    drawn(page, "15min")
    state = query(page)
    span = int(state["end"]) - int(state["start"])
    assert abs(span - 6 * DAY) < DAY / 2
    assert page.get_by_role("button", name="now", exact=True).is_visible()
    other = visit("alice", "/?" + urlsplit(page.url).query)
    drawn(other, "15min")
    assert query(other)["start"] == state["start"]
    page.get_by_role("button", name="now", exact=True).click()
    drawn(page, "day")
    assert "start" not in query(page)


def test_keys_read_zoom_and_move(visit):
    page = visit("alice", "/?scale=day")
    page.locator("#chart").focus()
    page.keyboard.press("End")
    for _ in range(30):  # the newest minutes have no value yet
        if "alice 300 W, bob 600 W" in page.locator("#spoken").inner_text():
            break
        page.keyboard.press("ArrowLeft")
    assert "alice 300 W, bob 600 W" in page.locator("#spoken").inner_text()
    page.wait_for_selector("#readout:visible")
    page.keyboard.press("+")
    page.wait_for_url("**start=*")
    before = query(page)
    page.keyboard.press("Shift+ArrowLeft")
    until(page, f"new URLSearchParams(location.search).get('start') < {before['start']!r}")
    page.keyboard.press("0")
    until(page, "!location.search.includes('start')")


def test_the_crosshair_has_the_values_of_all_lines(visit):
    page = visit("alice", "/?scale=day")
    box = page.locator("#chart .u-over").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
    page.wait_for_selector("#readout:visible")
    text = page.locator("#readout").inner_text()
    assert "alice" in text and "300 W" in text and "bob" in text and "600 W" in text


def test_fingers_move_and_zoom(visit):
    page = visit("alice", "/?scale=day", PHONE, has_touch=True, is_mobile=True)
    drawn(page, "15min")
    box = page.locator("#chart .u-over").bounding_box()
    x, y, width = box["x"], box["y"] + box["height"] / 2, box["width"]
    fingers = Fingers(page)
    fingers.drag([(x + width * share, y) for share in (0.3, 0.4, 0.5, 0.6, 0.7)])
    until(
        page,
        f"(end => end && Date.now() / 1000 - end > {DAY / 4})(new "
        f"URLSearchParams(location.search).get('end'))",
    )
    state = query(page)
    assert (
        abs(int(state["end"]) - int(state["start"]) - DAY) < 60
        and time.time() - int(state["end"]) > DAY / 4
    )
    shares = (0.4, 0.3, 0.2, 0.1)
    fingers.drag(
        [(x + width * share, y) for share in shares],
        [(x + width * (1 - share), y) for share in shares],
    )
    until(
        page, "(q => q.get('end') - q.get('start') < 40000)(new URLSearchParams(location.search))"
    )


def test_a_tap_reads(visit):
    page = visit("alice", "/?scale=day", PHONE, has_touch=True, is_mobile=True)
    box = page.locator("#chart .u-over").bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_selector("#readout:visible")
    assert "300 W" in page.locator("#readout").inner_text()


def test_the_table_twin_says_the_same(visit):
    page = visit("alice", "/?scale=month")
    rows = table(page)
    assert page.locator("#twin thead th").all_inner_texts() == ["time", "alice, W", "bob, W"]
    assert len(rows) >= 60 and rows[30][1:] == ["300", "600"]


def test_one_click_brings_a_line_and_takes_it_away(visit):
    page = visit("alice", "/?scale=day")
    page.evaluate("window.same = true")
    page.get_by_role("button", name="Subscribe to carol").click()
    page.wait_for_selector("#statistics >> text=carol")
    assert statistics(page)["carol"][:4] == ["900"] * 4
    assert page.locator("[data-list=subscriptions]").get_by_text("carol").is_visible()
    page.get_by_role("button", name="carol in the chart").click()
    until(page, "!document.querySelector('#statistics').innerText.includes('carol')")
    page.get_by_role("button", name="Unsubscribe from carol").click()
    page.wait_for_selector("[data-list=fluksonians] >> text=carol")
    assert page.evaluate("window.same") is True


def test_the_url_holds_the_lines(visit, site):
    page = visit("grace", "/?scale=day&lines=bob")
    assert list(statistics(page)) == ["grace"], "who is private sees nobody, whatever the URL says"
    page = visit("dan", "/?scale=day&lines=carol,grace,nobody")
    assert list(statistics(page)) == ["dan", "carol"], "not subscribed, but shared with all"
    page.get_by_role("button", name="Subscribe to alice").click()
    until(page, "new URLSearchParams(location.search).get('lines')", "alice")
    page.wait_for_selector("#statistics >> text=alice")
    other = visit("dan", "/?" + urlsplit(page.url).query)
    assert list(statistics(other)) == ["dan", "alice"] and query(other)["lines"] == "alice"
    site.post("/follow/", "dan", click="unsubscribe alice")


def test_a_fifth_other_waits_in_the_list(visit):
    page = visit("frank")
    for name in ("alice", "bob", "carol", "dan", "erin"):
        page.get_by_role("button", name=f"Subscribe to {name}").click()
        page.wait_for_selector(f"[data-list=subscriptions] >> text={name}")
    page.wait_for_selector("#statistics >> text=dan")
    assert list(statistics(page)) == ["frank", "alice", "bob", "carol", "dan"]
    page.get_by_role("button", name="erin in the chart").click()
    page.wait_for_selector("#circle [role=alert]:visible")
    assert "at most 4" in page.locator("#circle [role=alert]").inner_text()
    page.get_by_role("button", name="alice in the chart").click()
    until(page, "!document.querySelector('#statistics').innerText.includes('alice')")
    page.get_by_role("button", name="erin in the chart").click()
    page.wait_for_selector("#statistics >> text=erin")
    assert "shares day means" in page.locator("#statistics").inner_text()


def test_who_shares_nothing_is_told_why_there_is_nobody(visit):
    page = visit("grace")
    assert "You share nothing" in page.locator("#circle").inner_text()
    assert page.locator("#circle button").count() == 0


def test_an_account_whose_sensor_has_sent_nothing_yet_is_told_so(visit):
    page = visit("grace")
    assert page.locator("#empty").is_visible()
    assert page.locator("[data-figure=now]").inner_text() == "–"


def test_a_newcomer_sees_the_demo_household(visit):
    page = visit("newcomer")
    assert "demo household" in page.locator(".welcome").inner_text()
    assert pixels(page, "f1572f") > 200
    page.get_by_role("link", name="year").click()
    drawn(page, "week")
    assert statistics(page)["demo household"][0] != "–"


def test_lists_work_without_scripts(visit, site):
    page = visit("dan", "/", wait=False, java_script_enabled=False)
    page.get_by_role("button", name="Subscribe to bob").click()
    assert page.locator("[data-list=subscriptions]").get_by_text("bob").is_visible()


def test_a_server_that_fails_is_said_and_tried_again(visit):
    page = visit("bob", "/?scale=day")
    page.route("**/chart.json*", lambda route: route.fulfill(status=500, body="{}"))
    page.get_by_role("link", name="hour").click()
    page.wait_for_selector("#trouble:visible")
    assert "tried again" in page.locator("#trouble").inner_text()
    page.unroute("**/chart.json*")
    drawn(page, "minute")
    until(page, "document.querySelector('#trouble').hidden")


def test_no_connection_is_said(visit):
    page = visit("bob", "/?scale=day")
    page.context.set_offline(True)
    page.get_by_role("link", name="month").click()
    page.wait_for_selector("#trouble:visible")
    assert "cannot be reached" in page.locator("#trouble").inner_text()
    page.context.set_offline(False)
    drawn(page, "day")


def test_paper_is_light(visit):
    page = visit("alice", "/?scale=month", color_scheme="dark")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator(".tabs").is_hidden() and page.locator("#statistics").is_visible()


def test_nothing_overflows_a_small_phone(visit):
    for scale in ("day", "year", "live"):
        page = visit("frank", f"/?scale={scale}", {"width": 360, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("locale", ["en-GB", "en-US", "nl-NL", "de-DE"])
def test_a_price_is_typed_with_a_point_or_a_comma(visit, site, locale):
    """Chromium's own field for numbers drops the comma where the browser speaks English."""
    page = visit("henry", "/account/", wait=False, locale=locale)
    for typed, day in (("28,45", "2026-01-01"), ("-3.5", "2026-01-02")):
        page.locator("[name=cents_per_kwh]").press_sequentially(typed)
        page.locator("[name=since]").fill(day)
        page.locator("[action='/account/price/'] button").click()
        page.wait_for_selector(".message.success")
    told = site.get("/account/", "henry")[1]
    assert "28.45" in told and "-3.5" in told and "2845" not in told and "2,845" not in told
