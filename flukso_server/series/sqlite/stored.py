# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tuples of a sensor the main file has already."""

from flukso_server.series.ladder import LEVELS, RAW, level_of
from flukso_server.series.localtime import DAY_S
from flukso_server.series.points import PAIR_BYTES
from flukso_server.series.sqlite import codec
from flukso_server.series.sqlite.archive import Archive
from flukso_server.series.sqlite.damage import UnreadableError
from flukso_server.series.sqlite.reader import horizons


def counters_at(archive: Archive, no: int, times: list[int]) -> dict[int, int]:
    """Return the counters at those of the times that have one: of a tuple, or of a rung."""
    counters: dict[int, int] = {}
    aged = horizons(archive)
    days = {ts // DAY_S for ts in times}
    for day in sorted(days):
        if day >= aged.raw - 1:
            try:
                counters.update(archive.day(day, no).at(times))
            except UnreadableError:
                pass  # a tuple that lies there may come twice: the first one counts
    levels = {(level_of(day, aged), day) for day in days}
    chunks = {(level, day // LEVELS[level].span_days) for level, day in levels if level != RAW}
    for level, chunk in sorted(chunks):
        try:
            counters = archive.ladder(level, chunk, no).at(times) | counters
        except UnreadableError:
            pass
    return counters


def tuples_in(archive: Archive, no: int, day: int) -> int:
    """Return how many tuples of a day the main file keeps as they were sent.

    That is none for a day that has aged: what is added to it is thinned.
    """
    try:
        head = b"".join(archive.heads(no, day, day).values())
    except UnreadableError:
        return 0
    return sum(codec.summaries(head)["size"].tolist()) + archive.chunk_bytes(no, day) // PAIR_BYTES
