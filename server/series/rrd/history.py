# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports the history of an existing Flukso RRD file: its rates become the counter that led to its last value."""

from series.rrd.files import Rrd, steps_back
from series.store import MAX_AGE_S, MAX_TUPLES, Store, Tuple

WRAP = 1 << 32


def tuples_of(path: str) -> list[Tuple]:
    """The counter at the ends of the file's known rows, ascending. It leads up to the file's own last counter.

    Rows that the file does not know count nothing.
    """
    rows = steps_back(path)
    if not rows:
        return []
    last, counter = Rrd().last(path)
    level = float(counter if counter is not None else 0)
    levels: dict[int, float] = {}
    after = last
    for start, end, rate in reversed(rows):
        if after > end and after == last:  # what the file has counted since its last whole row
            level -= rate * (after - end)
        levels.setdefault(end, level)
        level -= rate * (end - start)
        levels[start] = level
        after = start
    return [(ts, int(levels[ts] // 1) % WRAP) for ts in sorted(levels)]


def import_file(store: Store, sensor: str, path: str, now: int) -> int:
    """Give the sensor the file's history from before its own first tuple, marked as imported; returns how many tuples."""
    first = store.first(sensor)
    tuples = [(ts, c) for ts, c in tuples_of(path) if now - MAX_AGE_S <= ts <= now and (first is None or ts < first)]
    new = 0
    for at in range(0, len(tuples), MAX_TUPLES):
        new += store.append(sensor, tuples[at : at + MAX_TUPLES], now).new
    if tuples:
        store.mark_imported(sensor, tuples[-1][0])
    return new
