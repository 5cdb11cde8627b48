# SPDX-License-Identifier: GPL-3.0-or-later
"""What a meter can have counted: each interval's energy, and the tuples that are set aside.

Two neighbouring tuples fit if the counter rises between them by no more than its meter can count.
Around what does not fit, the tuples fall into runs, and the cheapest chain of runs is believed: a
step from one run to the next costs BREAK, to leave a run out costs its minutes and one. So one odd
tuple is set aside, and so is a second time line between the tuples of the first; a step to another
level stays, counts nothing, and the counter goes on. Each UTC day's tuples are judged by the runs
of that day and SIDE_S around it, so that the answer is the same whatever stretch of the series is
read.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from flukso_server.series import held
from flukso_server.series.localtime import DAY_S
from flukso_server.series.points import HEARTBEAT_S, Points, steps
from flukso_server.series.rule import WRAP, Ints
from flukso_server.series.terms import (
    ACCEPT,
    EXCLUDE,
    PLAIN,
    REPLACED,
    UNKNOWN_DAY_WH,
    USUAL_DAY_WH,
    Terms,
)

GAP_S = 3600  # over a longer interval a meter is measured by its own highest day
MARGIN = 1.5  # times that day
SLACK_WH_S = 1 / 60  # for rungs, which are rounded down
PULSE_MAX = 10_000  # Wh: no meter counts more at once
BREAK = 16.0  # minutes of tuples that are set aside rather than a step believed
WRAPPED = 1.5  # the same for the way over 2^32: one tuple, not two
RUNS_BACK = 8  # so many runs before it decide about one
KNOWN_DAYS = 7  # so many days must be known before the highest one tells what is usual
BRIDGE_S = SIDE_S = DAY_S // 4  # over no longer stretch are tuples set aside
# of a UTC day; with more of them a counter is broken, and nothing is set aside any more
CUTS_A_DAY = 512

Bools = NDArray[np.bool_]


class Judged(NamedTuple):
    """The believed points, and of each interval between them the energy (Wh) and known time (s)."""

    points: Points
    energy: Ints
    known: Ints
    summed: Bools  # what lies in the interval was not read, because all of it fits
    broken: Bools  # its ends do not fit: it counts nothing, or began again from 0
    given: Points  # without what the owner excludes
    kept: Ints  # which of those are believed


def _limits(ends: Ints, terms: Terms) -> tuple["float | NDArray[np.float64]", "int | Ints"]:
    """Return how many Wh/s, and how many Wh at once, count in the intervals with these ends."""
    most = float(terms.rule.most)
    if not terms.limits:
        return most, 1
    where = np.searchsorted([each.since for each in terms.limits], ends, "right")
    rate = np.array([most, *[each.wh_s for each in terms.limits]])[where]
    return rate, np.array([1, *[max(each.pulse, 1) for each in terms.limits]])[where]


def exceeds(elapsed: Ints, rise: Ints, ends: Ints, terms: Terms) -> Bools:
    """Tell where the counter rises by more than the limit allows."""
    rate, step = _limits(ends, terms)
    over: Bools = rise > (rate + SLACK_WH_S) * elapsed + step
    return over


def is_large(ts: Ints, rise: Ints, day_wh: float) -> Bools:
    """Tell where the rise over a gap is above MARGIN times what days of day_wh count.

    The way from one rung of days to the next is no gap: it was judged before its day aged.
    """
    elapsed = steps(ts)
    large: Bools = (elapsed > GAP_S) & (rise > MARGIN * day_wh * np.maximum(elapsed / DAY_S, 1.0))
    if large.any():
        large &= (elapsed != DAY_S) | (ts[1:] % DAY_S != 0)
    return large


def calm(points: Points, terms: Terms = PLAIN, summed: Bools | None = None) -> bool:
    """Tell at a glance that nothing is to be doubted, and that no silence is over HEARTBEAT_S.

    summed: the intervals of which that is known.
    """
    ts, counter = points
    if terms.rule.held or terms.of_history():
        return False
    if len(ts) < 2:
        return True
    elapsed, rise = steps(ts), steps(counter)
    if rise.min() < 0:
        return False
    longest = elapsed.max()
    if not terms.limits and longest <= GAP_S and rise.max() <= terms.rule.most * elapsed.min():
        return True  # nearly always, and soon told
    over = exceeds(elapsed, rise, ts[1:], terms)
    if longest > GAP_S:
        over |= is_large(ts, rise, USUAL_DAY_WH) | (elapsed > HEARTBEAT_S)
    return not (over if summed is None else over & ~summed).any()


def cuts(points: Points, terms: Terms) -> Bools:
    """Tell which intervals' ends do not fit each other."""
    ts, counter = points
    elapsed, rise = steps(ts), steps(counter)
    over = exceeds(elapsed, rise, ts[1:], terms)
    if over.any():
        over &= ~_pulses(points, rise)
    if (large := is_large(ts, rise, USUAL_DAY_WH)).any():
        over |= large & is_large(ts, rise, terms.highest_day())
    for each in terms.of_kind(ACCEPT):
        over &= (ts[:-1] < each.start) | (ts[1:] > each.end)
    for each in terms.of_kind(REPLACED):
        over |= (ts[:-1] < each.start) & (each.start <= ts[1:])
    return over | (rise < 0)


