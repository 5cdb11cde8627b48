# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for any store; another store is added in benches.py."""

import asyncio
import itertools
import queue
import random
from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flukso_server.series import SeriesError, TupleError, open_store
from flukso_server.series.appending import append, append_async, append_many
from flukso_server.series.ladder import grain_s, horizons_at
from flukso_server.series.localtime import day_boundaries
from flukso_server.series.reading import counters, coverage, profile
from flukso_server.series.store import STORES
from tests.server.series.benches import DAY, NOON
from tests.server.series.model import Model

A, B = "a1" * 16, "b2" * 16
MIDNIGHT = NOON // DAY * DAY
FRESH = itertools.count(1)


def minutes(start, count, first=1000, watt=300):
    """Tuples a minute apart at a constant power."""
    return [(start + 60 * i, first + watt * i // 60) for i in range(count)]


def fill(bench, sensor, tuples):
    for at in range(0, len(tuples), 1000):
        append(bench.store, sensor, tuples[at : at + 1000], bench.clock.now)


OUTCOMES = [  # id, tuples stored before, tuples, (new, duplicate, conflict, refused)
    ("first", [], [(NOON, 5), (NOON + 60, 6)], (2, 0, 0, 0)),
    ("empty", [(NOON, 5)], [], (0, 0, 0, 0)),
    ("repeated", [(NOON, 5), (NOON + 60, 6)], [(NOON, 5), (NOON + 60, 6)], (0, 2, 0, 0)),
    ("overlap", [(NOON, 5), (NOON + 60, 6)], [(NOON + 60, 6), (NOON + 90, 7)], (1, 1, 0, 0)),
    ("late", [(NOON, 5)], [(NOON - 60, 4)], (1, 0, 0, 0)),
    ("conflict keeps the first", [(NOON, 5)], [(NOON, 6)], (0, 0, 1, 0)),
    ("twice in one upload", [], [(NOON, 5), (NOON, 5), (NOON, 6)], (1, 1, 1, 0)),
    ("out of order", [], [(NOON + 60, 6), (NOON, 5)], (2, 0, 0, 0)),
    ("the clock may be two minutes ahead", [], [(NOON + 300 + 120, 5)], (1, 0, 0, 0)),
    (
        "ahead is refused, the rest kept",
        [],
        [(NOON, 5), (NOON + 300 + 121, 6), (NOON + 60, 6)],
        (2, 0, 0, 1),
    ),
    ("fifteen years old is taken", [], [(NOON - 5479 * DAY, 5), (NOON, 6)], (2, 0, 0, 0)),
    ("thirty years old is refused", [], [(NOON - 10_960 * DAY, 5), (NOON, 6)], (1, 0, 0, 1)),
    ("before the epoch", [], [(-1, 5)], (0, 0, 0, 1)),
    ("counter below zero", [], [(NOON, -1), (NOON + 60, 1)], (1, 0, 0, 1)),
    ("counter over a u32", [], [(NOON, 1 << 32), (NOON + 60, (1 << 32) - 1)], (1, 0, 0, 1)),
]


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize(
    "before, tuples, want", [pytest.param(b, t, w, id=i) for i, b, t, w in OUTCOMES]
)
def test_append_counts_what_became_of_each_tuple(bench, before, tuples, want, merged):
    bench.clock.now = NOON + 300
    append(bench.store, A, before, NOON + 300)
    if merged:
        bench.settle()
    outcome = append(bench.store, A, tuples, NOON + 300)
    assert tuple(outcome[:4]) == want
    model = Model()
    model.append(before)
    model.append(
        [(t, c) for t, c in tuples if NOON - 10_958 * DAY <= t <= NOON + 420 and 0 <= c < 1 << 32]
    )
    assert bench.store.raw(A, 0, 1 << 32) == model.raw(0, 1 << 32)


def test_says_by_how_much_a_clock_is_ahead(store):
    assert append(store, A, [(NOON + 340, 5), (NOON, 4)], NOON).ahead_s == 340


@pytest.mark.parametrize(
    "bad",
    [
        [(1,)],
        [(1, 2, 3)],
        [("1", 2)],
        [(1.5, 2)],
        [5],
        [(NOON, None)],
        [(NOON, 2.5)],
        [(NOON, 1)] * 5000,
    ],
)
def test_malformed_tuples_raise_and_store_nothing(store, bad):
    with pytest.raises(TupleError):
        append(store, A, [*bad], NOON)
    assert store.raw(A, 0, 1 << 32) == []
    assert store.last(A) is None


def test_one_bad_upload_of_a_group_spoils_no_other(store):
    async def all_of_them():
        return await asyncio.gather(
            append_async(store, A, [(NOON, 1)], NOON),
            append_async(store, "not hex", [(NOON, 1)], NOON),
            append_async(store, B, [(NOON, 2)], NOON),
            return_exceptions=True,
        )

    good, bad, fine = asyncio.run(all_of_them())
    assert (good.new, fine.new) == (1, 1)
    assert isinstance(bad, TupleError)


def test_results_come_in_the_order_of_the_uploads_with_an_error_for_each_bad_one(store):
    uploads = [(B, [(NOON, 2)]), (A, [(NOON,)]), ("not hex", [(NOON, 1)]), (B, [(NOON, 2)]), (A, 5)]
    answered = queue.SimpleQueue()
    store.append(uploads, NOON, answered.put)
    stored, short, nobody, repeated, no_list = answered.get(timeout=60)
    assert (stored.new, repeated.duplicate) == (1, 1)
    assert all(isinstance(each, TupleError) for each in (short, nobody, no_list))
    assert store.raw(A, 0, 1 << 32) == []


def test_an_append_of_nothing_is_answered(store):
    assert append_many(store, [], NOON) == []


def test_a_mark_of_imported_history_goes_with_the_series(bench):
    append(bench.store, A, [(NOON - 60, 1), (NOON, 2)], NOON)
    bench.store.mark_imported(A, NOON)
    bench.store.mark_imported(B, NOON)  # unknown: nothing to mark
    bench.open()
    assert (bench.store.imported_until(A), bench.store.imported_until(B)) == (NOON, 0)
    append(bench.store, A, [(NOON + 60, 3)], NOON)
    assert bench.store.imported_until(A) == NOON
    bench.store.forget(A)
    assert bench.store.imported_until(A) == 0


def test_the_horizons_say_how_far_apart_points_are_kept(bench):
    ages = {5: 1, 100: 900, 500: 3600, 4000: DAY}
    for days in ages:
        append(bench.store, A, [(bench.clock.now - days * DAY, 5000 - days)], bench.clock.now)
    assert {grain_s(NOON - days * DAY, bench.store.horizons()) for days in ages} == {1}
    bench.settle()
    horizons = bench.store.horizons()
    assert horizons == (horizons_at(bench.clock.now) if bench.ages else (0, 0, 0))
    grains = {days: grain_s(NOON - days * DAY, horizons) for days in ages}
    assert grains == (ages if bench.ages else dict.fromkeys(ages, 1))


def test_what_is_forgotten_starts_afresh(bench):
    append(bench.store, A, [(NOON - 600, 5)], NOON)
    bench.settle()
    append(bench.store, A, [(NOON - 540, 6)], NOON)
    bench.store.forget(A)
    for _open in range(2):
        assert bench.store.raw(A, 0, 1 << 32) == []
        assert (bench.store.first(A), bench.store.last(A)) == (None, None)
        bench.open()
    assert append(bench.store, A, [(NOON - 600, 7)], NOON).new == 1
    assert (bench.store.first(A), bench.store.last(A)) == (NOON - 600, (NOON - 600, 7))


def test_a_line_in_the_table_of_stores_is_enough_to_open_another_store(tmp_path, monkeypatch):
    monkeypatch.setitem(STORES, "plain", ("tests.server.series.plain.store", "PlainStore"))
    store = open_store(f"plain:{tmp_path / 's'}", merge=True)
    assert append(store, A, [(NOON, 1)], NOON).new == 1
    store.close()
    with pytest.raises(ValueError, match="'other' is unknown; there is plain:PATH, sqlite:PATH"):
        open_store("other:somewhere")


def test_unknown_sensor_reads_as_empty(store):
    assert counters(store, A, [NOON, NOON + 60]) == [None, None]
    assert coverage(store, A, [NOON, NOON + 60]).tolist() == [0.0]
    assert store.raw(A, 0, NOON) == []
    assert (store.first(A), store.last(A)) == (None, None)


def test_closed_store_refuses(bench):
    bench.store.close()
    with pytest.raises(SeriesError):
        append(bench.store, A, [(NOON, 1)], NOON)


CONTINUITY = [  # id, tuples, energy of each interval (Wh), known share of each
    ("rises", [(0, 100), (60, 105)], [5], [1]),
    ("stands", [(0, 100), (60, 100)], [0], [1]),
    ("wraps", [(0, (1 << 32) - 100), (60, 50)], [150], [1]),
    ("wraps at the very limit", [(0, (1 << 32) - 1200), (60, 0)], [1200], [1]),
    ("starts again from 0", [(0, 500_000), (60, 30)], [30], [1]),
    ("starts again at the limit", [(0, 500_000), (60, 1200)], [1200], [1]),
    ("falls to what cannot be", [(0, 500_000), (60, 1201)], [0], [0]),
    ("falls, then goes on", [(0, 500_000), (60, 400_000), (120, 400_005)], [0, 5], [0, 1]),
    ("silent for 100 days", [(0, 100), (100 * DAY, 100_100)], [100_000], [1]),
    ("silent for longer", [(0, 100), (100 * DAY + 1, 100_100)], [0], [0]),
]


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize(
    "tuples, energy, known", [pytest.param(t, e, k, id=i) for i, t, e, k in CONTINUITY]
)
def test_continuity(bench, tuples, energy, known, merged):
    start = MIDNIGHT - 101 * DAY
    append(bench.store, A, [(start + t, c) for t, c in tuples], bench.clock.now)
    if merged:
        bench.settle()
    got_energy, got_known = profile(bench.store, A, [start + t for t, _c in tuples])
    assert got_energy.tolist() == pytest.approx(energy)
    assert got_known.tolist() == pytest.approx(known)


def test_a_silence_too_long_to_be_known_keeps_its_energy(bench):
    start = MIDNIGHT - 150 * DAY
    append(bench.store, A, [(start, 100), (start + 120 * DAY, 90_100)], bench.clock.now)
    bench.settle()
    first, inside, last = counters(bench.store, A, [start, start + DAY, start + 120 * DAY])
    assert inside is None
    assert last - first == 90_000


STEPS = [60, 900, 3600, DAY, 7 * DAY]


@pytest.mark.parametrize("step", STEPS)
def test_every_resolution_sums_to_the_counter_difference(bench, step):
    rng = random.Random(step)
    bench.clock.now = MIDNIGHT
    start = MIDNIGHT // (7 * DAY) * 7 * DAY - 14 * DAY
    tuples, counter = [], 1000
    for ts in range(start, MIDNIGHT, 300):
        counter += rng.randrange(40)
        tuples.append((ts + rng.randrange(200), counter))
    fill(bench, A, tuples)
    bench.settle()
    boundaries = range(start, start + 14 * DAY + 1, step)
    energy, _known = profile(bench.store, A, boundaries)
    first, last = counters(bench.store, A, [tuples[0][0], tuples[-1][0]])
    assert energy.sum() == pytest.approx(last - first, abs=1e-3)
    assert last - first == counter - tuples[0][1]


def test_an_outage_with_aged_tuples_keeps_all_energy(bench):
    """Five days without network: the device's buffer has thinned out to a tuple an hour and
    coarser.
    """
    live = minutes(MIDNIGHT - 8 * DAY, 1440)
    end = live[-1][0]
    aged = [
        (end + gap, live[-1][1] + gap * 400 // 3600)
        for gap in (3600, 7200, 14_400, 43_200, 2 * DAY, 5 * DAY)
    ]
    again = [
        (ts + aged[-1][0] - MIDNIGHT, c + aged[-1][1])
        for ts, c in minutes(MIDNIGHT + 60, 600, first=5)
    ]
    fill(bench, A, live)
    fill(bench, A, again)  # the newest first, as devices may
    bench.settle()
    fill(bench, A, aged)
    bench.settle()
    days = range(MIDNIGHT - 8 * DAY, MIDNIGHT + 1, DAY)
    energy, known = profile(bench.store, A, days)
    model = Model()
    for part in (live, again, aged):
        model.append(part)
    assert energy.tolist() == pytest.approx(model.profile(list(days))[0])
    # all but what lies after the last midnight
    assert energy.sum() == pytest.approx(model.total(), abs=400)
    assert known[:6].tolist() == pytest.approx([1.0] * 6)


@pytest.mark.parametrize(
    "day, hours", [(date(2025, 3, 30), 23), (date(2025, 10, 26), 25), (date(2025, 10, 27), 24)]
)
def test_local_days_have_their_own_hours(bench, day, hours):
    zone = ZoneInfo("Europe/Brussels")
    start, end = day_boundaries(day, day, zone)
    fill(bench, A, minutes(start - DAY, 3 * 1440, watt=600))
    bench.settle()
    energy, known = profile(bench.store, A, (start, end))
    assert (end - start) / 3600 == hours
    assert energy.tolist() == pytest.approx([600 * hours], abs=0.5)
    assert known.tolist() == pytest.approx([1])


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_order_and_any_repetition_give_the_same_answer(bench, data):
    """Uploads shuffled, repeated, merged and reopened in between: as if they had come in order."""
    sensor = f"{next(FRESH):032x}"
    spread = data.draw(st.sampled_from([600, 86_400, 10 * 86_400, 55 * 86_400]))
    bench.clock.now = NOON
    times = sorted(data.draw(st.sets(st.integers(NOON - spread, NOON), min_size=1, max_size=40)))
    counters = data.draw(
        st.lists(
            st.integers(0, (1 << 32) - 1) | st.integers(0, 2000),
            min_size=len(times),
            max_size=len(times),
        )
    )
    if data.draw(st.booleans()):
        counters.sort()
    tuples = list(zip(times, counters, strict=True))
    cuts = data.draw(
        st.lists(st.tuples(st.integers(0, len(tuples)), st.integers(1, 12)), max_size=6)
    )
    uploads = [tuples[at : at + size] for at, size in cuts] + [
        tuples[at : at + 5] for at in range(0, len(tuples), 5)
    ]
    model = Model()
    model.append(tuples)
    for upload in data.draw(st.permutations(uploads)):
        append(bench.store, sensor, upload, NOON)
        what = data.draw(st.sampled_from(["", "", "", "merge", "reopen"]))
        if what == "merge":
            bench.settle()
        elif what == "reopen":
            bench.open()
    agrees(
        bench.store,
        sensor,
        model,
        data.draw(st.sets(st.integers(NOON - spread - 900, NOON + 900), min_size=2, max_size=8)),
    )
    bench.settle()
    agrees(bench.store, sensor, model, {NOON - spread, NOON})
    agrees(bench.store, sensor, model, set(range(MIDNIGHT - 56 * DAY, MIDNIGHT + DAY, 7 * DAY)))


def agrees(store, sensor, model, boundaries):
    boundaries = sorted(boundaries)
    energy, known = model.profile(boundaries)
    got_energy, got_known = profile(store, sensor, boundaries)
    assert got_energy.tolist() == pytest.approx(energy, rel=1e-9, abs=1e-3)
    assert got_known.tolist() == pytest.approx(known, rel=1e-9, abs=1e-9)
    assert store.raw(sensor, 0, 1 << 32) == model.raw(0, 1 << 32)
    assert store.last(sensor) == max(model.tuples.items())
    assert store.first(sensor) == min(model.tuples)
    assert [level is None for level in counters(store, sensor, boundaries)] == [
        outside(model, b) for b in boundaries
    ]


def outside(model, ts):
    return ts < min(model.tuples) or ts > max(model.tuples)


def test_what_was_stored_is_there_after_reopening(bench):
    tuples = minutes(MIDNIGHT - 3 * DAY, 5000)
    fill(bench, A, tuples)
    bench.open()
    assert bench.store.raw(A, 0, 1 << 32) == tuples
    bench.settle()
    bench.open()
    assert bench.store.raw(A, 0, 1 << 32) == tuples
    assert tuple(append(bench.store, A, tuples[-10:], NOON)[:3]) == (0, 10, 0)


def test_forgotten_is_gone_and_can_start_afresh(bench):
    fill(bench, A, minutes(MIDNIGHT - 3 * DAY, 5000))
    fill(bench, B, minutes(MIDNIGHT - 3 * DAY, 5000))
    bench.settle()
    fill(bench, A, minutes(MIDNIGHT + 3600, 5, first=9_000_000))
    bench.store.forget(A)
    assert bench.store.raw(A, 0, 1 << 32) == []
    assert bench.store.last(A) is None
    assert append(bench.store, A, [(NOON, 7)], NOON).new == 1
    for again in (bench.settle, bench.open, bench.settle):
        again()
        assert bench.store.raw(A, 0, 1 << 32) == [(NOON, 7)]
        assert counters(bench.store, A, [NOON - 60, NOON]) == [None, 7.0]
        assert len(bench.store.raw(B, 0, 1 << 32)) == 5000


def test_old_data_gets_coarser_and_keeps_its_energy(bench):
    """Four hundred days pass over ten days of data; then years."""
    rng = random.Random(4)
    start, counter, tuples = MIDNIGHT - 10 * DAY, 1000, []
    for ts in range(start, MIDNIGHT, 60):
        counter += rng.randrange(12)
        tuples.append((ts + rng.randrange(20), counter))
    fill(bench, A, tuples)
    bench.settle()
    boundaries = {step: range(start, MIDNIGHT + 1, step) for step in (900, 3600, DAY)}
    exact = {step: profile(bench.store, A, at)[0] for step, at in boundaries.items()}
    sizes = [len(tuples)]
    for days, step in ((75, 900), (370, 3600), (3700, DAY)):
        bench.pass_days(days)
        for coarse in (s for s in boundaries if s >= step):
            assert profile(bench.store, A, boundaries[coarse])[0].tolist() == pytest.approx(
                exact[coarse].tolist(), abs=1.01
            )
        assert profile(bench.store, A, [start, MIDNIGHT])[0][0] == pytest.approx(
            exact[DAY].sum(), abs=1.01
        )
        sizes.append(len(bench.store.raw(A, 0, 1 << 32)))
    if bench.ages:
        assert sizes[1] <= 10 * 96 + 3
        assert sizes[2] <= 10 * 24 + 3
        assert sizes[3] <= 10 + 3
    else:
        assert sizes == [len(tuples)] * 4
    assert bench.store.last(A)[1] == counter


def test_wraps_and_resets_survive_ageing(bench):
    start = MIDNIGHT - 3 * DAY
    tuples = [(start + 61 * i, ((1 << 32) - 5000 + 7 * i) % (1 << 32)) for i in range(2000)]
    reset = tuples[-1][0] + 300
    tuples += [(reset + 60 * i, 5 * i + 3) for i in range(1500)]
    model = Model()
    model.append(tuples)
    fill(bench, A, tuples)
    for days in (0, 70, 360, 3700):
        bench.pass_days(days)
        energy, _known = profile(bench.store, A, [start, tuples[-1][0] + 1])
        assert energy[0] == pytest.approx(model.total(), abs=1.01)


def test_tuples_that_come_after_their_days_have_aged_change_no_energy(bench):
    """The device was off the network for three months; its last hours come with what it kept."""
    fill(bench, A, minutes(MIDNIGHT - 2 * DAY, 1440))
    bench.pass_days(90)
    end = MIDNIGHT - 2 * DAY + 1439 * 60
    late = [(end + i * 6 * 3600, 1000 + 300 * 1439 // 60 + i * 1500) for i in range(1, 300)]
    fill(bench, A, late)
    bench.settle()
    energy, known = profile(bench.store, A, range(MIDNIGHT - 2 * DAY, MIDNIGHT + 60 * DAY, DAY))
    assert energy[2:].tolist() == pytest.approx([6000] * len(energy[2:]), abs=2)
    assert known.tolist() == pytest.approx([1.0] * len(known))
    assert profile(bench.store, A, [MIDNIGHT - 2 * DAY, late[-1][0]])[0][0] == pytest.approx(
        late[-1][1] - 1000, abs=1.01
    )


def test_history_can_be_imported_before_what_there_is(bench):
    """Three years by the hour, in any order of years, behind a week by the minute."""
    fill(bench, A, minutes(MIDNIGHT - 7 * DAY, 7 * 1440, first=10_000_000))
    bench.settle()
    hours = [(MIDNIGHT - 7 * DAY - 3600 * i, 10_000_000 - 250 * i) for i in range(1, 3 * 365 * 24)]
    for year in (1, 0, 2):
        fill(bench, A, sorted(hours[year * 8760 : (year + 1) * 8760]))
        bench.settle()
    at = range(MIDNIGHT - 1095 * DAY, MIDNIGHT - 10 * DAY, DAY)
    energy, known = profile(bench.store, A, at)
    assert energy[1:].tolist() == pytest.approx([6000] * (len(at) - 2), abs=1.01)
    assert known[1:].tolist() == pytest.approx([1.0] * (len(at) - 2))


@pytest.mark.parametrize("step", [900, 3600, DAY])
def test_a_window_anywhere_reads_like_the_whole(bench, step):
    """Neighbours outside the window count: an hour inside a gap of days has its share of the
    energy.
    """
    start = MIDNIGHT - 40 * DAY
    tuples = [(start + i * 7200 + (i % 7) * 13 * 3600, 1000 + i * 777) for i in range(400)]
    fill(bench, A, sorted(set(tuples)))
    for merge in (False, True):
        if merge:
            bench.settle()
        whole = range(start, start + 30 * DAY + 1, step)
        energy = profile(bench.store, A, whole)[0]
        for at in range(0, len(energy), max(1, len(energy) // 60)):
            one = profile(bench.store, A, [whole[at], whole[at + 1]])[0]
            assert one[0] == pytest.approx(energy[at], abs=1e-3)
