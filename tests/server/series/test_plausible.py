# SPDX-License-Identifier: GPL-3.0-or-later
"""What no meter can have counted is set aside, on every store, before and after ageing."""

import random

import numpy as np
import pytest

from flukso_server.series.appending import append
from flukso_server.series.plausible import judge
from flukso_server.series.points import Points
from flukso_server.series.reading import counters, doubts, profile
from flukso_server.series.rule import COUNTER, WRAP
from flukso_server.series.store import CorrectionError
from flukso_server.series.terms import CORRECTIONS_MAX, Correction, Limit, Terms
from tests.server.series.believed import intervals
from tests.server.series.benches import DAY, NOON

A = "a1" * 16
START = NOON // DAY * DAY - 5 * DAY + 36_000
HOUR = 3600


def line(start=START, count=60, first=5_000_000, rise=10, each=60):
    """Tuples at a constant power: 600 W by default."""
    return [(start + each * i, (first + rise * i) % WRAP) for i in range(count)]


def but(tuples, at, *counters):
    """The tuples, with other counters from the one at `at` on."""
    changed = [*tuples]
    changed[at : at + len(counters)] = [
        (ts, counter) for (ts, _right), counter in zip(tuples[at:], counters, strict=False)
    ]
    return changed


def moved(tuples, seconds, wh):
    return [(ts + seconds, counter + wh) for ts, counter in tuples]


