# SPDX-License-Identifier: GPL-3.0-or-later
"""Silences beside the energy: where a device sent nothing, whatever part of the store holds its
tuples.
"""

import pytest

from flukso_server.series.appending import append
from flukso_server.series.reading import survey
from tests.server.series.benches import DAY, NOON

A = "a5" * 16
BEGIN = NOON - 12 * 3600
MIDNIGHT = NOON // DAY * DAY


def minutes(start, end):
    return [(ts, (ts - BEGIN + 20 * DAY) // 6) for ts in range(start, end + 1, 60)]  # 600 W


@pytest.mark.parametrize("merged", [False, True])
def test_silences_are_found_and_their_energy_stays(bench, merged):
    store = bench.store
    append(store, A, minutes(BEGIN, BEGIN + 3600) + minutes(BEGIN + 5400, BEGIN + 7200), NOON)
    if merged:
        store.merge()
    energy, known, silences = survey(store, A, range(BEGIN, BEGIN + 9001, 900), 900)
    assert silences == [(BEGIN + 3600, BEGIN + 5400), (BEGIN + 7200, BEGIN + 9000)]
    assert energy.tolist()[:8] == [150.0] * 8 and known.tolist() == [1.0] * 8 + [0.0] * 2


@pytest.mark.parametrize("over_s, found", [(1799, 1), (1800, 0)])
def test_a_silence_must_be_longer_than_asked(store, over_s, found):
    append(store, A, minutes(BEGIN, BEGIN + 3600) + minutes(BEGIN + 5400, BEGIN + 7200), NOON)
    assert len(survey(store, A, (BEGIN + 60, BEGIN + 7200), over_s)[2]) == found


def test_a_silence_that_began_before_the_window_is_as_long_as_it_is(store):
    append(store, A, [(BEGIN, 0), (BEGIN + 7200, 1200)], NOON)
    assert survey(store, A, (BEGIN + 6600, BEGIN + 7200), 900)[2] == [(BEGIN + 6600, BEGIN + 7200)]


def test_of_whole_days_the_missing_ones_are_silent(store):
    days = [MIDNIGHT - 6 * DAY + DAY * n for n in range(6)]
    for day in (days[0], days[1], days[4], days[5]):
        append(store, A, minutes(day + 60, day + DAY - 60)[::10], NOON)
    store.merge()
    silences = survey(store, A, [*days, MIDNIGHT], DAY)[2]
    assert (
        len(silences) == 1
        and days[2] - 900 < silences[0][0] <= days[2]
        and days[4] <= silences[0][1] < days[4] + 900
    )


def test_a_short_silence_within_a_day_is_seen_between_midnights_too(bench):
    begin = MIDNIGHT - 3 * DAY
    silence = (begin + DAY + 3600, begin + DAY + 5400)
    tuples = minutes(begin, begin + 3 * DAY)
    held = [pair for pair in tuples if not silence[0] < pair[0] < silence[1]]
    for at in range(0, len(held), 4000):
        append(bench.store, A, held[at : at + 4000], NOON)
    bench.settle()
    days = [begin + DAY * n for n in range(4)]
    assert survey(bench.store, A, days, 900)[2] == [silence]
    assert survey(bench.store, A, days, DAY)[2] == []


def test_an_unknown_sensor_is_silent_throughout(store):
    energy, known, silences = survey(store, "c" * 32, (BEGIN, BEGIN + 3600), 900)
    assert energy.tolist() == known.tolist() == [0.0] and silences == [(BEGIN, BEGIN + 3600)]
