# SPDX-License-Identifier: GPL-3.0-or-later
"""The continuous counter of one sensor over a stretch of time, and how much of it is known."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from flukso_server.series.points import HEARTBEAT_S, Points, spans, steps, summed
from flukso_server.series.rule import COUNTER, Ints, Rule

Floats = NDArray[np.float64]


class Part(NamedTuple):
    """A run of points. A store that did not read what lies between two of them gives a summary.

    energy and known have an entry for each point: the Wh and the known seconds from it to the next
    point; energy is negative where there is no summary.
    """

    points: Points
    energy: Ints | None = None
    known: Ints | None = None
    rungs: bool = False  # thinned points: the last one may have been drawn across a silence


class Curve:
    """Answers for the boundaries `at` (ascending unix s).

    It is built from parts that ascend and do not overlap, by the rule of the counter.
    """

    def __init__(self, parts: Sequence[Part], at: Ints, rule: Rule = COUNTER) -> None:
        self._at = at
        whole = (
            parts[0].points
            if len(parts) == 1
            else Points(_all([p.points.ts for p in parts]), _all([p.points.counter for p in parts]))
        )
        self._ts = whole.ts
        self._summed_up = self._silent = np.zeros(max(len(whole.ts) - 1, 0), bool)
        self._place()
        if not rule.held and all(part.energy is None for part in parts) and _even(whole):
            self._level = self._sure = whole.counter  # takes a third of the general case's time
            self._known = whole.ts
            return
        energy, known = spans(whole, rule)
        first = 0
        for part in parts:
            if part.energy is not None and part.known is not None:
                (inner,) = (part.energy >= 0).nonzero()
                energy[first + inner], known[first + inner] = part.energy[inner], part.known[inner]
                self._summed_up[first + inner] = True
            first += len(part.points.ts)
        self._level = self._sure = summed(energy, int(whole.counter[0]) if first else 0)
        self._known = summed(known, 0)
        self._silent = steps(whole.ts) > HEARTBEAT_S
        if rule.held:
            self._silent |= known == 0
        if self._silent.any():
            self._sure = summed(np.where(self._silent, 0, energy), 0)

    def _place(self) -> None:
        """Find for each boundary the point to its left, and its share of the way to the next."""
        ts, at = self._ts, self._at
        if len(ts) < 2:
            return
        self._left = np.minimum(np.maximum(ts.searchsorted(at, "right") - 1, 0), len(ts) - 2)
        begin = ts[self._left]
        self._share = (np.minimum(np.maximum(at, ts[0]), ts[-1]) - begin) / (
            ts[self._left + 1] - begin
        )

    def _between(self, values: Ints) -> Floats:
        """Interpolate values of the points at each boundary.

        np.interp() would convert all points to floats first.
        """
        if len(self._ts) == 1:
            return np.full(len(self._at), float(values[0]))
        before = values[self._left]
        between: Floats = before + self._share * (values[self._left + 1] - before)
        return between

    def counters(self) -> list[float | None]:
        """Return the continuous counter (Wh) at each boundary.

        None where one side has no data, inside a silence over HEARTBEAT_S, and in a held counter's
        gap.
        """
        if not len(self._ts):
            return [None] * len(self._at)
        level: list[float | None] = self._between(self._level).tolist()
        for i in self._outside().nonzero()[0].tolist():
            level[i] = None
        return level

    def coverage(self) -> Floats:
        """Return the known share (0 … 1) of each interval between two boundaries."""
        if not len(self._ts):
            return np.zeros(max(len(self._at) - 1, 0))
        share: Floats = steps(self._between(self._known)) / np.maximum(steps(self._at), 1)
        return np.minimum(np.maximum(share, 0.0), 1.0)

    def energies(self) -> Floats:
        """Return the energy (Wh) of the known part of each interval between two boundaries."""
        if not len(self._ts):
            return np.zeros(max(len(self._at) - 1, 0))
        return steps(self._between(self._sure))

    def silences(self, over_s: int) -> list[tuple[int, int]]:
        """Return the stretches, cut off at the outer boundaries, without a tuple for over over_s.

        What a summary stands for counts as full of tuples.
        """
        if not len(self._at):
            return []
        start, end = int(self._at[0]), int(self._at[-1])
        if not len(self._ts):
            return [(start, end)] if end - start > over_s else []
        (silent,) = ((steps(self._ts) > over_s) & ~self._summed_up).nonzero()
        pairs = list(zip(self._ts[silent].tolist(), self._ts[silent + 1].tolist(), strict=True))
        first, last = int(self._ts[0]), int(self._ts[-1])
        if first - start > over_s:
            pairs.insert(0, (start, first))
        if end - last > over_s:
            pairs.append((last, end))
        return [(max(a, start), min(b, end)) for a, b in pairs if max(a, start) < min(b, end)]

    def _outside(self) -> np.ndarray:
        """Tell which boundaries lie outside all data, or inside a silence over HEARTBEAT_S."""
        outside: np.ndarray = (self._at < self._ts[0]) | (self._at > self._ts[-1])
        if self._silent.any():
            left = self._left
            outside |= (
                self._silent[left] & (self._at > self._ts[left]) & (self._at < self._ts[left + 1])
            )
        return outside


def _all(arrays: list[Ints]) -> Ints:
    return np.concatenate(arrays) if arrays else np.empty(0, np.int64)


def instants(boundaries: Sequence[int]) -> Ints:
    """Return the boundaries as an array."""
    if isinstance(boundaries, range):
        return np.arange(boundaries.start, boundaries.stop, boundaries.step, dtype=np.int64)
    return np.asarray(boundaries, np.int64)


def _even(points: Points) -> bool:
    """Tell whether the counter as sent is continuous: it never falls and no silence is long."""
    ts, counter = points
    if not len(ts) or (counter[1:] < counter[:-1]).any():
        return False
    return bool(ts[-1] - ts[0] <= HEARTBEAT_S or steps(ts).max() <= HEARTBEAT_S)
