# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts what was wrong with uploads, for the sensors' owners, until it is written down."""

from flukso_server.hot import limits
from flukso_server.hot.upload_rules import Verdict
from flukso_server.series.admission import MAX_AHEAD_S


class UploadFaults:
    """Keeps for each sensor a list of five counts: tuples ahead of the clock, by how many s the
    last time, tuples too old, conflicts, odd tuples.
    """

    def __init__(self):
        self._counts: dict[str, list[int]] = {}

    def note(self, sensor: str, tuples: list[tuple[int, int]], outcome, now: int) -> None:
        """Count what the store refused of these tuples; `outcome` is its answer."""
        counts = self._of(sensor)
        ahead = sum(stamp > now + MAX_AHEAD_S for stamp, _ in tuples) if outcome.ahead_s else 0
        counts[0] += ahead
        counts[1] = outcome.ahead_s or counts[1]
        counts[2] += max(0, outcome.refused - ahead)
        counts[3] += outcome.conflict

    def note_left_out(self, sensor: str, verdict: Verdict) -> None:
        """Count the tuples that were not offered to the store."""
        counts = self._of(sensor)
        counts[2] += verdict.too_old
        counts[4] += verdict.odd

    def _of(self, sensor: str) -> list[int]:
        """The sensor's counts. Beyond TROUBLE_SENSORS_MAX sensors they are made and thrown away."""
        counts = self._counts.get(sensor)
        if counts is None:
            counts = [0, 0, 0, 0, 0]
            if len(self._counts) < limits.TROUBLE_SENSORS_MAX:
                self._counts[sensor] = counts
        return counts

    def drain(self) -> dict[str, list[int]]:
        """Return the counts of all sensors, and start again from none."""
        counts, self._counts = self._counts, {}
        return counts
