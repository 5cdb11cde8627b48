# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of an upload's times the main file has already."""

from flukso_server.series.points import PAIR_BYTES
from flukso_server.series.sqlite import codec
from flukso_server.series.sqlite.archive import DAY_S, LEVELS, RAW, Archive
from flukso_server.series.sqlite.reader import horizons, level_of


def at_times(archive: Archive, no: int, times: list[int]) -> dict[int, int]:
    """The stored counters at some of the times: each tuple while minutes are kept, each rung after."""
    found: dict[int, int] = {}
    aged = horizons(archive)
    for day in sorted({ts // DAY_S for ts in times}):
        if day >= aged.raw - 1:
            found.update(archive.day(day, no).at(times))
    rungs = {
        (level_of(ts // DAY_S, aged), ts // DAY_S)
        for ts in times
        if level_of(ts // DAY_S, aged) != RAW
    }
    for level, chunk in sorted({(level, day // LEVELS[level].span_days) for level, day in rungs}):
        found = archive.ladder(level, chunk, no).at(times) | found
    return found


def count(archive: Archive, no: int, day: int) -> int:
    """How many tuples the main file has of a day that is kept by minute; of others none: what is
    added to them is thinned.
    """
    head = b"".join(archive.heads(no, day, day).values())
    return sum(codec.summaries(head)["size"].tolist()) + archive.chunk_bytes(no, day) // PAIR_BYTES
