# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts what devices were refused, for their owners, until it is written down."""

from flukso_server.hot import limits


class Refused:
    """Keeps how often each (device, sensor as sent or "", kind of devices/refusals.py) occurred."""

    def __init__(self):
        self._counts: dict[tuple[str, str, str], int] = {}

    def note(self, device: str, sensor: str, kind: str, count: int = 1) -> None:
        """Count a refusal. Beyond TROUBLE_SENSORS_MAX different ones between flushes it is lost."""
        key = (device, sensor, kind)
        if key in self._counts or len(self._counts) < limits.TROUBLE_SENSORS_MAX:
            self._counts[key] = self._counts.get(key, 0) + count

    def drain(self) -> dict[tuple[str, str, str], int]:
        """Return the counts, and start again from none."""
        counts, self._counts = self._counts, {}
        return counts
