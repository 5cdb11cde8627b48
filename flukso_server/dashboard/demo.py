# SPDX-License-Identifier: GPL-3.0-or-later
"""A made-up household: newcomers without a device see it, and it fills demos.

It is the same for everybody and at every time.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DAY_S = 86_400
MINUTES = 1440
EPOCH = 1_577_836_800  # 2020-01-01 00:00 UTC: the counter starts there
YEAR_D = 365.25
BASE_W = 110.0  # fridge, router, standby
FRIDGE_W, FRIDGE_MINUTES = 70.0, 45  # it cools for so long, then rests as long
# (W, minutes, times a day, hour about which it happens, spread in hours)
HABITS = (
    (2000.0, 3, 2.5, 7.2, 0.7),  # kettle
    (2000.0, 3, 1.5, 16.0, 2.5),
    (2400.0, 35, 0.8, 18.6, 0.8),  # oven and hob
    (1900.0, 70, 0.45, 20.5, 1.5),  # dishwasher, washing machine
    (1200.0, 12, 0.9, 12.4, 0.8),
    (160.0, 150, 1.0, 20.3, 1.0),  # television, computers
)
LIGHT_W, HEATING_W = 170.0, 420.0


def energy_wh(seed: int, boundaries: "list[int] | range | NDArray[np.int64]") -> Floats:
    """Return Wh in each interval between two boundaries (ascending unix s, from EPOCH on)."""
    at = np.asarray(boundaries, np.int64)
    return np.diff(_counter(seed, np.maximum(at, EPOCH)))


def power_w(seed: int, now: int) -> float:
    """Return the power in the minute of `now`."""
    return float(_day(seed, (now - EPOCH) // DAY_S)[(now % DAY_S) // 60])


def tuples(seed: int, start: int, end: int) -> list[tuple[int, int]]:
    """Return (unix s, counter in Wh) each minute from start to before end, as devices send them."""
    at = np.arange(start, end, 60, dtype=np.int64)
    return _sent(at, np.concatenate(([0.0], energy_wh(seed, at))))


def solar_wh(
    seed: int, boundaries: "list[int] | NDArray[np.int64]", peak_w: float
) -> dict[str, Floats]:
    """Return `import`, `export` and `pv` of a household with panels, as energy_wh() does."""
    at = np.asarray(boundaries, np.int64)
    use = energy_wh(seed, at)
    sun = _sun(seed, at[1:]) * peak_w * np.diff(at) / 3600
    return {"import": np.maximum(use - sun, 0), "export": np.maximum(sun - use, 0), "pv": sun}


def solar_tuples(
    seed: int, start: int, end: int, peak_w: float
) -> dict[str, list[tuple[int, int]]]:
    """Return the tuples of a household with panels, by role."""
    at = np.arange(start, end, 60, dtype=np.int64)
    return {
        role: _sent(at, np.concatenate(([0.0], wh)))
        for role, wh in solar_wh(seed, at, peak_w).items()
    }


def _sent(at: NDArray[np.int64], wh: Floats) -> list[tuple[int, int]]:
    return list(zip(at.tolist(), np.floor(np.cumsum(wh)).astype(np.int64).tolist(), strict=True))


def _sun(seed: int, at: NDArray[np.int64]) -> Floats:
    """Return the sun's part (0 … 1), with clouds that change by day and by quarter of an hour."""
    day, hour = (at - EPOCH) // DAY_S, at / 3600 % 24
    # of the noon sun, by season
    height = 0.28 + 0.72 * (1 - np.cos(2 * np.pi * (day % YEAR_D + 10) / YEAR_D)) / 2
    length = 8 + 8.5 * (height - 0.28) / 0.72  # hours of light
    clear = np.random.default_rng(seed).uniform(0.25, 1, 8000)[day % 8000]
    cloud = (
        1
        - (1 - clear)
        * np.random.default_rng(seed + 1).uniform(0, 1.2, 800_000)[at // 900 % 800_000]
    )
    return (
        np.clip(np.cos((hour - 11.7) * np.pi / length), 0, 1)
        * (np.abs(hour - 11.7) < length / 2)
        * height
        * np.clip(cloud, 0.08, 1)
    )


def _counter(seed: int, at: NDArray[np.int64]) -> Floats:
    """Return Wh since the beginning of the first day asked for: only differences count."""
    days = (at - EPOCH) // DAY_S
    first, last = int(days[0]), int(days[-1])
    totals = np.array([_total(seed, day) for day in range(first, last + 1)])
    before = np.concatenate(([0.0], np.cumsum(totals)))
    within = np.empty(len(at))
    for day in np.unique(days).tolist():
        chosen = days == day
        within[chosen] = np.interp((at[chosen] - EPOCH) % DAY_S, _EDGES, _running(seed, day))
    return before[days - first] + within


_EDGES = np.arange(0, DAY_S + 1, 60)


@lru_cache(maxsize=8000)  # two households' ten years
def _total(seed: int, day: int) -> float:
    """Return the Wh of a UTC day."""
    return float(_day(seed, day).sum() / 60)


@lru_cache(maxsize=70)  # 11 kB each: the days of a chart by day
def _running(seed: int, day: int) -> Floats:
    """Return Wh from the day's beginning to the end of each of its minutes."""
    return np.concatenate(([0.0], np.cumsum(_day(seed, day)) / 60))


def _day(seed: int, day: int) -> Floats:
    """Return the watts in each minute of a UTC day."""
    chance = np.random.default_rng((seed, day))
    taste = np.random.default_rng(seed)
    size, night_owl = taste.uniform(0.6, 1.6), taste.normal(0, 0.6)  # what makes this household
    minute = np.arange(MINUTES)
    hour = minute / 60
    winter = (1 + np.cos(2 * np.pi * (day % YEAR_D - 15) / YEAR_D)) / 2  # 1 in mid-January
    watt = np.full(MINUTES, BASE_W * size)
    phase = chance.integers(0, 2 * FRIDGE_MINUTES)
    watt += FRIDGE_W * (((minute + phase) // FRIDGE_MINUTES) % 2)
    watt += LIGHT_W * size * (0.4 + 0.6 * winter) * np.exp(-(((hour - 20 - night_owl) / 2.2) ** 2))
    watt += (
        HEATING_W
        * size
        * winter
        * (0.55 + 0.45 * np.cos(2 * np.pi * (hour - 6) / 24))
        * chance.uniform(0.6, 1.2)
    )
    for power, length, times, about, spread in HABITS:
        for _ in range(chance.poisson(times * size)):
            begin = int(np.clip((chance.normal(about + night_owl, spread)) * 60, 0, MINUTES - 1))
            watt[begin : begin + max(1, int(length * chance.uniform(0.6, 1.4)))] += (
                power * chance.uniform(0.8, 1.1)
            )
    return watt * chance.normal(1, 0.02, MINUTES)
