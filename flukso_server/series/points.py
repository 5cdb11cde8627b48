# SPDX-License-Identifier: GPL-3.0-or-later
"""Points (time, counter as sent) of one sensor: union, continuity, thinning."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flukso_server.series.rule import Ints

PAIR_BYTES = 8  # a point: u32 time, u32 counter, little endian
# 100 days, the heartbeat of the historic RRDs: what happened in a longer silence is unknown
HEARTBEAT_S = 8_640_000
NEAR_S = 900  # quarters of an hour become hours
# of a UTC day, so many falls and silences are kept exactly: over one an hour, a counter is broken
MAX_IRREGULAR = 32


class Points(NamedTuple):
    """Strictly ascending times (unix s) and the counters as sent."""

    ts: Ints
    counter: Ints

    def between(self, start: int, end: int) -> "Points":
        """Return the points with start <= time < end."""
        low, high = self.ts.searchsorted((start, end))
        return Points(self.ts[low:high], self.counter[low:high])

    def at(self, times: list[int]) -> dict[int, int]:
        """Return the counters at those of the times at which there is a point."""
        wanted = np.array(times, np.int64)
        where = np.searchsorted(self.ts, wanted)
        where[where == len(self.ts)] = 0
        there = np.flatnonzero(self.ts[where] == wanted) if len(self.ts) else where[:0]
        return dict(zip(wanted[there].tolist(), self.counter[where[there]].tolist(), strict=True))

    def without_false_rung(self, counter: int, step_s: int = 1) -> "Points":
        """Return thinned points without a false last rung.

        A rung (at a multiple of step_s) is false if it was drawn across a silence and the tuple
        which ended that silence shows it to be too high: `counter`, of the next tuple, lies between
        the rung and the point before it.
        """
        ts, level = self
        false = len(ts) > 1 and ts[-1] % step_s == 0 and level[-2] <= counter < level[-1]
        return Points(ts[:-1], level[:-1]) if false else self


EMPTY = Points(np.empty(0, np.int64), np.empty(0, np.int64))


def union(first: Points, second: Points) -> Points:
    """Return the points of both in order; where a time is in both, the point of `first`."""
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
    """Return points in order from times in any order; of equal times the first one given."""
    if len(ts) < 2 or bool((ts[1:] > ts[:-1]).all()):
        return Points(ts, counter)
    times, where = np.unique(ts, return_index=True)  # the index of the first occurrence
    return Points(times, counter[where])


def unpack(data: bytes) -> Points:
    """Return the points of packed pairs (little-endian u32), whose times may be in any order.

    Of equal times the first counts.
    """
    if not data:
        return EMPTY
    pairs = np.frombuffer(data, "<u4").astype(np.int64)
    return settled(pairs[0::2], pairs[1::2])


def pack(points: Points) -> bytes:
    """Return the pairs that unpack() reads."""
    pairs = np.empty(2 * len(points.ts), "<u4")
    pairs[0::2], pairs[1::2] = points.ts, points.counter
    return pairs.tobytes()


def steps(values: NDArray[Any]) -> NDArray[Any]:
    """Return the difference from each value to the next: np.diff() without its 10 µs overhead."""
    differences: NDArray[Any] = values[1:] - values[:-1]
    return differences


def summed(rises: Ints, start: int) -> Ints:
    """Return `start` and the running sum after each rise: the inverse of steps()."""
    level = np.empty(len(rises) + 1, np.int64)
    level[0] = start
    np.cumsum(rises, out=level[1:])
    level[1:] += start
    return level


class Lasting(NamedTuple):
    """Points that are to age, where rungs may be drawn between them, and which stay as sent."""

    points: Points
    regular: NDArray[np.bool_]  # of each interval
    stay: NDArray[np.bool_]  # of each point


def thin(lasting: Lasting, step_s: int, also: Sequence[int] = ()) -> Points:
    """Return rungs: points at the multiples of step_s near data, interpolated between points.

    The first and the last point stay as they are. The energy between any two kept points does not
    change. `also` are moments between those multiples that get a rung as well, if there is data
    within NEAR_S on both sides.
    """
    (ts, counter), regular, stay = lasting
    if len(ts) < 2:
        return lasting.points
    keep = stay.copy()
    keep[0] = keep[-1] = True
    floor = ts // step_s * step_s
    grid = np.unique(np.concatenate((floor, floor + step_s, ts[ts == floor], _near(ts, also))))
    grid = grid[(grid > ts[0]) & (grid < ts[-1])]
    left = np.searchsorted(ts, grid, "right") - 1
    usable = regular[left] | (ts[left] == grid)
    grid, left = grid[usable], left[usable]
    elapsed, rise = steps(ts), steps(counter)
    # rounded down, so that a tuple of the same interval that comes later is never below its rung
    level = counter[left] + rise[left] * (grid - ts[left]) // elapsed[left]
    return settled_union(Points(ts[keep], counter[keep]), Points(grid, level))


def _near(ts: Ints, moments: Sequence[int]) -> Ints:
    """Return those of the moments that have one of the times within NEAR_S on both sides."""
    at = np.asarray(moments, np.int64)
    at = at[(at > ts[0]) & (at < ts[-1])]
    left = ts.searchsorted(at, "right") - 1
    return at[(at - ts[left] < NEAR_S) & (ts[ts.searchsorted(at)] - at < NEAR_S)]


def settled_union(first: Points, second: Points) -> Points:
    """Return union(), for points that interleave."""
    return settled(
        np.concatenate((first.ts, second.ts)), np.concatenate((first.counter, second.counter))
    )


def consistent(kept: Points, late: Points) -> Points:
    """Return the late points that do not contradict the kept, thinned ones.

    A late point inside an interval in which the counter rises must lie between the counters at both
    ends.
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
