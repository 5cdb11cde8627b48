# SPDX-License-Identifier: GPL-3.0-or-later
"""The dates of `make test-clocks` are those that it is for."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tools.dates import DATES, read

BRUSSELS = ZoneInfo("Europe/Brussels")
DAYS = [datetime.fromisoformat(each.at).astimezone(BRUSSELS) for each in DATES]


def hours(day):
    midnight = datetime.combine(day.date(), datetime.min.time(), BRUSSELS)
    return ((midnight + timedelta(1)).timestamp() - midnight.timestamp()) / 3600


def test_every_weekday_and_every_border_is_among_them():
    assert {day.weekday() for day in DAYS} == set(range(7))
    assert {hours(day) for day in DAYS} == {23, 24, 25}, "both changes of the clocks"
    assert {(2, 29), (1, 1)} < {(day.month, day.day) for day in DAYS} and 31 in {
        day.day for day in DAYS
    }
    assert [each.what.split(",")[0] for each in DATES] == [format(day, "%A") for day in DAYS]


def test_their_zones_lie_all_around():
    offsets = {
        day.astimezone(ZoneInfo(each.zone)).utcoffset()
        for day, each in zip(DAYS, DATES, strict=True)
    }
    assert (
        min(offsets) <= timedelta(hours=-7)
        and max(offsets) >= timedelta(hours=12)
        and any(each.seconds % 3600 for each in offsets)
    )


def test_a_report_is_counted(tmp_path):
    assert read(tmp_path / "none.xml") == (0, 0)
    (tmp_path / "report.xml").write_text(
        '<testsuites><testsuite tests="9" failures="2" errors="1" skipped="0"/></testsuites>'
    )
    assert read(tmp_path / "report.xml") == (9, 3)
