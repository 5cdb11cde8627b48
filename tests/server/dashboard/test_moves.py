# SPDX-License-Identifier: GPL-3.0-or-later
"""A household that moves to another time zone: its old days stay what they were."""

import time
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from tools.harness.site import DAY, Site, member, sensor

pytestmark = pytest.mark.dated

HERE = "tests.server.inside.dashboard."
KOLKATA, BRUSSELS = ZoneInfo("Asia/Kolkata"), ZoneInfo("Europe/Brussels")
AGO_D = 500


@pytest.fixture(scope="module")
def now():
    return int(time.time()) // 900 * 900


@pytest.fixture(scope="module")
def site(tmp_path_factory, now):
    made = Site(tmp_path_factory.mktemp("moves"), {"mover": member("minutes"), "new": member()})
    assert made.call(HERE + "move", "mover", "Asia/Kolkata") == ""  # nothing is old yet
    old = now - AGO_D * DAY
    for start, end in ((old, old + 6 * DAY), (now - 6 * DAY, now)):
        made.fill(sensor(1), list(tuples(start, end)), now)
    yield made
    made.close()


def tuples(start, end):
    """Nothing in the morning of Kolkata, 1.2 kW from its noon on."""
    wh = 0
    for ts in range(start, end + 1, 900):
        yield ts, wh
        wh += 300 if datetime.fromtimestamp(ts, KOLKATA).hour >= 12 else 0


def days(site, start, end):
    status, told = site.get(f"/chart.json?start={start}&end={end}&step=day", "mover")
    assert status == 200 and told["step"] == "day"
    at = [sum(told["t"][: i + 1]) for i in range(len(told["t"]))]
    return at, told["lines"][0]["v"]


def midnights(at, zone):
    return {datetime.fromtimestamp(ts, zone).strftime("%H:%M") for ts in at} == {"00:00"}


def test_old_days_stay_days_of_the_zone_that_they_were_kept_for(site, now):
    old = (now - (AGO_D - 1) * DAY, now - (AGO_D - 4) * DAY)
    before = days(site, *old)
    assert midnights(before[0], KOLKATA) and 600 in before[1]
    former = site.call(HERE + "move", "mover", "Europe/Brussels")
    assert former.split(" ")[1] == "Asia/Kolkata"
    assert days(site, *old) == before
    recent, _values = days(site, now - 4 * DAY, now - DAY)
    assert midnights(recent, BRUSSELS)
    nights = site.get(f"/chart.json?start={old[0]}&end={old[1]}&step=night", "mover")[1]
    assert set(nights["lines"][0]["v"]) == {0}


def test_who_moves_back_at_once_has_lived_there_all_the_time(site):
    former = site.call(HERE + "move", "mover", "Asia/Tehran")
    assert [each.split(" ")[1] for each in former.split(",")] == ["Asia/Kolkata"]


def test_a_zone_without_old_days_leaves_nothing_behind(site):
    assert site.call(HERE + "move", "new", "Asia/Tehran") == ""
    assert site.call(HERE + "told", sensor(2), 0) == ["+0330", False]


def test_the_store_is_told_zone_and_rule(site):
    assert site.call(HERE + "told", sensor(1), 0) == ["+0530", False]


@pytest.mark.parametrize(
    "zone, other", [("Asia/Kathmandu", "UTC"), ("Europe/Brussels", "Asia/Kolkata")]
)
def test_days_and_nights_of_a_household_stay_what_they_were(site, tmp_path, zone, other):
    """Its viewer in another zone sees its own days once they are kept by the hour."""
    now = 1_767_225_600  # 2026-01-01 00:00 UTC
    seen = site.call(HERE + "old_days", str(tmp_path / "s"), zone, other, now)
    of = {(grain, kind, step): values for grain, kind, step, values in seen}
    for grain in (900, 3600):
        for step in ("day", "night"):
            assert of[grain, "own", step] == of[1, "own", step]
            assert None not in of[grain, "own", step]
        assert of[grain, "peer", "night"] == of[1, "peer", "night"]
    assert of[900, "peer", "day"] == of[1, "peer", "day"]
    if other == "Asia/Kolkata":
        own, peer = of[3600, "own", "day"], of[3600, "peer", "day"]
        assert set(peer) <= set(own) and len(set(peer)) > 20
    else:
        assert of[3600, "peer", "day"] == of[1, "peer", "day"]
