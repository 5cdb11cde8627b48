# SPDX-License-Identifier: GPL-3.0-or-later
"""What ageing does to data that is not smooth: gaps, falls, and tuples that come when their day has
aged; for any store.
"""

import random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from flukso_server.series.appending import append
from flukso_server.series.reading import counters, coverage, profile
from tests.server.series.benches import DAY, NOON
from tests.server.series.model import HEARTBEAT_S, Model

A = "a1" * 16
MIDNIGHT = NOON // DAY * DAY
STEPS = (900, 3600, DAY)
GAPS = (300, 3600, DAY // 2, DAY, 3 * DAY, 20 * DAY)
BUSY = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def energies(store, first, last):
    """From the first tuple to the last one, at once and summed over each resolution."""
    yield profile(store, A, [first, last])[0][0]
    for step in STEPS:
        yield profile(store, A, range(first // step * step, last + step + 1, step))[0].sum()


@st.composite
def histories(draw):
    """Tuples of a counter that only rises, months ago, with gaps of minutes to weeks."""
    ts = (
        NOON - draw(st.sampled_from([70, 100, 200, 450, 900])) * DAY - draw(st.integers(0, 2 * DAY))
    )
    counter = draw(st.integers(1000, 50_000))
    tuples = []
    for gap in draw(st.lists(st.sampled_from(GAPS), min_size=4, max_size=12)):
        if ts > NOON:
            break
        tuples.append((ts, counter))
        length = gap + draw(st.integers(0, gap // 3))
        ts, counter = ts + length, counter + draw(st.integers(0, length // 20 + 1))
    return tuples


def late_tuple_by_tuple(bench, tuples, held, waits):
    """Those in `held` come one by one at last, some days after another; what is read meanwhile must
    be right as well.
    """
    append(bench.store, A, [pair for i, pair in enumerate(tuples) if i not in held], NOON)
    bench.settle()
    there = sorted(set(range(len(tuples))) - set(held))
    for index, days in zip(held, waits, strict=True):
        append(bench.store, A, [tuples[index]], bench.clock.now)
        there = sorted([*there, index])
        first, last = tuples[there[0]], tuples[there[-1]]
        known = all(
            tuples[b][0] - tuples[a][0] < HEARTBEAT_S
            for a, b in zip(there, there[1:], strict=False)
        )
        for settled in (False, True):
            if settled:
                bench.pass_days(days)
            for energy in energies(bench.store, first[0], last[0]):
                assert not known or energy == pytest.approx(last[1] - first[1], abs=1.01)


def test_late_tuples_between_interpolated_rungs_add_no_energy(bench):
    """A rung drawn across a silence of a day may stand above a tuple that comes at last: that is no
    fall.
    """
    tuples = [(1758628800, 31750), (1758672000, 33457), (1758675600, 33571), (1758675900, 33584)]
    tuples += [(1758719100, 34558), (1758722700, 34560), (1758765900, 35797)]
    late_tuple_by_tuple(bench, tuples, list(range(6)), [0] * 6)


def test_a_tuple_below_a_rung_that_was_drawn_across_the_silence_before_it_adds_no_energy(bench):
    """The day before it has aged already when it comes; its own day ages later."""
    days = [
        (70.4, 27763),
        (69.3, 31758),
        (68.75103, 31759),
        (68.74733, 31759),
        (47.58809, 31759),
        (46.58809, 35016),
        (22.5, 41100),
    ]
    late_tuple_by_tuple(
        bench, [(int(NOON - ago * DAY), counter) for ago, counter in days], [4], [40]
    )


def test_a_day_that_ages_after_a_late_tuple_redraws_the_rung_at_its_end(bench):
    """It was drawn across the silence in which the tuple lies, and lower."""
    tuples = [
        (1761220800, 1000),
        (1761221100, 1000),
        (1761221400, 1000),
        (1762949400, 1001),
        (1762992600, 1001),
    ]
    late_tuple_by_tuple(bench, tuples, [0, 1, 3], [0, 0, 40])


def test_a_late_tuple_that_fits_nowhere_is_dropped_and_the_store_lives_on(bench):
    """Of a month of which nothing is kept, so that not even a rung is left.

    A store that does not age keeps it, and answers as continuity says.
    """
    tuples = [(NOON - 300 * DAY, 5000), (NOON - 100 * DAY, 6000), (NOON - DAY, 6100)]
    late, newest = (NOON - 200 * DAY, 100), (NOON - 60, 6200)
    append(bench.store, A, tuples, NOON)
    bench.settle()
    append(bench.store, A, [late], NOON)
    bench.settle()
    assert append(bench.store, A, [newest], NOON).new == 1
    bench.settle()
    model = Model()
    model.append([*tuples, newest] if bench.ages else [*tuples, late, newest])
    first, last = counters(bench.store, A, [NOON - 300 * DAY, NOON - 60])
    assert last - first == model.total()


def test_a_late_tuple_waits_beside_the_block_that_is_ageing(bench):
    """It must not hide the coarser rungs of the days behind it."""
    start = MIDNIGHT - 450 * DAY
    tuples = [(start + hours * 3600, 1000 + hours * 40) for hours in (3, 27, 569, 571, 583)]
    late_tuple_by_tuple(bench, tuples, [3, 1], [0, 0])


@BUSY
@given(data=st.data())
def test_late_tuples_in_any_order_keep_all_energy(fresh, data):
    tuples = data.draw(histories())
    held = data.draw(st.permutations(range(len(tuples))))[
        : data.draw(st.integers(1, len(tuples) - 1))
    ]
    waits = data.draw(
        st.lists(st.sampled_from([0, 0, 0, 1, 40]), min_size=len(held), max_size=len(held))
    )
    with fresh() as bench:
        late_tuple_by_tuple(bench, tuples, held, waits)


def shuffled(bench, seed):
    """Uploads of a few tuples each in any order, of a counter that only rises; days or weeks pass
    between them.
    """
    rng = random.Random(seed)
    ts, counter, tuples = (
        NOON - rng.choice([80, 120, 300, 500, 1200, 3000]) * DAY - rng.randrange(2 * DAY),
        rng.randrange(1000, 50_000),
        [],
    )
    while ts < NOON and len(tuples) < rng.randrange(10, 60):
        tuples.append((ts, counter))
        gap = rng.choice([60, *GAPS, 30 * DAY])
        gap += rng.randrange(gap // 3)
        ts, counter = ts + gap, counter + rng.randrange(gap // 20 + 2)
    left = rng.sample(tuples, len(tuples))
    while left:
        size = rng.randrange(1, 12)
        append(bench.store, A, left[:size], bench.clock.now)
        left = left[size:]
        if rng.random() < 0.6:
            bench.pass_days(rng.choice([0, 0, 1, 5, 40]))
    bench.settle()
    return tuples


@BUSY
@given(seed=st.integers(0, 1 << 32))
@example(35)
@example(30_033)
@example(158_536_665)
def test_every_resolution_of_shuffled_uploads_has_all_energy(fresh, seed):
    with fresh() as bench:
        tuples = shuffled(bench, seed)
        for energy in energies(bench.store, tuples[0][0], tuples[-1][0]):
            assert energy == pytest.approx(tuples[-1][1] - tuples[0][1], abs=1.01)


@st.composite
def broken_counters(draw):
    """A counter with gaps, wraps, resets and falls to anywhere, up to NOON."""
    days, gaps = draw(
        st.sampled_from(
            [
                (1, (60, 60, 60, 900, 7200)),
                (3, (60, 300, 7200)),
                (40, (3600, 3600, 900, DAY, 3 * DAY)),
            ]
        )
    )
    # thousands of tuples: too many for hypothesis to draw
    rng = random.Random(draw(st.integers(0, 1 << 32)))
    falls = draw(st.sampled_from([0.0, 0.01, 0.05]))
    ts, counter, tuples = (
        NOON - days * DAY - rng.randrange(DAY),
        draw(st.sampled_from([1000, 20_000_000, (1 << 32) - 5000])),
        [],
    )
    while ts < NOON:
        tuples.append((ts, counter))
        gap = rng.choice(gaps)
        ts, counter = ts + gap, (counter + rng.randrange(gap // 20 + 2)) % (1 << 32)
        if rng.random() < falls:
            counter = rng.choice([0, rng.randrange(1000), rng.randrange(counter + 1)])
    return tuples


@BUSY
@given(tuples=broken_counters())
def test_gaps_and_falls_age_to_the_same_energy(fresh, tuples):
    with fresh() as bench:
        check_ages(bench, tuples)


@pytest.mark.parametrize("falls_a_day", [1, 10, 30])
def test_falls_of_each_day_of_weeks_age_to_the_same_energy(bench, falls_a_day):
    period = 86_400 // falls_a_day // 300
    check_ages(bench, [(NOON - 40 * DAY + 300 * i, 5 + 7 * (i % period)) for i in range(40 * 288)])


def check_ages(bench, tuples):
    """All energy and the time known, after months and years."""
    model = Model()
    model.append(tuples)
    first, last = tuples[0][0], tuples[-1][0]
    known = model.profile([first, last])[1][0]
    for at in range(0, len(tuples), 4000):
        append(bench.store, A, tuples[at : at + 4000], NOON)
    for days in (0, 70, 400, 3700):
        bench.pass_days(days)
        for energy in energies(bench.store, first, last):
            assert energy == pytest.approx(model.total(), abs=1.01)
        assert coverage(bench.store, A, [first, last])[0] == pytest.approx(known, abs=0.002)
