# SPDX-License-Identifier: GPL-3.0-or-later
"""Local days, nights and months of every kind of zone are the same before and after ageing."""

import json
import random
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from flukso_server.series.appending import append
from flukso_server.series.localtime import day_boundaries, household_zone, midnight, night_of
from flukso_server.series.peaks import highest_quarter
from flukso_server.series.reading import profile
from tests.server.series.benches import DAY, NOON

A = "a1" * 16
ZONES = [
    "Europe/Brussels",
    "America/New_York",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "America/St_Johns",
    "Australia/Adelaide",
    "Australia/Darwin",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Australia/Eucla",
    "Asia/Tehran",
    "Asia/Yangon",
    "Pacific/Marquesas",
]
# 203 days over a year ago, with the changes of the clocks of both halves of the earth
FIRST, LAST = date(2024, 3, 1), date(2024, 9, 19)
BEGIN = int(datetime(2024, 2, 28, tzinfo=ZoneInfo("UTC")).timestamp())
END = BEGIN + 207 * DAY


@pytest.fixture(scope="module")
def history():
    """A load that changes each quarter of an hour, told each five minutes."""
    chance = random.Random(7)
    tuples, counter = [], 0
    for ts in range(BEGIN, END, 300):
        if ts % 900 == 0:
            step = chance.choice((0, 3, 40, 300))
        tuples.append((ts, counter))
        counter += step
    return tuples


def send(bench, tuples):
    for begin in range(0, len(tuples), 4096):
        append(bench.store, A, tuples[begin : begin + 4096], bench.clock.now)
    bench.settle()


def wrong(bench, tuples, zone):
    """Return the local days and nights whose energy is another than that of the tuples."""
    ts, counter = np.array(tuples, np.int64).T
    days = day_boundaries(FIRST, LAST, zone)
    dates = [FIRST + timedelta(i) for i in range(len(days) - 1)]
    nights = [edge for day in dates for edge in night_of(day, zone)[:2]]
    bad = []
    for boundaries in (days, nights):
        energy, known = profile(bench.store, A, boundaries)
        right = np.diff(np.interp(boundaries, ts, counter))
        there = np.diff(boundaries) > 0  # a move may skip a night
        off = there & ((abs(energy - right) > 0.5) | (known < 1))
        bad += [boundaries[i] for i in np.flatnonzero(off)]
    return bad


@pytest.mark.parametrize("name", ZONES)
def test_days_and_nights_are_exact_before_and_after_ageing(bench, history, name):
    bench.zone = zone = ZoneInfo(name)
    bench.clock.now = END + DAY
    send(bench, history)
    assert wrong(bench, history, zone) == []
    bench.pass_days(120)
    assert wrong(bench, history, zone) == []
    bench.pass_days(500)
    assert wrong(bench, history, zone) == []


@pytest.mark.parametrize("other", ["Asia/Kolkata", "Pacific/Chatham", "America/St_Johns"])
def test_after_a_move_no_day_is_wrong(bench, history, other):
    """The move holds from what is kept by the quarter; what was hours already keeps its days."""
    moved = midnight(date(2024, 6, 10), ZoneInfo("Asia/Kathmandu"))
    for name, home in (("Asia/Kathmandu", other), (other, "Asia/Kathmandu")):
        bench.zone = zone = household_zone(home, f"{moved} {name}")
        bench.clock.now = max(END + DAY, int(bench.clock.now))
        send(bench, history)
        bench.pass_days(700)
        assert wrong(bench, history, zone) == []
        bench.store.forget(A)
        bench.settle()


def test_a_household_that_moved_lives_by_one_clock_and_then_by_the_other():
    kolkata, brussels = ZoneInfo("Asia/Kolkata"), ZoneInfo("Europe/Brussels")
    moved = int(datetime(2024, 6, 10, 3, tzinfo=kolkata).timestamp())
    zone = household_zone("Europe/Brussels", f"{moved} Asia/Kolkata")
    for ts in range(moved - 30 * DAY, moved + 30 * DAY, 1800):
        local = datetime.fromtimestamp(ts, zone)
        there = datetime.fromtimestamp(ts, kolkata if ts < moved else brussels)
        assert local.replace(tzinfo=None) == there.replace(tzinfo=None)
        assert int(local.timestamp()) == ts
    days = day_boundaries(date(2024, 6, 1), date(2024, 6, 20), zone)
    assert all(a < b for a, b in zip(days, days[1:], strict=False))
    assert household_zone("Europe/Brussels", "") == brussels


def test_the_case_of_a_half_hour_zone(bench):
    case = json.loads((Path(__file__).parent / "half_hour_zone.json").read_text())
    bench.zone = zone = ZoneInfo(case["time_zone"])
    bench.clock.now = case["tuples"][-1][0] + DAY
    send(bench, [tuple(pair) for pair in case["tuples"]])
    for days in (0, 500):
        bench.pass_days(days)
        for name, right in case["right_Wh"].items():
            day = date.fromisoformat(name)
            [energy], [known] = profile(bench.store, A, day_boundaries(day, day, zone))
            assert (round(energy), known) == (right, 1)


@pytest.mark.parametrize("name", ["Europe/Brussels", "Asia/Kolkata", "Pacific/Chatham"])
def test_the_highest_quarter_of_each_local_month_is_kept(bench, history, name):
    """The highest of all lies in the first quarter of a month, by the local clock."""
    bench.zone = zone = ZoneInfo(name)
    bench.clock.now = END + DAY
    edge = midnight(date(2024, 6, 1), zone)
    tuples = [(ts, counter + (2000 if ts >= edge + 900 else 0)) for ts, counter in history]
    send(bench, tuples)
    level = dict(tuples)
    right = {}
    for month in range(4, 9):
        start, end = midnight(date(2024, month, 1), zone), midnight(date(2024, month + 1, 1), zone)
        energies = {ts: level[ts + 900] - level[ts] for ts in range(start, end, 900)}
        best = max(energies, key=lambda ts: (energies[ts], -ts))
        right[start, end] = (best, energies[best])
    assert right[edge, midnight(date(2024, 7, 1), zone)][0] == edge
    for days in (0, 120, 500):
        bench.pass_days(days)
        for (start, end), peak in right.items():
            assert highest_quarter(bench.store, A, start, end) == peak


def test_a_quarter_of_a_silence_is_no_peak(bench):
    """What was counted in three silent hours belongs to no quarter; nor does a reset count."""
    start = NOON // DAY * DAY - 40 * DAY
    tuples = [(start + i * 300, i * 10) for i in range(12)]
    later = start + 4 * 3600
    tuples += [(later + i * 300, 100_000 + i * 20) for i in range(12)]
    send(bench, tuples)
    for days in (0, 100, 500):
        bench.pass_days(days)
        assert highest_quarter(bench.store, A, start - DAY, start + DAY) == (later + 900, 60)
    bench.store.forget(A)
    assert highest_quarter(bench.store, A, start - DAY, start + DAY) is None