def _pulses(points: Points, rise: Ints) -> Bools:
    """Tell where a counter of whole pulses, of so many Wh each, rises by one."""
    size = np.where((rise > 0) & (rise <= PULSE_MAX), rise, WRAP)
    pulses: Bools = (points.counter[:-1] > 0) & (points.counter[:-1] % size == 0)
    return pulses


def judge(points: Points, terms: Terms = PLAIN, summed: Bools | None = None) -> Judged:
    """Return what is believed of points in order; summed: intervals in which all fits."""
    if summed is None:
        summed = np.zeros(max(len(points.ts) - 1, 0), bool)
    points, summed = _without_excluded(points, terms, summed)
    if len(points.ts) < 2:
        none = np.zeros(0, np.int64)
        return Judged(points, none, none, none > 0, none > 0, points, np.arange(len(points.ts)))
    if terms.rule.held:
        return _judge_held(points, summed, terms)
    hard = cuts(points, terms) & ~summed
    kept = _chain(points, hard, summed, terms) if hard.any() else np.arange(len(points.ts))
    neighbours = steps(kept) == 1
    believed = Points(points.ts[kept], points.counter[kept])
    broken = hard[kept[:-1]] & neighbours
    energy, known = _counted(believed, broken, terms)
    return Judged(believed, energy, known, summed[kept[:-1]] & neighbours, broken, points, kept)


def _judge_held(points: Points, summed: Bools, terms: Terms) -> Judged:
    """Return judge() of a counter that always runs: of it no tuple is set aside."""
    energy, known = held.spans(points, terms.rule)
    walls = _between(points.ts[:-1], points.ts[1:], _walls(terms))
    energy[walls] = known[walls] = 0
    return Judged(points, energy, known, summed, walls, points, np.arange(len(points.ts)))


def _without_excluded(points: Points, terms: Terms, summed: Bools) -> tuple[Points, Bools]:
    """Return the points that no correction excludes, and which of their intervals are summed."""
    stay = np.ones(len(points.ts), bool)
    for each in terms.of_kind(EXCLUDE):
        stay &= (points.ts < each.start) | (points.ts > each.end)
    if stay.all():
        return points, summed
    (at,) = stay.nonzero()
    return Points(points.ts[at], points.counter[at]), summed[at[:-1]] & (steps(at) == 1)


