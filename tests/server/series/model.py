# SPDX-License-Identifier: GPL-3.0-or-later
"""What a store must answer, computed the plain way from all tuples that were ever accepted."""

from tests.server.series.believed import HEARTBEAT_S, WRAP, intervals

__all__ = ["HEARTBEAT_S", "WRAP", "Model"]


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
        counted = self.intervals()
        energies, shares = [], []
        for start, end in zip(boundaries, boundaries[1:], strict=False):
            energy = known = 0.0
            for before, after, wh, seconds in counted:
                low, high = max(start, before[0]), min(end, after[0])
                if low < high:
                    share = (high - low) / (after[0] - before[0])
                    known += seconds * share
                    energy += wh * share if after[0] - before[0] <= HEARTBEAT_S else 0
            energies.append(energy)
            shares.append(known / (end - start))
        return energies, shares

    def intervals(self):
        return intervals(sorted(self.tuples.items()))

    def total(self):
        return sum(energy for _before, _after, energy, _known in self.intervals())

    def raw(self, start, end):
        return sorted((ts, c) for ts, c in self.tuples.items() if start <= ts < end)

    def counter_at(self, ts):
        """None outside the data, else how far the continuous counter is above its first value."""
        if not self.tuples or ts < min(self.tuples) or ts > max(self.tuples):
            return None
        level = 0.0
        for before, after, energy, _known in self.intervals():
            share = (min(ts, after[0]) - before[0]) / (after[0] - before[0])
            level += energy * max(share, 0.0)
        return level
