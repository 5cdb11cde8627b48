# SPDX-License-Identifier: GPL-3.0-or-later
"""Counters of what has a value at each moment (K·s, %·s): every mean equals the integral."""

import random

import numpy as np
import pytest

from flukso_server.series.appending import append
from flukso_server.series.reading import counters, profile
from flukso_server.series.rule import WRAP, Rule
from tests.server.series.benches import DAY, NOON

A = "a1" * 16
TEMPERATURE = Rule(213.15, 393.15, held=True)  # -60 … +120 °C
HUMIDITY = Rule(0, 100, held=True)
MINUTE = 60
START = NOON // DAY * DAY - 30 * DAY


def kelvin(ts):
    """A room's temperature: it swings by the day and by the hour."""
    return 293.15 + 8 * np.sin(ts / DAY * 6.283) + 3 * np.sin(ts / 3600)


def integral(first, last):
    """K·s at each minute from `first` to `last`, exact to the counter's unit."""
    ts = np.arange(first, last + 1, MINUTE)
    return ts, np.concatenate(([0.0], np.cumsum(kelvin(ts[:-1]) * MINUTE)))


def sent(ts, level, start):
    return [(int(t), int(start + c) % WRAP) for t, c in zip(ts, level, strict=True)]


def send(bench, tuples):
    for begin in range(0, len(tuples), 4000):
        append(bench.store, A, tuples[begin : begin + 4000], bench.clock.now)
    bench.settle()


def mean(bench, start, end):
    """Return the mean per second of what is known, and the known share."""
    energy, known = profile(bench.store, A, [start, end])
    return energy[0] / max(known[0] * (end - start), 1e-9), known[0]


@pytest.fixture
def room(bench):
    bench.rules[A] = TEMPERATURE
    return bench


def cases(ts, level):
    """Yield stretches from hours to weeks, on the hours at which an aged series has its rungs."""
    chance = random.Random(5)
    for hours in (1, 5, 24, 24, 24 * 3, 24 * 7, 24 * 12):
        i = chance.randrange(0, len(ts) - hours * 60, 60)
        j = i + hours * 60
        yield int(ts[i]), int(ts[j]), (level[j] - level[i]) / (ts[j] - ts[i])


@pytest.mark.parametrize("start", [1000, WRAP - 5 * DAY * 293], ids=["plain", "wraps"])
@pytest.mark.parametrize("days", [0, 100, 500], ids=["raw", "quarters", "hours"])
def test_a_mean_over_an_outage_over_a_wrap_over_ageing_equals_the_integral(room, start, days):
    """For two days nothing is heard, the counter goes on: the wrap may lie in the outage."""
    ts, level = integral(START, START + 14 * DAY)
    silent = (ts > START + 4 * DAY) & (ts < START + 6 * DAY)
    send(room, sent(ts[~silent], level[~silent], start))
    room.pass_days(days)
    for a, b, right in cases(ts, level):
        inside = START + 4 * DAY < a < START + 6 * DAY or START + 4 * DAY < b < START + 6 * DAY
        if inside:
            continue  # the mean of a part of the outage is that of all of it
        value, known = mean(room, a, b)
        assert known == 1
        assert value == pytest.approx(right, abs=2 / (b - a) + 1e-9), (a, b)


def test_a_probe_that_cannot_be_read_is_a_gap(room):
    """It adds nothing; its time is unknown, and the mean is that of the time around it."""
    ts, level = integral(START, START + DAY)
    level[180:] -= level[180] - level[120]  # 02:00 to 03:00
    level[121:180] = level[120]
    send(room, sent(ts + 7, level, 5000))
    for days in (0, 100, 500):
        room.pass_days(days)
        value, known = mean(room, START + 7, START + 4 * 3600 + 7)
        right = (level[240] - level[0]) / (3 * 3600)
        assert known == pytest.approx(0.75)
        assert value == pytest.approx(right, abs=0.01)  # between rungs, a straight line
        assert counters(room.store, A, [START + 9000]) == [None]


@pytest.mark.parametrize("fresh", [0, 3_000_000, 4_000_000_000], ids=["zero", "lower", "higher"])
def test_a_counter_that_begins_elsewhere_is_never_counted_from_zero(room, fresh):
    ts, level = integral(START, START + DAY)
    tuples = sent(ts[:600], level[:600], 3_500_000_000)
    tuples += sent(ts[600:], level[600:] - level[600], fresh)
    send(room, tuples)
    right = (level[1440] - (level[600] - level[599])) / (DAY - 60)
    for days in (0, 100, 500):
        room.pass_days(days)
        value, known = mean(room, START, START + DAY)
        assert known == pytest.approx(1 - 60 / DAY)
        assert value == pytest.approx(right, abs=0.0001)


def test_the_humidity_may_be_nothing_at_all(bench):
    bench.rules[A] = HUMIDITY
    send(bench, [(START + i * 60, 7) for i in range(10)])
    assert mean(bench, START, START + 540) == (0, 1)
    send(bench, [(START + 600, 7 + 45 * 60), (START + 660, 7 + 45 * 60 + 101 * 60 + 2)])
    assert mean(bench, START + 540, START + 600) == (45, 1)
    assert mean(bench, START + 600, START + 660)[1] == 0


def test_any_gap_of_a_short_history(room):
    """Tuples at odd times, some missing: what is left tells the same."""
    chance = random.Random(3)
    ts, level = integral(START, START + 2 * DAY)
    kept = np.sort(np.array(chance.sample(range(len(ts)), 300)))
    send(room, sent(ts[kept], level[kept], WRAP - 20_000_000))
    room.pass_days(0)
    for _ in range(50):
        i, j = sorted(chance.sample(range(300), 2))
        a, b = int(ts[kept[i]]), int(ts[kept[j]])
        value, known = mean(room, a, b)
        assert known == 1
        assert value == pytest.approx((level[kept[j]] - level[kept[i]]) / (b - a), abs=2 / (b - a))