def _counted(points: Points, broken: Bools, terms: Terms) -> tuple[Ints, Ints]:
    """Return energy (Wh) and known time (s) of each interval between believed points.

    A broken one counts the way over 2^32, or from 0 to its end, where that is within reach and the
    counter goes on from there; otherwise nothing, and its time is unknown.
    """
    elapsed, rise = steps(points.ts), steps(points.counter)
    energy = np.where(rise < 0, rise + WRAP, rise)
    known = np.where(elapsed > HEARTBEAT_S, 0, elapsed)
    (at,) = broken.nonzero()
    if not len(at):
        return energy, known
    rate, _pulse = _limits(points.ts[at + 1], terms)
    reach = rate * elapsed[at]
    if (reach > MARGIN * USUAL_DAY_WH).any() and (elapsed[at] > GAP_S).any():
        days = np.maximum(elapsed[at] / DAY_S, 1.0)
        usual = MARGIN * terms.highest_day() * days
        reach = np.where(elapsed[at] > GAP_S, np.minimum(reach, usual), reach)
    falls = (rise[at] < 0) & ~_between(points.ts[at], points.ts[at + 1], _walls(terms))
    wraps = falls & (energy[at] <= reach)
    fresh = points.counter[at + 1]
    goes_on = ~np.append(broken[1:], False)[at]
    restarts = falls & ~wraps & (fresh <= reach) & goes_on
    energy[at] = np.where(wraps, energy[at], np.where(restarts, fresh, 0))
    known[at[~(wraps | restarts)]] = 0
    return energy, known


def _walls(terms: Terms) -> Ints:
    """Return when the owner says that the meter was replaced, ascending."""
    return np.array(sorted(each.start for each in terms.of_kind(REPLACED)), np.int64)


def _between(before: Ints, after: Ints, walls: Ints) -> Bools:
    """Tell where one of the walls lies after the one time, and up to the other."""
    between: Bools = walls.searchsorted(before, "right") < walls.searchsorted(after, "right")
    return between


def dilated(hard: Bools) -> Bools:
    """Return the intervals and their neighbours."""
    wide = hard.copy()
    wide[1:] |= hard[:-1]
    wide[:-1] |= hard[1:]
    return wide


class _Runs(NamedTuple):
    """Runs of points that fit: their first and last points, and what it costs to leave one out."""

    first: Ints
    last: Ints
    weight: NDArray[np.float64]


class _Bridges(NamedTuple):
    """Which runs continue another one than the one before them.

    first: by run, where in the other two its entries begin, up to those of the next run. back: how
    many runs back the other one is. cost: of the bridge.
    """

    first: list[int]
    back: list[int]
    cost: list[float]


class _Costs(NamedTuple):
    """What chains of runs cost: to leave a run out, to come to it from the one before, bridges."""

    weight: list[float]
    step: list[float]
    bridges: _Bridges


