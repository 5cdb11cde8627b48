# SPDX-License-Identifier: GPL-3.0-or-later
"""What a store must answer, computed the plain way from all tuples that were ever accepted."""

from bisect import bisect_right

WRAP = 1 << 32
HEARTBEAT_S = 8_640_000


def step(before, after):
    """(energy, known seconds) of one interval."""
    (t0, c0), (t1, c1) = before, after
    elapsed = t1 - t0
    reach = 20 * elapsed
    known = elapsed if elapsed <= HEARTBEAT_S else 0
    if c1 >= c0:
        return c1 - c0, known
    if c1 - c0 + WRAP <= reach:
        return c1 - c0 + WRAP, known
    if c1 <= reach:
        return c1, known
    return 0, 0


class Model:
    """One sensor."""

    def __init__(self):
        self.tuples = {}

    def append(self, tuples):
        new = 0
        for ts, counter in tuples:
            if ts not in self.tuples:
                self.tuples[ts] = counter
                new += 1
        return new

    def profile(self, boundaries):
        """(energy of the known part, known share) of each interval."""
        points = sorted(self.tuples.items())
        energies, shares = [], []
        for start, end in zip(boundaries, boundaries[1:], strict=False):
            energy = known = 0.0
            for before, after in zip(points, points[1:], strict=False):
                low, high = max(start, before[0]), min(end, after[0])
                if low < high:
                    wh, seconds = step(before, after)
                    share = (high - low) / (after[0] - before[0])
                    known += seconds * share
                    energy += wh * share if after[0] - before[0] <= HEARTBEAT_S else 0
            energies.append(energy)
            shares.append(known / (end - start))
        return energies, shares

    def total(self):
        points = sorted(self.tuples.items())
        return sum(step(a, b)[0] for a, b in zip(points, points[1:], strict=False))

    def raw(self, start, end):
        return sorted((ts, c) for ts, c in self.tuples.items() if start <= ts < end)

    def counter_at(self, ts):
        """None outside the data, else how far the continuous counter is above its first value."""
        points = sorted(self.tuples.items())
        times = [t for t, _c in points]
        if not points or ts < times[0] or ts > times[-1]:
            return None
        at = bisect_right(times, ts) - 1
        level = sum(
            step(a, b)[0] for a, b in zip(points[: at + 1], points[1 : at + 1], strict=False)
        )
        if at + 1 < len(points):
            level += (
                step(points[at], points[at + 1])[0] * (ts - times[at]) / (times[at + 1] - times[at])
            )
        return level
