# SPDX-License-Identifier: GPL-3.0-or-later
"""The continuous counter of one sensor over a stretch of time, and how much of it is known."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from series.points import HEARTBEAT_S, Ints, Points, spans

Floats = NDArray[np.float64]


class Part(NamedTuple):
    """Points; where `energy` (Wh) is given and not negative, what lies between a point and the next, with the time known (s)."""

    points: Points
    energy: Ints | None = None
    known: Ints | None = None
    rungs: bool = False  # thinned: the last point may have been drawn across a silence


class Curve:
    """Built from parts that ascend and do not overlap; asked at any boundaries."""

    def __init__(self, parts: Sequence[Part]) -> None:
        whole = parts[0].points if len(parts) == 1 else Points(_all([p.points.ts for p in parts]), _all([p.points.counter for p in parts]))
        self._ts = whole.ts
        self._outlined = self._silent = np.zeros(max(len(whole.ts) - 1, 0), bool)
        if all(part.energy is None for part in parts) and _even(whole):
            self._level = self._sure = whole.counter  # as it is: a third of the time
            self._known = whole.ts
            return
        energy, known = spans(whole)
        at = 0
        for part in parts:
            if part.energy is not None and part.known is not None:
                inner = np.flatnonzero(part.energy >= 0)
                energy[at + inner], known[at + inner] = part.energy[inner], part.known[inner]
                self._outlined[at + inner] = True
            at += len(part.points.ts)
        self._level = self._sure = _running(energy, int(whole.counter[0]) if at else 0)
        self._known = _running(known, 0)
        self._silent = np.diff(whole.ts) > HEARTBEAT_S
        if self._silent.any():
            self._sure = _running(np.where(self._silent, 0, energy), 0)

    def counters(self, at: Ints) -> list[float | None]:
        """The continuous counter (Wh) at each boundary, None where there is no data on both sides."""
        if not len(self._ts):
            return [None] * len(at)
        level: list[float | None] = _between(at, self._ts, self._level).tolist()
        for i in np.flatnonzero(self._outside(at)).tolist():
            level[i] = None
        return level

    def coverage(self, at: Ints) -> Floats:
        """The known share (0 … 1) of each interval between two boundaries."""
        if not len(self._ts):
            return np.zeros(max(len(at) - 1, 0))
        share: Floats = np.diff(_between(at, self._ts, self._known)) / np.maximum(np.diff(at), 1)
        return np.clip(share, 0.0, 1.0)

    def energies(self, at: Ints) -> Floats:
        """The energy (Wh) of the known part of each interval between two boundaries."""
        if not len(self._ts):
            return np.zeros(max(len(at) - 1, 0))
        return np.diff(_between(at, self._ts, self._sure))

    def silences(self, start: int, end: int, over_s: int) -> list[tuple[int, int]]:
        """Where in start … end no tuple was sent for longer than over_s; what is read as a whole day counts as full of tuples."""
        if not len(self._ts):
            return [(start, end)] if end - start > over_s else []
        found = np.flatnonzero((np.diff(self._ts) > over_s) & ~self._outlined)
        pairs = list(zip(self._ts[found].tolist(), self._ts[found + 1].tolist(), strict=True))
        first, last = int(self._ts[0]), int(self._ts[-1])
        if first - start > over_s:
            pairs.insert(0, (start, first))
        if end - last > over_s:
            pairs.append((last, end))
        return [(max(a, start), min(b, end)) for a, b in pairs if max(a, start) < min(b, end)]

    def _outside(self, at: np.ndarray) -> np.ndarray:
        outside = (at < self._ts[0]) | (at > self._ts[-1])
        if self._silent.any():
            left = np.clip(np.searchsorted(self._ts, at, "right") - 1, 0, len(self._silent) - 1)
            outside |= self._silent[left] & (at > self._ts[left]) & (at < self._ts[left + 1])
        return outside


def _all(arrays: list[Ints]) -> Ints:
    return np.concatenate(arrays) if arrays else np.empty(0, np.int64)


def instants(boundaries: Sequence[int]) -> Ints:
    """The boundaries as an array."""
    if isinstance(boundaries, range):
        return np.arange(boundaries.start, boundaries.stop, boundaries.step, dtype=np.int64)
    return np.asarray(boundaries, np.int64)


def _between(at: Ints, ts: Ints, values: Ints) -> Floats:
    """As np.interp(), which makes floats of all points first: there are many more of them than boundaries."""
    if len(ts) == 1:
        return np.full(len(at), float(values[0]))
    left = np.clip(np.searchsorted(ts, at, "right") - 1, 0, len(ts) - 2)
    share = (np.clip(at, ts[0], ts[-1]) - ts[left]) / (ts[left + 1] - ts[left])
    found: Floats = values[left] + share * (values[left + 1] - values[left])
    return found


def _even(points: Points) -> bool:
    """Whether the counter never falls nor is silent for long, so that it is its own continuation."""
    ts, counter = points
    if not len(ts) or (counter[1:] < counter[:-1]).any():
        return False
    return bool(ts[-1] - ts[0] <= HEARTBEAT_S or np.diff(ts).max() <= HEARTBEAT_S)


def _running(steps: np.ndarray, start: int) -> np.ndarray:
    """start, and start plus the sum of the steps so far, after each of them."""
    level = np.empty(len(steps) + 1, np.int64)
    level[0] = start
    np.cumsum(steps, out=level[1:])
    level[1:] += start
    return level
