# SPDX-License-Identifier: GPL-3.0-or-later
"""Times that the clock shows twice, held against zoneinfo; lines told apart without colours; old
data at its true resolution.
"""

import json
import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from flukso_server.dashboard.scales import (  # pure, and at top level there
    Window,
    Wish,
    offsets,
    window,
)
from tools.harness import ROOT
from tools.harness.chart_page import pixels, table, until
from tools.harness.site import DAY, Site, member, sensor, steady

SCRIPT = ROOT / "flukso_server" / "dashboard" / "static" / "dashboard" / "dates.js"
HOUR = 3600
# zone, when its clock goes back (unix s): an hour, two, half of one, in the west, at midnight, for
# good
BACK = [
    ("Europe/Brussels", 1_792_890_000),
    ("Antarctica/Troll", 1_792_890_000),
    ("Australia/Lord_Howe", 1_775_314_800),
    ("America/New_York", 1_793_512_800),
    ("America/Asuncion", 1_711_249_200),
    ("Europe/Volgograd", 1_609_020_000),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    made = Site(
        tmp_path_factory.mktemp("twice"),
        {"alice": member("minutes"), **{name: member("minutes") for name in "bcde"}},
    )
    for number in range(1, 6):
        made.fill(sensor(number), steady(1_761_429_600, 1_761_519_600, 300 * number), 1_761_600_000)
    yield made
    made.close()


def dates(page, zone, start, end, asked):
    """What the page's own script makes of these times."""
    text = re.sub(r"^export (const|function)", r"\1", SCRIPT.read_text(), flags=re.M)
    words = {"months": ["m"] * 12, "weekdays": ["d"] * 7}
    call = (
        f"(() => {{ {text}; useWords({json.dumps(words)}); "
        f"useZone({json.dumps(offsets(start, end, zone))}); return ({asked}); }})()"
    )
    return page.evaluate(call)


@pytest.mark.parametrize("name, at", BACK)
def test_each_minute_around_a_clock_that_goes_back_has_a_label_of_its_own(browser, name, at):
    zone, start, end = ZoneInfo(name), at - 4 * HOUR, at + 4 * HOUR
    assert len(offsets(start, end, zone)) == 2, "the clock goes back there"
    page = browser.new_page()
    every = list(range(start, end, 60))
    labels = dates(page, zone, start, end, f"{every}.map(clock)")
    ticks = dates(page, zone, start, end, f"{every}.map((ts) => tick(ts, 60))")
    buckets = dates(page, zone, start, end, f"{every}.map((ts) => bucket(ts, ts + 60, 'minute'))")
    page.close()
    assert len(set(labels)) == len(set(buckets)) == len(every)
    local = [datetime.fromtimestamp(ts, zone) for ts in every]
    assert [text[:5] for text in labels] == [f"{each:%H:%M}" for each in local]
    naive = [each.replace(tzinfo=None) for each in local]
    twice = {each for each in naive if naive.count(each) > 1}
    assert [each in twice for each in naive] == [len(text) > 5 for text in labels]
    for text, each in zip(labels, local, strict=True):
        if len(text) > 5:
            sign, hours, minutes = re.fullmatch(
                r"\d\d:\d\d UTC([+−])(\d+)(?::(\d\d))?", text
            ).groups()
            told = (1 if sign == "+" else -1) * (int(hours) * 60 + int(minutes or 0)) * 60
            assert told == each.utcoffset().total_seconds(), text
    assert all(
        tick == label or tick.endswith("m") for tick, label in zip(ticks, labels, strict=True)
    )


def test_the_table_of_the_night_has_no_two_equal_labels(visit):
    page = visit("alice", "/?scale=hour&start=1761436800&end=1761444000")
    times = [row[0] for row in table(page)]
    assert len(times) == len(set(times)) >= 120 and sum("UTC+2" in each for each in times) >= 59


LINES = "/?scale=day&start=1761430000&end=1761516000&lines=b,c,d,e"
MARKS = """[...document.querySelectorAll('#statistics .mark')].map((mark) => [
    getComputedStyle(mark.firstChild).display,
    mark.querySelector('line').getAttribute('stroke-dasharray')])"""


def test_forced_colours_tell_lines_and_the_chosen_unit_apart(visit):
    page = visit("alice", LINES, forced_colors="active")
    marks = page.evaluate(MARKS)
    assert [shown for shown, _dashes in marks] == ["block"] * 5 and len(
        {dashes for _shown, dashes in marks}
    ) == 5
    chosen = "getComputedStyle(document.querySelector('.units {} + span'), '::before').content"
    assert "✓" in page.evaluate(chosen.format(":checked")) and "✓" not in page.evaluate(
        chosen.format("input:not(:checked)")
    )
    dashed = pixels(page, "44c3d3")
    plain = visit("alice", LINES)
    assert [shown for shown, _dashes in plain.evaluate(MARKS)] == ["none"] * 5
    assert 0 < dashed < 0.85 * pixels(plain, "44c3d3"), "the line in the chart is broken, too"


def test_paper_tells_lines_apart(visit):
    page = visit("alice", LINES)
    solid = pixels(page, "44c3d3")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert [shown for shown, _dashes in page.evaluate(MARKS)] == ["block"] * 5
    until(page, "document.querySelector('#axis').innerText", "W")
    assert 0 < pixels(page, "44c3d3") < 0.85 * solid


def test_old_data_comes_at_the_resolution_at_which_it_is_kept(desk, tmp_path):
    now = 1_790_000_000
    told = desk.call("tests.server.inside.dashboard.old_minutes", str(tmp_path / "s"), now)
    assert [(step, grain) for step, _count, grain in told] == [
        ("hour", 3600),
        ("15min", 900),
        ("minute", 1),
    ]
    assert told[1][1] in (8, 9) and told[2][1] in (120, 121)


def test_a_window_of_quarters_has_no_minutes():
    now = 1_790_000_000
    wish = Wish(now - 100 * DAY, now - 100 * DAY + 600, "minute", grain_s=900)
    found = window(wish, now, ZoneInfo("UTC"))
    assert isinstance(found, Window) and found.step == "15min" and len(found.boundaries) >= 3
