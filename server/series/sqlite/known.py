# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of an upload's times the main file has already."""

from series.points import Points
from series.sqlite.archive import DAY_S, LEVELS, RAW, Archive
from series.sqlite.reader import horizons, level_of


def at_times(archive: Archive, no: int, times: list[int]) -> dict[int, int]:
    """The stored counters at some of the times: each tuple while minutes are kept, each rung after."""
    found: dict[int, int] = {}
    aged = horizons(archive)
    wanted = set(times)
    for day in sorted({ts // DAY_S for ts in times}):
        if day >= aged.raw - 1:
            _pick(archive.day(day, no), wanted, found)
    rungs = {(level_of(ts // DAY_S, aged), ts // DAY_S) for ts in times if level_of(ts // DAY_S, aged) != RAW}
    for level, chunk in sorted({(level, day // LEVELS[level].span_days) for level, day in rungs}):
        _pick(archive.ladder(level, chunk, no), wanted, found)
    return found


def _pick(points: Points, wanted: set[int], found: dict[int, int]) -> None:
    for ts, counter in zip(points.ts.tolist(), points.counter.tolist(), strict=True):
        if ts in wanted:
            found.setdefault(ts, counter)
