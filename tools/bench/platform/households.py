# SPDX-License-Identifier: GPL-3.0-or-later
"""Made-up households for the benches: a tuple a minute per sensor, noisier than most real ones: 0.7
bytes of information a tuple.
"""

import numpy as np

from flukso_server.series.trust import Trust

START = 1_735_689_600  # 2025-01-01 00:00 UTC


def both(clock: list[float]) -> Trust:
    """Return the trust of a store for which time passes as clock[0] says."""
    return Trust(lambda: clock[0], lambda: clock[0])


class Households:
    """`count` sensors whose counters run on from minute to minute; the same each time."""

    def __init__(self, count: int, seed: int = 1) -> None:
        self._rng = np.random.default_rng(seed)
        self.ids = [f"{0xF1005000 << 96 | number:032x}" for number in range(count)]
        self._mean_w = self._rng.lognormal(6.0, 0.4, count)  # median 400 W, 3,500 kWh a year
        self._base_w = self._mean_w.copy()
        self._wh = self._rng.uniform(0, 3e7, count)
        self._offset_s = self._rng.integers(0, 60, count)  # each has its own second of the minute
        self._now = START

    def minutes(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """(times, counters) of the next minutes: arrays of a row per sensor."""
        rng, sensors = self._rng, len(self.ids)
        hour = (self._now % 86_400) / 3600
        swing = (
            1
            + 0.8 * np.exp(-(((hour - 19) / 2.5) ** 2))
            + 0.4 * np.exp(-(((hour - 8) / 1.2) ** 2))
            - 0.35 * (hour < 6)
        )
        step = rng.random((sensors, count)) < 0.06  # something is switched on or off
        level = self._mean_w[:, None] * swing * rng.lognormal(0, 0.6, (sensors, count))
        newest = np.maximum.accumulate(np.where(step, np.arange(count), -1), axis=1)
        base_w = np.where(
            newest < 0,
            self._base_w[:, None],
            np.take_along_axis(level, np.maximum(newest, 0), axis=1),
        )
        self._base_w = base_w[:, -1]
        power = base_w * rng.normal(1, 0.6, (sensors, count))
        late = rng.random((sensors, count)) < 0.1  # a second late
        ts = self._now + self._offset_s[:, None] + 60 * np.arange(count)[None, :] + late
        counters = self._wh[:, None] + np.cumsum(np.maximum(power, 0) / 60, axis=1)
        self._wh = counters[:, -1]
        self._now += 60 * count
        return ts, counters.astype(np.int64)

    @property
    def now(self) -> int:
        """The end of the minutes given so far."""
        return self._now


def floor_bytes(counters: np.ndarray) -> float:
    """The entropy (bytes) of a counter's step, given nothing else: what no coder of single steps
    can pass.
    """
    total = 0.0
    for row in counters:
        _values, seen = np.unique(np.diff(row), return_counts=True)
        share = seen / seen.sum()
        total += float(-(share * np.log2(share)).sum()) / 8
    return total / len(counters)
