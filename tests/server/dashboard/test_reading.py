# SPDX-License-Identifier: GPL-3.0-or-later
"""What the chart says is right: under the crosshair, in the statistics of a moved window, over
gaps, on the axis, for gas, on paper.
"""

import re
import time
from datetime import datetime, timedelta
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest

from tools.harness.chart_page import drawn, pixels, statistics, table, until
from tools.harness.site import DAY, Site, member, sensor, steady

pytestmark = pytest.mark.dated

ZONE = ZoneInfo("Europe/Brussels")
HOUR = 3600
MONTH_D = 60
MEMBERS = {
    "daily": member("minutes"),
    "hole": member("minutes"),
    "gas": member("minutes", (("import", "electricity"), ("import", "gas"))),
    "solar": member(
        "minutes", (("import", "electricity"), ("export", "electricity"), ("pv", "electricity"))
    ),
}
HOLE_S, HOLE_AGO_S, HOLE_W = HOUR, 5 * HOUR, 900
RECORD = """
window.painted = [];
const plain = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, x, ...more) {
    window.painted.push([text, x]);
    return plain.call(this, text, x, ...more);
};
"""


def load_w(ts):
    """The load of the household whose days differ: 100 W on a Monday, 700 W on a Sunday."""
    return 100 * (datetime.fromtimestamp(ts, ZONE).weekday() + 1)


