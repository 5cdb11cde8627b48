# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures for people from any store: energy by local day, and the legend of a chart."""

from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from series.curve import Floats
from series.localtime import day_boundaries
from series.store import Store

MAX_DAYS = 3660  # ten years


class Day(NamedTuple):
    """One local day: its hours are (end - start) / 3600, 23 and 25 of them twice a year."""

    day: date
    start: int
    end: int
    energy_wh: float
    known: float  # share of the day, 0 … 1


class Legend(NamedTuple):
    """What stands beside a chart's line, integers; None when nothing is known."""

    low: int | None
    high: int | None
    mean: int | None
    last: int | None


def local_days(store: Store, sensor: str, first: date, last: date, zone: ZoneInfo) -> list[Day]:
    """The days first … last; raises ValueError for over MAX_DAYS of them."""
    if not 0 <= (last - first).days < MAX_DAYS:
        raise ValueError(f"between 1 and {MAX_DAYS} days")
    at = day_boundaries(first, last, zone)
    energy, known = store.profile(sensor, at)
    return [
        Day(first + timedelta(i), at[i], at[i + 1], wh, share)
        for i, (wh, share) in enumerate(zip(energy.tolist(), known.tolist(), strict=True))
    ]


def energy_wh(store: Store, sensor: str, start: int, end: int) -> float:
    """The energy known to have been counted between two times."""
    energy, _known = store.profile(sensor, (start, end))
    return float(energy[0])


def legend(values: Floats) -> Legend:
    """Of a chart's values, of which nan are unknown."""
    known = values[~np.isnan(values)]
    if not len(known):
        return Legend(None, None, None, None)
    return Legend(int(known.min()), int(known.max()), int(np.floor(known.mean() + 0.5)), int(known[-1]))
