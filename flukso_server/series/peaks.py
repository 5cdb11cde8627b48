# SPDX-License-Identifier: GPL-3.0-or-later
"""The highest quarter of an hour of a local month, which bills ask for: clock quarters, from 00:00.

A quarter counts if the counter is known at both its ends, where a tuple or a rung stands. One
beside a silence does not: a part of its energy would be a guess. The highest is the same before and
after the month has aged, because it is always taken from rungs.
"""

from datetime import date, datetime, tzinfo
from typing import NamedTuple

import numpy as np

from flukso_server.series.lasting import lasting
from flukso_server.series.localtime import DAY_S, midnight
from flukso_server.series.plausible import judge
from flukso_server.series.points import Points, steps, summed, thin, union
from flukso_server.series.rule import Ints
from flukso_server.series.store import Store
from flukso_server.series.terms import PLAIN, Terms

QUARTER_S = 900


class Peak(NamedTuple):
    """The quarter that begins at ts (unix s), and what was counted in it (Wh)."""

    ts: int
    energy: int


def highest_quarter(store: Store, sensor: str, start: int, end: int) -> Peak | None:
    """Return the highest quarter that begins in start … end, the first of equal ones.

    start and end are those of a month of the household's, or later than all that is kept by the
    hour. None if no quarter is known, and for a held counter.
    """
    terms = store.terms(sensor)
    if terms.rule.held:
        return None
    kept = [Peak(*peak) for peak in store.peaks(sensor) if start <= peak[0] < end]
    finer = max(start, store.horizons().quarter * DAY_S)
    if finer < end:
        tuples = store.raw(sensor, finer - DAY_S, end + DAY_S)
        if tuples:
            points = Points(*np.array(tuples, np.int64).T)
            raw = store.horizons().raw * DAY_S
            young = points.between(raw - DAY_S, 1 << 33)
            fresh = thin(lasting(young, terms), QUARTER_S)  # as it will be kept
            rungs = union(points.between(0, raw), fresh.between(raw, 1 << 33))
            kept += _highest(quarters(rungs, terms), finer, end)
    return max(kept, key=lambda peak: (peak.energy, -peak.ts), default=None)


def by_month(rungs: Points, zone: tzinfo, terms: Terms = PLAIN) -> list[tuple[int, Peak]]:
    """Return (months since the year 0, the highest quarter) of each local month of the rungs."""
    known = quarters(rungs, terms)
    if not len(known[0]):
        return []
    first, last = (_month(int(at), zone) for at in known[0][[0, -1]])
    return [
        (month, peak)
        for month in range(first, last + 1)
        for peak in _highest(known, _begin(month, zone), _begin(month + 1, zone))
    ]


def quarters(rungs: Points, terms: Terms = PLAIN) -> tuple[Ints, Ints]:
    """Return the beginnings of the quarters that are known, and what was counted in each."""
    rungs, energy, known = judge(rungs, terms)[:3]
    level = summed(np.where(known > 0, energy, 0), 0)
    unknown = summed((known == 0).astype(np.int64), 0)
    (on,) = (rungs.ts % QUARTER_S == 0).nonzero()
    silent = steps(rungs.ts) > QUARTER_S
    beside = np.concatenate(([False], silent)), np.concatenate((silent, [False]))
    near = (steps(rungs.ts[on]) == QUARTER_S) & (steps(unknown[on]) == 0)
    near &= ~beside[0][on][:-1] & ~beside[1][on][1:]
    return rungs.ts[on][:-1][near], steps(level[on])[near]


def _highest(known: tuple[Ints, Ints], start: int, end: int) -> list[Peak]:
    """Return the highest of the quarters that begin in start … end, or nothing."""
    ts, energy = known
    low, high = ts.searchsorted((start, end))
    if low >= high:
        return []
    at = low + int(np.argmax(energy[low:high]))
    return [Peak(int(ts[at]), int(energy[at]))]


def _month(ts: int, zone: tzinfo) -> int:
    local = datetime.fromtimestamp(ts, zone)
    return local.year * 12 + local.month - 1


def _begin(month: int, zone: tzinfo) -> int:
    return midnight(date(month // 12, month % 12 + 1, 1), zone)
