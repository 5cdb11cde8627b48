# SPDX-License-Identifier: GPL-3.0-or-later
"""How many tuples a sensor may send a day; for any store."""

import pytest

from flukso_server.series.admission import MAX_TUPLES_DAY
from flukso_server.series.appending import append
from tests.server.series.benches import DAY, NOON

A = "a1" * 16
MIDNIGHT = NOON // DAY * DAY
SLICE = 4000


def each(step_s, day=MIDNIGHT - DAY):
    """Tuples of one UTC day, as often as that."""
    return [(day + at, at) for at in range(0, DAY, step_s)]


def send(bench, tuples, size=SLICE):
    """[new, duplicate, conflict, refused] of all."""
    counts = [0, 0, 0, 0]
    for at in range(0, len(tuples), size):
        counts = [
            sum(pair)
            for pair in zip(
                counts, append(bench.store, A, tuples[at : at + size], NOON)[:4], strict=True
            )
        ]
    return counts


def kept(bench):
    return len(bench.store.raw(A, 0, 1 << 32))


def test_a_tuple_each_ten_seconds_is_kept(bench):
    assert send(bench, each(10)) == [8640, 0, 0, 0]
    assert send(bench, each(10, MIDNIGHT - 2 * DAY), 500) == [8640, 0, 0, 0]


@pytest.mark.parametrize("size", [5, SLICE])
@pytest.mark.parametrize("merged", [False, True])
def test_more_are_refused_and_counted(bench, size, merged):
    tuples = each(5)
    counts = send(bench, tuples[:6000], size)
    if merged:
        bench.settle()
    counts = [sum(pair) for pair in zip(counts, send(bench, tuples[6000:], size), strict=True)]
    assert counts == [MAX_TUPLES_DAY, 0, 0, len(tuples) - MAX_TUPLES_DAY]
    assert kept(bench) == MAX_TUPLES_DAY
    assert send(bench, tuples[:10]) == [0, 10, 0, 0]
    assert send(bench, each(60, MIDNIGHT)[:100], 5) == [100, 0, 0, 0]  # the next day has room
    assert send(bench, tuples[1:20:2]) == [0, 10, 0, 0]


def test_late_ones_of_a_full_day_are_refused_and_those_of_another_kept(bench):
    tuples = each(5)
    send(bench, tuples[0::2])
    bench.settle()
    assert send(bench, tuples[1::2])[0] == MAX_TUPLES_DAY - 8640
    assert send(bench, each(60, MIDNIGHT - 3 * DAY)) == [1440, 0, 0, 0]


def test_a_restart_gives_little_more(bench):
    tuples = [(MIDNIGHT - DAY + at, at) for at in range(86_400)]
    assert send(bench, tuples[:10_000])[0] == MAX_TUPLES_DAY
    bench.settle()
    bench.open()
    send(bench, tuples[10_000:20_000], 5)
    assert kept(bench) <= MAX_TUPLES_DAY * 9 / 8