LINE = line()
WEEK = line(START - 8 * DAY, 8 * 24 * 12, each=300, rise=50, first=4_000_000)
LATER = WEEK[-1][0] + 300
CASES = [  # id, tuples, Wh that are right
    ("all is well", LINE, 590),
    ("dip to zero", but(LINE, 30, 0), 590),
    ("dip to a low value", but(LINE, 30, 700), 590),
    ("dip of a little", but(LINE, 30, 5_000_100), 590),
    ("a high bit", but(LINE, 30, 5_000_300 | 1 << 31), 590),
    ("a bit that a minute could count", but(LINE, 30, 5_000_300 + 512), 590),
    ("all bits", but(LINE, 30, (1 << 32) - 1), 590),
    ("all bits of a new counter", but(line(first=0), 30, (1 << 32) - 1), 590),
    ("three odd ones", but(LINE, 30, 0, 1 << 31, 77), 590),
    ("three equal odd ones", but(LINE, 30, 0, 0, 0), 590),
    ("a dip in two neighbours' midst", but(LINE, 30, 0, 5_000_310, 0), 590),
    (
        "an odd one each ten minutes",
        [t if i % 10 != 5 else (t[0], 3) for i, t in enumerate(LINE)],
        590,
    ),
    ("the second tuple", but(LINE, 1, 0), 590),
    ("replaced higher", LINE[:30] + moved(LINE[30:], 60, 4_000_000), 580),
    ("replaced lower", LINE[:30] + moved(LINE[30:], 60, -4_000_000), 580),
    ("replaced by one at zero", LINE[:30] + line(LINE[30][0], 30, first=0), 580),
    ("begins again from zero", LINE[:30] + line(LINE[30][0], 30, first=7), 587),
    ("wraps", line(first=(1 << 32) - 300), 590),
    ("a dip where it wraps", but(line(first=(1 << 32) - 300), 30, 9_000_000), 590),
    (
        "steps of 100 Wh",
        [(ts, (c - 5_000_000) // 100 * 100 + 5_000_000) for ts, c in line(each=10)],
        500,
    ),
    (
        "steps of 1 kWh in ten seconds",
        [(ts, (c - 5_000_000) // 1000 * 1000 + 5_000_000) for ts, c in line(each=10, count=600)],
        5000,
    ),
    ("yesterday's clock", sorted(LINE + moved(line(count=30), 630, 14_500)), 590),
    ("a clock ten minutes behind", sorted(LINE + moved(line(count=20), 630, 205)), 590),
    (
        "a week and an hour",
        WEEK + line(LATER, first=WEEK[-1][1] + 50),
        WEEK[-1][1] - WEEK[0][1] + 640,
    ),
    (
        "higher after ten days",
        WEEK + line(LATER + 10 * DAY, first=WEEK[-1][1] + 11_998_000),
        WEEK[-1][1] - WEEK[0][1] + 590,
    ),
    (
        "on after ten days",
        WEEK + line(LATER + 10 * DAY, first=WEEK[-1][1] + 140_000),
        WEEK[-1][1] - WEEK[0][1] + 140_590,
    ),
    (
        "lower after ten days",
        WEEK + line(LATER + 10 * DAY, first=WEEK[-1][1] - 3_000_000),
        WEEK[-1][1] - WEEK[0][1] + 590,
    ),
    (
        "two hours that the highest day cannot have had",
        WEEK + line(LATER + 2 * HOUR, first=WEEK[-1][1] + 30_000),
        WEEK[-1][1] - WEEK[0][1] + 590,
    ),
]


def total(store, first, last, step=None):
    edges = [first, last] if step is None else range(first // step * step, last + step + 1, step)
    return profile(store, A, edges)[0].sum()


def put(bench, tuples):
    for at in range(0, len(tuples), 4000):
        append(bench.store, A, tuples[at : at + 4000], bench.clock.now)


@pytest.mark.parametrize(
    "tuples, right", [pytest.param(tuples, right, id=name) for name, tuples, right in CASES]
)
def test_what_no_meter_counts_is_set_aside_also_when_it_has_aged(bench, tuples, right):
    bench.clock.now = tuples[-1][0] + 60
    put(bench, tuples)
    first, last = tuples[0][0], tuples[-1][0]
    for days in (0, 2, 70, 400, 3700):
        bench.pass_days(days)
        for step in (None, 900, HOUR, DAY):
            assert total(bench.store, first, last, step) == pytest.approx(right, abs=1.01)


@pytest.mark.parametrize("shift", [0, 29 * 60, 30 * 60, 30 * 60 + 30, 31 * 60])
@pytest.mark.parametrize("odd", [0, 5_000_300 + 512, 1 << 31])
def test_an_odd_tuple_about_midnight_is_set_aside_in_every_window(bench, odd, shift):
    """So that the days read by their headers say what the minutes do."""
    midnight = NOON // DAY * DAY - 3 * DAY
    tuples = but(line(midnight - shift), 30, odd)
    bench.clock.now = NOON
    put(bench, tuples)
    for _round in range(2):
        bench.settle()
        assert total(bench.store, midnight - DAY, midnight + DAY, DAY) == pytest.approx(590)
        minutes = range(midnight - HOUR, midnight + HOUR + 1, 60)
        whole = profile(bench.store, A, minutes)[0]
        assert whole.sum() == pytest.approx(590) and whole.max() <= 10.01
        for at, energy in enumerate(whole):
            one = profile(bench.store, A, [minutes[at], minutes[at + 1]])[0][0]
            assert one == pytest.approx(energy, abs=1e-6)
        bench.clock.now += DAY


def test_a_limit_holds_from_its_configuration_on(bench):
    """16 A at 230 V: 1.28 Wh/s, so 300 Wh in a minute are too much; they were not before."""
    tuples = but(line(count=30), 10, *[c + 300 for _ts, c in LINE[10:30]])
    after = moved(tuples, HOUR, 2000)
    bench.store.limit(A, Limit(START + HOUR // 2, 230 * 16 * 1.25 / 3600, 1))
    bench.clock.now = after[-1][0] + 60
    put(bench, tuples + after)
    right = 590 + (after[0][1] - tuples[-1][1]) + 280
    for days in (0, 2, 70, 400):
        bench.pass_days(days)
        for step in (None, 900, DAY):
            got = total(bench.store, tuples[0][0], after[-1][0], step)
            assert got == pytest.approx(right, abs=1.01)
    bench.open()
    assert bench.store.terms(A).limits[0].since == START + HOUR // 2
    bench.store.forget(A)


def test_a_meter_of_large_pulses_is_believed_once_it_is_configured():
    """400 Wh a pulse, from a counter that is no multiple of it, each ten seconds."""
    tuples = [(START + 10 * i, 37 + i // 60 * 400) for i in range(600)]
    points = Points(*np.array(tuples, np.int64).T)
    known = judge(points, Terms(COUNTER, (Limit(0, 20.0, 400),)))
    assert known.energy.sum() == tuples[-1][1] - 37


FAULTS = ("zero", "bit", "ones", "low", "burst", "line")


def stream(rng):
    """A true stream with faults between its tuples, and which of its tuples are true."""
    counter, ts = rng.randrange(100_000, 4_000_000_000), START
    true, faults = [], []
    while len(true) < 400:
        true.append((ts, counter))
        seconds = rng.choice((60, 60, 60, 60, 120, 300))
        ts, counter = ts + seconds, counter + rng.randrange(0, seconds * 2)
    at = 20
    while at < 370:
        ts, counter = true[at]
        kind = rng.choice(FAULTS)
        if kind == "line":  # a device whose clock is behind
            faults += [(true[i][0] + 30, true[i][1] + 50_000) for i in range(at, at + 12)]
        else:
            count = rng.randrange(2, 4) if kind == "burst" else 1
            faults += [
                (
                    ts + 5 + 5 * i,
                    {
                        "zero": 0,
                        "bit": counter ^ 1 << rng.randrange(16, 32),
                        "ones": (1 << 32) - 1,
                        "low": rng.randrange(0, 1000),
                        "burst": rng.randrange(1 << 32),
                    }[kind],
                )
                for i in range(count)
            ]
        at += rng.randrange(25, 60)
    return true, faults


@pytest.mark.parametrize("seed", range(30))
def test_of_a_stream_with_faults_no_fault_counts_and_nothing_true_is_lost(seed):
    true, faults = stream(random.Random(seed))
    tuples = sorted(true + faults)
    judged = judge(Points(*np.array(tuples, np.int64).T))
    assert judged.energy.sum() == true[-1][1] - true[0][1]
    assert judged.known.sum() == true[-1][0] - true[0][0]
    assert judged.points.ts.tolist() == [ts for ts, _counter in true]
    plain = intervals(tuples)
    assert [energy for _a, _b, energy, _known in plain] == judged.energy.tolist()


@pytest.mark.parametrize("seed", range(6))
def test_such_a_stream_ages_to_the_same_energy(bench, seed):
    true, faults = stream(random.Random(seed))
    tuples = sorted(true + faults)
    bench.clock.now = tuples[-1][0] + 60
    put(bench, tuples)
    for days in (0, 2, 70, 400):
        bench.pass_days(days)
        for step in (None, 900, HOUR, DAY):
            got = total(bench.store, tuples[0][0], tuples[-1][0], step)
            assert got == pytest.approx(true[-1][1] - true[0][1], abs=1.01)


@pytest.mark.parametrize("kind", ["alternating", "random"])
def test_a_counter_that_says_only_odd_values_takes_no_long_to_read(bench, kind):
    """Bounded in what it takes at rest and in time; nothing it says exceeds the limit."""
    rng = random.Random(1)
    say = {
        "alternating": lambda i: (1_000_000, 5_000_000, 9)[i % 3],
        "random": lambda _i: rng.randrange(1 << 32),
    }[kind]
    tuples = [(START + 60 * i, say(i)) for i in range(2 * 1440)]
    bench.clock.now = tuples[-1][0] + 60
    put(bench, tuples)
    for days in (0, 70):
        bench.pass_days(days)
        energy = profile(bench.store, A, range(START, tuples[-1][0] + 1, 60))[0]
        assert (energy >= 0).all() and energy.max() <= 20 * 60 + 2
    if bench.ages:
        assert len(bench.store.raw(A, 0, 1 << 32)) < 3 * (96 + 4 * 32 + 4)


REASONS = {  # of the cases: (reason, tuples set aside) of each doubt, the newest first
    "all is well": [],
    "dip to zero": [("odd", 1)],
    "three odd ones": [("line", 3)],
    "replaced higher": [("rise", 0)],
    "replaced lower": [("fall", 0)],
    "begins again from zero": [],
    "higher after ten days": [("gap", 0)],
    "on after ten days": [],
    "yesterday's clock": [("line", 30)],
    "an odd one each ten minutes": [("line", 6)],
}


@pytest.mark.parametrize("name", REASONS)
def test_doubts_are_told_with_their_reason_also_when_they_have_aged(bench, name):
    (tuples,) = [tuples for case, tuples, _right in CASES if case == name]
    bench.clock.now = tuples[-1][0] + 60
    put(bench, tuples)
    for days in (0, 2, 70):
        bench.pass_days(days)
        found = doubts(bench.store, A, tuples[0][0], tuples[-1][0] + 1)
        assert [each.reason for each in found] == [reason for reason, _aside in REASONS[name]]
        if days < 70:  # of many, some have gone then
            assert [each.aside for each in found] == [aside for _reason, aside in REASONS[name]]


CORRECTED = [  # id, tuples, corrections (kind, first and last index), Wh that are right
    (
        "replaced at zero",
        LINE[:30] + line(LINE[30][0], 30, first=9),
        [("replaced", 30, 30)],
        580,
    ),
    (
        "a step that is true",
        LINE[:30] + moved(LINE[30:], 0, 4_000_000),
        [("accept", 29, 30)],
        4_000_590,
    ),
    ("a stretch that is not", but(LINE, 20, *[5_000_900] * 5), [("exclude", 20, 24)], 590),
    ("the end", but(LINE, 50, *[c + 500 for _t, c in LINE[50:]]), [("exclude", 50, 59)], 490),
    ("all", LINE, [("exclude", 0, 59)], 0),
    ("what the meter says", LINE, [("level", 5, 5)], 590),
]


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(
    "tuples, said, right", [pytest.param(t, s, r, id=name) for name, t, s, r in CORRECTED]
)
def test_what_the_owner_says_holds_in_every_age_and_can_be_undone(bench, tuples, said, right, late):
    """Late: it is said when the day has aged, to the quarter."""
    bench.clock.now = tuples[-1][0] + 60
    put(bench, tuples)
    first, last = tuples[0][0], tuples[-1][0]
    sent = total(bench.store, first, last)
    if late:
        bench.pass_days(70)
    made = [
        bench.store.correct(A, Correction(kind, tuples[a][0], tuples[b][0], 7, NOON))
        for kind, a, b in said
    ]
    bench.open()
    assert [each.ident for each in bench.store.terms(A).corrections] == made
    for days in (0, 2, 70, 400):
        bench.pass_days(days)
        for step in (None, 900, DAY):
            got = total(bench.store, first, last, step)
            if not late or not bench.ages:
                assert got == pytest.approx(right, abs=1.01)
            else:  # known to the quarter: no more than what was sent
                assert right - 350 <= got <= max(right, sent) + 1.01
    for ident in made:
        assert bench.store.undo(A, ident) and not bench.store.undo(A, ident)
    assert total(bench.store, first, last) == pytest.approx(sent, abs=1.01)


def test_corrections_are_bounded_and_go_with_the_series(bench):
    with pytest.raises(CorrectionError):
        bench.store.correct(A, Correction("exclude", 1, 2))
    bench.clock.now = NOON
    put(bench, LINE)
    for number in range(CORRECTIONS_MAX):
        bench.store.correct(A, Correction("exclude", number, number))
    for wrong in (Correction("exclude", 1, 2), Correction("boss", 1, 2)):
        with pytest.raises(CorrectionError):
            bench.store.correct(A, wrong)
    assert total(bench.store, LINE[0][0], LINE[-1][0]) == pytest.approx(590)
    bench.store.forget(A)
    assert bench.store.terms(A).corrections == ()
    put(bench, LINE)
    bench.open()
    assert bench.store.terms(A).corrections == ()
    assert counters(bench.store, A, [LINE[0][0]]) == [5_000_000]