def by_days(start, end):
    """Its tuples, one each quarter of an hour."""
    counter, found = 0.0, []
    for ts in range(start // 900 * 900, end + 1, 900):
        found.append((ts, int(counter)))
        counter += load_w(ts) / 4
    return found


def mean_w(start, end):
    return sum(load_w(ts) for ts in range(start, end, 60)) / len(range(start, end, 60))


def with_hole(now):
    """A steady load of 300 W, but for an hour of HOLE_W in which the device was silent."""
    left = now - HOLE_AGO_S
    before = steady(now - 2 * DAY, left, 300)
    return before + steady(left + HOLE_S, now, 300, base=before[-1][1] + HOLE_W * HOLE_S // HOUR)


@pytest.fixture(scope="module")
def now():
    """The time of the last tuples, unix s."""
    return int(time.time()) // 60 * 60


@pytest.fixture(scope="module")
def site(tmp_path_factory, now):
    made = Site(tmp_path_factory.mktemp("reading"), MEMBERS)
    made.fill(sensor(1), by_days(now - 65 * DAY, now), now)
    made.fill(sensor(2), with_hole(now), now)
    for place, watt in ((0, 300), (1, 120)):  # 120 l/h of gas
        made.fill(sensor(3, place), steady(now - 2 * DAY, now, watt), now)
    for place, watt in enumerate((0, 200, 600)):
        made.fill(sensor(4, place), steady(now - 2 * DAY, now, watt), now)
    yield made
    made.close()


def query(page):
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def hover(page, share):
    """Put the mouse at this share of the window's width."""
    box = page.locator("#chart .u-over").bounding_box()
    page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
    page.wait_for_selector("#readout:visible")
    return page.locator("#readout").inner_text()


def settled(page, before):
    """Wait until the window is another one and is told; returns its start and end."""
    page.wait_for_url(lambda url: "start=" in url and url != before)
    start, end = (int(query(page)[name]) for name in ("start", "end"))
    until(
        page,
        "document.querySelector('#from').innerText",
        datetime.fromtimestamp(start, ZONE).strftime("%-d %b %Y"),
    )
    return start, end


def midnight(days_ago):
    today = datetime.now(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    return int((today - timedelta(days_ago)).timestamp())


def day_name(ts):
    return datetime.fromtimestamp(ts, ZONE).strftime("%a %-d %b")


def test_the_crosshair_reads_the_bucket_that_it_is_in(visit):
    start, end = midnight(MONTH_D + 1), midnight(1)
    page = visit("daily", f"/?scale=month&start={start}&end={end}")
    drawn(page, "day")
    for day in (5, 22, 40, 58):
        for hour in (3, 9, 15, 21):
            ts = midnight(day) + hour * HOUR
            text = hover(page, (ts - start) / (end - start))
            assert text.startswith(day_name(ts)) and f"{load_w(ts)} W" in text, (
                f"{day_name(ts)} {hour}:00: {text}"
            )


def test_keys_put_the_crosshair_where_they_read(visit):
    page = visit("daily", "/?scale=month")
    drawn(page, "day")
    page.locator("#chart").focus()
    page.keyboard.press("End")
    seen = set()
    for _ in range(6):
        page.keyboard.press("ArrowLeft")
        spoken = page.locator("#spoken").inner_text()
        name, _colon, rest = spoken.partition(": ")
        shown = page.locator("#readout").inner_text()
        assert shown.startswith(name) and rest.removeprefix("daily ") in shown, (
            f"{spoken} / {shown}"
        )
        seen.add(name)
    assert len(seen) == 6


def test_statistics_are_of_the_visible_window(visit):
    start = midnight(55) + 17 * HOUR
    end = start + 45 * DAY + 9 * HOUR
    page = visit("daily", f"/?scale=month&start={start}&end={end}")
    drawn(page, "day")
    before = page.url
    page.get_by_role("button", name="Zoom in").click()
    start, end = settled(page, before)
    assert 30 < (end - start) / DAY < 31
    mean = mean_w(start, end)
    low, high, average, last, total = (
        float(text.replace(",", "")) for text in statistics(page)["daily"]
    )
    assert (low, high, last) == (100, 700, load_w(end - 1))
    assert average == pytest.approx(mean, abs=1)
    assert total == pytest.approx(mean / 1000 * (end - start) / HOUR, rel=0.005)


def test_a_gap_is_not_drawn_but_its_energy_counts(visit, site):
    held = site.platform.held(sensor(2))
    middle = next((a + b) / 2 for (a, _), (b, _) in pairwise(held) if b - a == HOLE_S)
    page = visit("hole", "/?scale=day&unit=watt")
    low, high, average, last, total = statistics(page)["hole"]
    assert (low, high, last) == ("300", "300", "300"), "what nobody saw is no maximum"
    assert abs(int(average) - 325) <= 2 and abs(float(total) - 7.8) < 0.06
    share = 1 - (time.time() - middle) / DAY
    assert "silent" in hover(page, share)
    assert "300 W" in hover(page, share - 2 / 24)
    page.mouse.move(0, 0)
    margin = 0.2 / 24
    assert pixels(page, "f1572f", share - margin, share + margin) == 0
    assert pixels(page, "f1572f", share - 2 / 24 - margin, share - 2 / 24 + margin) > 10
    silent = [row for row in table(page) if row[-1] == "silent"]
    assert 58 <= len(silent) <= 62


def test_a_gap_is_as_long_as_the_silence(visit, site):
    held = site.platform.held(sensor(2))
    began = next(a for (a, _), (b, _) in pairwise(held) if b - a == HOLE_S)
    page = visit("hole", f"/?scale=hour&start={began - 1800}&end={began + 1800}")
    minute = 1 / 60
    assert pixels(page, "f1572f", 0.5 - 0.8 * minute, 0.5 - 0.2 * minute) > 10, (
        "the last minute before it is drawn"
    )
    assert pixels(page, "f1572f", 0.5 + 0.2 * minute, 0.5 + 0.8 * minute) == 0


def test_the_edge_of_the_yellow_line_has_its_gaps(visit, site):
    held = site.platform.held(sensor(2))
    began = next(a for (a, _), (b, _) in pairwise(held) if b - a == HOLE_S)
    # the own line, of 400 W, lies on top of the others, and on a Wednesday that of `daily` would be
    # over this one
    page = visit(
        "solar", f"/?scale=hour&start={began - 1800}&end={began + 1800}&lines=gas,daily,hole"
    )
    assert list(statistics(page))[3] == "hole"
    assert pixels(page, "8f8300", 0.1, 0.4) > 50
    assert pixels(page, "8f8300", 0.6, 0.9) == 0


def test_the_last_day_is_drawn_until_its_end(visit):
    page = visit("daily", "/?scale=month")
    drawn(page, "day")
    for hour, lines in ((6, True), (18, True), (30, False)):
        share = 1 - (time.time() - midnight(1) - hour * HOUR) / (MONTH_D * DAY)
        found = pixels(page, "f1572f", share - 0.002, share + 0.002)
        assert (found > 0) == lines, f"{found} pixels at {hour}:00"


def test_gas_has_its_own_units(visit, now):
    page = visit("gas", f"/?scale=day&start={now - DAY}&end={now}")
    page.get_by_role("navigation", name="Resource").get_by_role("link", name="gas").click()
    drawn(page, "minute")
    assert (
        page.locator("#axis").inner_text() == "l/min" and page.locator("#sum").inner_text() == "m³"
    )
    assert statistics(page)["gas"] == ["2.00"] * 4 + ["2.88"]
    page.get_by_text("l/day").click()
    assert statistics(page)["gas"][:4] == ["2,880"] * 4
    page.get_by_text("m³/year").click()
    assert statistics(page)["gas"][:4] == ["1,051"] * 4
    assert (
        page.locator("[data-figure=now]").inner_text() == "120 l/h"
        and page.locator("[data-figure=cost]").inner_text() == ""
    )


def test_the_axis_shows_the_households_clock_on_a_day_of_25_hours(visit):
    """Brussels put its clocks back on 26 October 2025 at 01:00 UTC; the browser's clock is UTC."""
    start, end = 1761429600, 1761519600  # midnight to midnight
    page = visit(
        "daily",
        f"/?scale=day&start={start}&end={end}",
        prepare=lambda page: page.add_init_script(RECORD),
    )
    left, width = page.evaluate(
        "(over => [over.offsetLeft, over.offsetWidth])(document.querySelector('#chart .u-over'))"
    )
    labels = {
        text: start + (x - left) / width * (end - start)
        for text, x in page.evaluate("painted")
        if re.fullmatch(r"\d\d:\d\d", text)
    }
    assert len(labels) > 6
    for text, ts in labels.items():
        at = datetime.fromtimestamp(round(ts / 60) * 60, ZONE)
        off = timedelta(hours=int(text[:2]), minutes=int(text[3:])) - timedelta(
            hours=at.hour, minutes=at.minute
        )
        assert abs(off) < timedelta(minutes=3), f"{text} stands at {at:%H:%M}"
    assert (
        page.locator("#from").inner_text() == "26 Oct, 00:00"
        and page.locator("#to").inner_text() == "27 Oct, 00:00"
    )


def test_the_chart_itself_is_drawn_for_paper(visit):
    page = visit("daily", "/?scale=day", color_scheme="dark")
    page.evaluate(
        """window.white = [];
        const grid = () => {
            const canvas = document.querySelector("#chart canvas");
            const data = canvas.getContext("2d")
                .getImageData(0, 0, canvas.width, canvas.height).data;
            let found = 0;
            for (let i = 0; i < data.length; i += 4) {
                found += data[i + 3] === 255 &&
                    data[i] === 0xdd && data[i + 1] === 0xdd && data[i + 2] === 0xdd;
            }
            window.white.push(found);
        };
        grid();
        for (const name of ["beforeprint", "afterprint"]) {
            addEventListener(name, grid);
        }"""
    )
    page.pdf()
    until(page, "white.length", 3)
    before, paper, after = page.evaluate("white")
    assert paper > 300 and before < 20 and after < 20


def test_going_back_brings_the_choice_of_the_own_line(visit):
    page = visit("solar", "/?scale=day")
    own = page.get_by_label("my line")
    assert own.input_value() == "use"
    own.select_option("pv")
    page.wait_for_url("**flow=pv*")
    until(page, "document.querySelectorAll('#statistics td')[0].innerText", "600")
    page.go_back()
    until(page, "document.querySelector('#flow').value", "use")
    page.go_forward()
    until(page, "document.querySelector('#flow').value", "pv")


def test_links_keep_what_is_looked_at(visit):
    start = int(time.time()) - 9 * HOUR
    page = visit("solar", f"/?scale=day&flow=pv&lines=daily&start={start}&end={start + 7200}")
    link = page.locator("[data-scale=month]").get_attribute("href")
    told = {name: values[0] for name, values in parse_qs(link.removeprefix("?")).items()}
    assert told == {
        "resource": "electricity",
        "scale": "month",
        "unit": "watt",
        "flow": "pv",
        "lines": "daily",
    }
    page = visit("gas", f"/?scale=day&unit=kwhperyear&lines=daily&start={start}&end={start + 7200}")
    link = page.locator(".resources a", has_text="gas").get_attribute("href")
    told = {name: values[0] for name, values in parse_qs(link.removeprefix("?")).items()}
    assert told == {
        "resource": "gas",
        "scale": "day",
        "lines": "daily",
        "start": str(start),
        "end": str(start + 7200),
    }


def test_nights_zoom_out_to_a_hundred_and_stay_nights(visit):
    page = visit("daily", "/?scale=night")
    drawn(page, "night")
    for _ in range(3):
        page.get_by_role("button", name="Zoom out").click()
    until(
        page,
        "(told => told.get('end') - told.get('start'))(new URLSearchParams(location.search))",
        100 * DAY,
    )
    assert page.locator("#means").inner_text().startswith("means of the night")
    assert page.locator('[data-scale=night][aria-current="true"]').count() == 1
    end = int(time.time())
    page = visit("daily", f"/?scale=night&start={end - 300 * DAY}&end={end}")
    drawn(page, "night")
