# SPDX-License-Identifier: GPL-3.0-or-later
"""How coarse a series becomes with age: the levels, and when data passes from one to the next."""

from typing import NamedTuple

from flukso_server.series.localtime import DAY_S

RAW, QUARTER, HOUR, DAY = 0, 1, 2, 3  # levels, fine to coarse


class Level(NamedTuple):
    """One level: a point each step_s (0: each tuple as it was sent), until it is keep_days old.

    Data ages in spans of span_days; keep_days 0 means for ever.
    """

    step_s: int
    span_days: int
    keep_days: int


# Spans: long blocks compress well, but the youngest one is written again each time a day ages into
# it. Blocks of hours span what blocks of quarters do: each is made once, and lies behind all the
# others in the file, so that its page is full.
LEVELS = (
    Level(0, 1, 60),
    Level(900, 32, 400),
    Level(3600, 32, 3653),
    Level(86_400, 1024, 0),
)


class Horizons(NamedTuple):
    """The day before which each level's data has aged into the next level."""

    raw: int
    quarter: int
    hour: int


def horizons_at(now: int) -> Horizons:
    """Return the horizons up to which data is due to age."""
    today = now // DAY_S
    raw, quarter, hour = (
        (today - level.keep_days) // level.span_days * level.span_days for level in LEVELS[:DAY]
    )
    return Horizons(raw, quarter, hour)


def level_of(day: int, horizons: Horizons) -> int:
    """Return the finest level that keeps this day."""
    if day >= horizons.raw:
        return RAW
    if day >= horizons.quarter:
        return QUARTER
    return HOUR if day >= horizons.hour else DAY


def grain_s(ts: int, horizons: Horizons) -> int:
    """Return how far apart the points of a time are kept: 1 s while each tuple is."""
    return max(1, LEVELS[level_of(ts // DAY_S, horizons)].step_s)