def _chain(points: Points, hard: Bools, summed: Bools, terms: Terms) -> Ints:
    """Return which points the cheapest chain of runs has; one point beside a cut is a run."""
    (at,) = (dilated(hard) & ~summed).nonzero()
    first = np.concatenate(([0], at + 1))
    last = np.concatenate((at, [len(points.ts) - 1]))
    runs = _Runs(first, last, 1 + (points.ts[last] - points.ts[first]) / 60)
    wraps = hard[at] & _wraps(points, at, at + 1, terms)
    costs = _Costs(
        runs.weight.tolist(),
        [0.0, *np.where(hard[at], np.where(wraps, WRAPPED, BREAK), 0.0).tolist()],
        _bridges(points, runs, hard, terms),
    )
    keep = np.ones(len(points.ts), bool)
    begins, ends = points.ts[first], points.ts[last]
    for day in np.unique(np.concatenate((begins[1:], ends[:-1])) // DAY_S).tolist():
        low, high = (
            ends.searchsorted(day * DAY_S - SIDE_S),
            begins.searchsorted((day + 1) * DAY_S + SIDE_S),
        )
        for run in _left_out(costs, int(low), int(high)):
            its = slice(int(first[run]), int(last[run]) + 1)
            keep[its] &= points.ts[its] // DAY_S != day
    return np.flatnonzero(keep)


def _wraps(points: Points, before: Ints, after: Ints, terms: Terms) -> Bools:
    """Tell where the way from one point to another over 2^32 is within reach."""
    ts, counter = points
    rate, _step = _limits(ts[after], terms)
    fall = counter[after] - counter[before]
    wraps: Bools = (fall < 0) & (fall + WRAP <= rate * (ts[after] - ts[before]))
    return wraps


def _bridges(points: Points, runs: _Runs, hard: Bools, terms: Terms) -> _Bridges:
    """Return which runs continue another one than the one before them."""
    ts, counter = points
    broken = _broken_days(ts, hard)
    walls = _walls(terms)
    found: list[tuple[Ints, Ints, NDArray[np.float64]]] = []
    for back in range(2, min(RUNS_BACK, len(runs.first) - 1) + 1):
        before, after = runs.last[:-back], runs.first[back:]
        elapsed, rise = ts[after] - ts[before], counter[after] - counter[before]
        fits = (rise >= 0) & ~exceeds(elapsed, rise, ts[after], terms)
        fits &= (elapsed <= GAP_S) | (rise <= MARGIN * USUAL_DAY_WH)
        wraps = _wraps(points, before, after, terms)
        fits |= wraps
        fits &= (elapsed <= BRIDGE_S) & ~_between(ts[before], ts[after], walls)
        fits &= ~np.isin(ts[after] // DAY_S, broken)
        (at,) = fits.nonzero()
        found.append((at + back, np.full(len(at), back), np.where(wraps[at], WRAPPED, 0.0)))
    if not found:
        return _Bridges([0] * (len(runs.first) + 1), [], [])
    run, back_to, cost = (np.concatenate(each) for each in zip(*found, strict=True))
    order = np.argsort(run, kind="stable")
    first = np.searchsorted(run[order], np.arange(len(runs.first) + 1))
    return _Bridges(first.tolist(), back_to[order].tolist(), cost[order].tolist())


def _broken_days(ts: Ints, hard: Bools) -> Ints:
    days, count = np.unique(ts[1:][hard] // DAY_S, return_counts=True)
    broken: Ints = days[count > CUTS_A_DAY]
    return broken


def _left_out(costs: _Costs, low: int, high: int) -> list[int]:
    """Return which of the runs low … high - 1 the cheapest chain from first to last lacks."""
    weight, step, (first, backs, bridge) = costs
    cost, before, back = [0.0], [weight[low]], [0]
    for run in range(low + 1, high):
        upto = before[-1]  # the weight of all runs up to the one before
        before.append(upto + weight[run])
        best, its_back = cost[-1] + step[run], 1
        for at in range(first[run], first[run + 1]):
            far = backs[at]
            if far > run - low:
                break
            price = cost[-far] + upto - before[-far - 1] + bridge[at]
            if price < best:
                best, its_back = price, far
        cost.append(best)
        back.append(its_back)
    left_out: list[int] = []
    run = high - 1
    while run > low:
        far = back[run - low]
        left_out += range(run - far + 1, run)
        run -= far
    return left_out


def highest_day(judged: Judged) -> float:
    """Return the energy (Wh) that the meter may count in a day: that of its highest UTC day.

    Gaps tell nothing of one day. Of days from rung to rung, in which gaps can no longer be seen,
    the second highest counts.
    """
    ts, energy = judged.points.ts, judged.energy
    elapsed = steps(ts)
    rungs = (elapsed == DAY_S) & (ts[1:] % DAY_S == 0)
    sure = ~rungs & (elapsed <= DAY_S) & (judged.summed | ~is_large(ts, energy, USUAL_DAY_WH))
    highest, days = 0.0, int(rungs.sum())
    if sure.any():
        day = (ts[1:][sure] - 1) // DAY_S
        day -= day[0]
        highest = float(np.bincount(day, energy[sure]).max())
        days += int((np.bincount(day, elapsed[sure]) > DAY_S * 3 / 4).sum())
    if rungs.sum() > 1:
        highest = max(highest, float(np.sort(energy[rungs])[-2]))
    return max(highest, USUAL_DAY_WH if days >= KNOWN_DAYS else UNKNOWN_DAY_WH)
