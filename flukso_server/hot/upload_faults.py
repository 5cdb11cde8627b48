# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts what was wrong with uploads, for the sensors' owners, until it is written down."""

from flukso_server.hot import limits
from flukso_server.series.store import MAX_AHEAD_S


class Troubles:
    """sensor -> [tuples ahead of the clock, by how many s the last time, tuples too old, conflicts,
    odd tuples].
    """

    def __init__(self):
        self._counts: dict[str, list[int]] = {}

    def note(self, sensor: str, tuples: list[tuple[int, int]], outcome, now: int) -> None:
        """tuples: those of which `outcome` tells how many were refused."""
        counts = self._of(sensor)
        ahead = sum(stamp > now + MAX_AHEAD_S for stamp, _ in tuples) if outcome.ahead_s else 0
        counts[0] += ahead
        counts[1] = outcome.ahead_s or counts[1]
        counts[2] += max(0, outcome.refused - ahead)
        counts[3] += outcome.conflict

    def note_old(self, sensor: str, count: int) -> None:
        """So many tuples were too old to be offered to the store."""
        self._of(sensor)[2] += count

    def note_odd(self, sensor: str, count: int) -> None:
        """So many tuples were none that any store could take."""
        self._of(sensor)[4] += count

    def _of(self, sensor: str) -> list[int]:
        """Its counts; those of one sensor too many are counted for nothing."""
        counts = self._counts.get(sensor)
        if counts is None:
            counts = [0, 0, 0, 0, 0]
            if len(self._counts) < limits.TROUBLE_SENSORS_MAX:
                self._counts[sensor] = counts
        return counts

    def take(self) -> dict[str, list[int]]:
        """All that was counted since the last time."""
        taken, self._counts = self._counts, {}
        return taken
