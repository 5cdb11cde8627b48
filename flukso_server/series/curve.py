# SPDX-License-Identifier: GPL-3.0-or-later
"""The continuous counter of one sensor over a stretch of time, and how much of it is known."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from flukso_server.series.doubts import Doubt, doubts_of
from flukso_server.series.plausible import Bools, Judged, calm, judge
from flukso_server.series.points import EMPTY, HEARTBEAT_S, Points, steps, summed
from flukso_server.series.rule import Ints
from flukso_server.series.terms import PLAIN, REPLACED, Terms

Floats = NDArray[np.float64]


class Part(NamedTuple):
    """A run of points.

    summed: between which of them (an entry for each point: from it to the next) a store did not
    read what there is, because all of it fits (plausible.calm()).
    """

    points: Points
    summed: Bools | None = None
    rungs: bool = False  # thinned points: the last one may have been drawn across a silence


class Seen(NamedTuple):
    """The points of all parts, which intervals between them are summed, and if all of it fits."""

    points: Points
    summed: Bools
    calm: bool


def look_at(parts: Sequence[Part], terms: Terms) -> Seen:
    """Return the parts as one."""
    whole, summed = joined(parts)
    return Seen(whole, summed, calm(whole, terms, summed))


class Curve:
    """Answers for the boundaries `at` (ascending unix s), by the sensor's rules.

    It is built from parts that ascend and do not overlap.
    """

    def __init__(self, parts: Sequence[Part], at: Ints, terms: Terms = PLAIN) -> None:
        self._draw(look_at(parts, terms), at, terms)

    @classmethod
    def of(cls, seen: Seen, at: Ints, terms: Terms) -> "Curve":
        """Return the curve of parts that were looked at already."""
        curve = cls.__new__(cls)
        curve._draw(seen, at, terms)
        return curve

    def _draw(self, seen: Seen, at: Ints, terms: Terms) -> None:
        self._at = at
        self._terms = terms
        whole, self._summed, is_calm = seen
        self._silent = np.zeros(len(self._summed), bool)
        self._judged: Judged | None = None
        if is_calm:
            self._ts = self._known = whole.ts
            self._level = self._sure = whole.counter  # takes a third of the general case's time
            self._place()
            return
        self._judged = judge(whole, terms, self._summed)
        whole, energy, known, self._summed = self._judged[:4]
        self._ts = whole.ts
        self._place()
        self._level = self._sure = summed(energy, int(whole.counter[0]) if len(whole.ts) else 0)
        self._known = summed(known, 0)
        self._silent = steps(whole.ts) > HEARTBEAT_S
        if terms.rule.held:
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

    def levels(self) -> Floats:
        """Return the continuous counter (Wh) at each boundary; outside all data, its nearest end.

        A level means nothing by itself, and of a silence over HEARTBEAT_S nothing counts.
        """
        return self._between(self._sure) if len(self._ts) else np.zeros(len(self._at))

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

    def doubts(self) -> list[Doubt]:
        """Return what is doubted between the outer boundaries, the newest first."""
        if self._judged is None or not len(self._at):
            return []
        start, end = int(self._at[0]), int(self._at[-1])
        walls = [each.start for each in self._terms.of_kind(REPLACED)]
        found = doubts_of(self._judged, self._terms.rule.most, walls)
        return [each for each in found if each.end >= start and each.start < end]

    def silences(self, over_s: int) -> list[tuple[int, int]]:
        """Return the stretches, cut off at the outer boundaries, without a tuple for over over_s.

        What a summary stands for counts as full of tuples.
        """
        if not len(self._at):
            return []
        start, end = int(self._at[0]), int(self._at[-1])
        if not len(self._ts):
            return [(start, end)] if end - start > over_s else []
        (silent,) = ((steps(self._ts) > over_s) & ~self._summed).nonzero()
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


def joined(parts: Sequence[Part]) -> tuple[Points, Bools]:
    """Return the points of all parts, and which intervals between them are summed."""
    if len(parts) == 1:
        points, its_summed, _rungs = parts[0]
        if its_summed is not None:
            return points, its_summed[:-1]
        return points, np.zeros(max(len(points.ts) - 1, 0), bool)
    if not parts:
        return EMPTY, np.zeros(0, bool)
    whole = Points(
        np.concatenate([part.points.ts for part in parts]),
        np.concatenate([part.points.counter for part in parts]),
    )
    if all(part.summed is None for part in parts):
        return whole, np.zeros(len(whole.ts) - 1, bool)
    flags = [
        np.zeros(len(part.points.ts), bool) if part.summed is None else part.summed
        for part in parts
    ]
    return whole, np.concatenate(flags)[:-1]


def instants(boundaries: Sequence[int]) -> Ints:
    """Return the boundaries as an array."""
    if isinstance(boundaries, range):
        return np.arange(boundaries.start, boundaries.stop, boundaries.step, dtype=np.int64)
    return np.asarray(boundaries, np.int64)
