# SPDX-License-Identifier: GPL-3.0-or-later
"""Counters that always run (rule.Rule.held): what their steps tell, and what of them lasts."""

import numpy as np

from flukso_server.series.localtime import DAY_S
from flukso_server.series.points import HEARTBEAT_S, MAX_IRREGULAR, Lasting, Points, steps
from flukso_server.series.rule import WRAP, Ints, Rule


def spans(points: Points, rule: Rule) -> tuple[Ints, Ints]:
    """Return the amount and the known time (s) of each interval between two neighbouring points.

    A fall is a wrap, or a gap; gaps count nothing. A silence over HEARTBEAT_S keeps its amount, and
    its time is unknown.
    """
    known, amount = steps(points.ts), steps(points.counter)
    amount[amount < 0] += WRAP
    gaps = rule.gaps(amount, known)
    amount[gaps] = known[gaps] = 0
    known[known > HEARTBEAT_S] = 0
    return amount, known


def lasting(points: Points, rule: Rule) -> Lasting:
    """Return what thin() needs: both ends of falls, gaps and silences stay as they were sent.

    A probe that cannot be read for hours makes one gap, not one a minute.
    """
    elapsed, rise = steps(points.ts), steps(points.counter)
    regular = (rise >= 0) & (elapsed <= HEARTBEAT_S) & ~rule.gaps(rise, elapsed)
    first, last = _runs(points, np.flatnonzero(~regular), rule)
    day = points.ts[first] // DAY_S
    few = np.arange(len(day)) - np.searchsorted(day, day) < MAX_IRREGULAR
    stay = np.zeros(len(points.ts), bool)
    stay[first[few]] = stay[last[few] + 1] = True
    return Lasting(points, regular, stay)


def _runs(points: Points, irregular: Ints, rule: Rule) -> tuple[Ints, Ints]:
    """Return the first and the last interval of each run of irregular ones.

    A run whose ends would look like a step that tells something stays as it is.
    """
    if not len(irregular):
        return irregular, irregular
    new = np.concatenate(([True], steps(irregular) > 1))
    first, last = irregular[new], irregular[np.concatenate((new[1:], [True]))]
    rise = points.counter[last + 1] - points.counter[first]
    gap = rule.gaps(np.where(rise < 0, rise + WRAP, rise), points.ts[last + 1] - points.ts[first])
    loose = irregular[~gap[np.cumsum(new) - 1]]
    first, last = np.concatenate((first[gap], loose)), np.concatenate((last[gap], loose))
    order = np.argsort(first)
    return first[order], last[order]
