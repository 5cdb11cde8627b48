# SPDX-License-Identifier: GPL-3.0-or-later
"""Points (time, counter as sent) of one sensor: union, continuity, thinning."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flukso_server.series.localtime import DAY_S

MAX_WH_S = 20  # Wh/s, 72 kW: no household counts faster; the limit of the historic RRDs
WRAP = 1 << 32  # the counter is a u32
PAIR_BYTES = 8  # a point: u32 time, u32 counter, little endian
HEARTBEAT_S = 8_640_000  # 100 days: a longer silence is unknown; the heartbeat of the historic RRDs
# falls and silences of a UTC day that are kept exactly: more than one an hour is a broken counter
MAX_IRREGULAR = 32

Ints = NDArray[np.int64]


class Points(NamedTuple):
    """Strictly ascending times (unix s) and the counters as sent."""

    ts: Ints
    counter: Ints

    def between(self, start: int, end: int) -> "Points":
        """Those with start <= time < end."""
        low, high = self.ts.searchsorted((start, end))
        return Points(self.ts[low:high], self.counter[low:high])

    def at(self, times: list[int]) -> dict[int, int]:
        """The counters at those of the times that are there."""
        wanted = np.array(times, np.int64)
        where = np.searchsorted(self.ts, wanted)
        where[where == len(self.ts)] = 0
        there = np.flatnonzero(self.ts[where] == wanted) if len(self.ts) else where[:0]
        return dict(zip(wanted[there].tolist(), self.counter[where[there]].tolist(), strict=True))

    def without_false_rung(self, counter: int, step_s: int = 1) -> "Points":
        """Thinned points without the last one, when it is a rung (a multiple of step_s) that was
        drawn, too high, across a silence: the next tuple's counter, not before it, lies between it
        and the point before.
        """
        ts, level = self
        false = len(ts) > 1 and ts[-1] % step_s == 0 and level[-2] <= counter < level[-1]
        return Points(ts[:-1], level[:-1]) if false else self


EMPTY = Points(np.empty(0, np.int64), np.empty(0, np.int64))


def union(first: Points, second: Points) -> Points:
    """All points of both, in order; where a time is in both, the one of `first`."""
    if not len(first.ts) or not len(second.ts):
        return first if len(first.ts) else second
    if first.ts[-1] < second.ts[0]:
        return Points(
            np.concatenate((first.ts, second.ts)), np.concatenate((first.counter, second.counter))
        )
    return settled(
        np.concatenate((first.ts, second.ts)), np.concatenate((first.counter, second.counter))
    )


def settled(ts: Ints, counter: Ints) -> Points:
    """Points in order from times in any order; of equal times the first one given."""
    if len(ts) < 2 or bool((ts[1:] > ts[:-1]).all()):
        return Points(ts, counter)
    times, where = np.unique(ts, return_index=True)  # the index of the first occurrence
    return Points(times, counter[where])


def unpack(data: bytes) -> Points:
    """Points from little-endian pairs of u32 in any order; of equal times the first."""
    if not data:
        return EMPTY
    pairs = np.frombuffer(data, "<u4").astype(np.int64)
    return settled(pairs[0::2], pairs[1::2])


def pack(points: Points) -> bytes:
    """The pairs that unpack() reads."""
    pairs = np.empty(2 * len(points.ts), "<u4")
    pairs[0::2], pairs[1::2] = points.ts, points.counter
    return pairs.tobytes()


def steps(values: NDArray[Any]) -> NDArray[Any]:
    """From each value to the next: np.diff() without its ten µs of preparation."""
    found: NDArray[Any] = values[1:] - values[:-1]
    return found


def summed(rises: Ints, start: int) -> Ints:
    """`start`, and after each rise what it has come to: what steps() takes apart."""
    level = np.empty(len(rises) + 1, np.int64)
    level[0] = start
    np.cumsum(rises, out=level[1:])
    level[1:] += start
    return level


def spans(points: Points) -> tuple[Ints, Ints]:
    """Energy (Wh) and known time (s) of each interval between two neighbouring points.

    A fall within reach of 2^32 at MAX_WH_S is a wrap; else a new value that can have been counted
    since is a start from 0; any other fall counts no energy and is not known. A silence over
    HEARTBEAT_S keeps its energy, not known.
    """
    known = steps(points.ts)
    energy = steps(points.counter)
    (falls,) = (energy < 0).nonzero()
    if len(falls):
        reach = MAX_WH_S * known[falls]
        wrapped = energy[falls] + WRAP
        fresh = points.counter[falls + 1]
        energy[falls] = np.where(wrapped <= reach, wrapped, np.where(fresh <= reach, fresh, 0))
        known[falls[(wrapped > reach) & (fresh > reach)]] = 0
    known[known > HEARTBEAT_S] = 0
    return energy, known


def thin(points: Points, step_s: int) -> Points:
    """The points at the multiples of step_s around which there is data, counters linear between
    points.

    Kept as they are: the first and the last point, and both ends of an irregular interval (a fall,
    or a silence over HEARTBEAT_S), so that continuity derives the same from what is left. Energy
    over any two kept points is unchanged.
    """
    ts, counter = points
    if len(ts) < 2:
        return points
    elapsed, rise = steps(ts), steps(counter)
    regular = (rise >= 0) & (elapsed <= HEARTBEAT_S)
    irregular = np.flatnonzero(~regular)
    if len(irregular) > MAX_IRREGULAR:
        day = ts[irregular] // DAY_S
        irregular = irregular[np.arange(len(day)) - np.searchsorted(day, day) < MAX_IRREGULAR]
    keep = np.unique(np.concatenate((irregular, irregular + 1, (0, len(ts) - 1)))).astype(np.int64)
    floor = ts // step_s * step_s
    grid = np.unique(np.concatenate((floor, floor + step_s, ts[ts == floor])))
    grid = grid[(grid > ts[0]) & (grid < ts[-1])]
    left = np.searchsorted(ts, grid, "right") - 1
    usable = regular[left] | (ts[left] == grid)
    grid, left = grid[usable], left[usable]
    # rounded down: a tuple of the same interval that comes later is then never below
    level = counter[left] + rise[left] * (grid - ts[left]) // elapsed[left]
    return settled_union(Points(ts[keep], counter[keep]), Points(grid, level))


def settled_union(first: Points, second: Points) -> Points:
    """union() for points that interleave."""
    return settled(
        np.concatenate((first.ts, second.ts)), np.concatenate((first.counter, second.counter))
    )


def consistent(kept: Points, late: Points) -> Points:
    """Those of `late` that do not contradict thinned points: within the counters of a regular
    interval they fall in.
    """
    if not len(kept.ts):
        return late
    right = np.searchsorted(kept.ts, late.ts)
    inside = (right > 0) & (right < len(kept.ts))
    low, high = (
        kept.counter[np.maximum(right - 1, 0)],
        kept.counter[np.minimum(right, len(kept.ts) - 1)],
    )
    bad = inside & (low <= high) & ((late.counter < low) | (late.counter > high))
    return Points(late.ts[~bad], late.counter[~bad])
