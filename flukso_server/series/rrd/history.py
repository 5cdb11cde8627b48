# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports an existing RRD file: its rates become the counter that led to its last value."""

from collections import Counter

from flukso_server.series.admission import MAX_AGE_S, MAX_TUPLES
from flukso_server.series.appending import append
from flukso_server.series.localtime import DAY_S
from flukso_server.series.points import HEARTBEAT_S, MAX_IRREGULAR
from flukso_server.series.rrd.files import Rrd, steps_back
from flukso_server.series.rule import COUNTER, WRAP
from flukso_server.series.store import Store, Tuple

# more than the longest row can count, so that no fall looks like a rung that was drawn too high
FALL_WH = int(COUNTER.most) * 7 * DAY_S


class Backwards:
    """The counter along a file's rows, from the last one to the first."""

    def __init__(self, level: float) -> None:
        self._level = level
        self._falls: Counter[int] = Counter()  # by UTC day: only some stay exact when it ages
        self._levels: dict[int, float] = {}

    def row(self, start: int, end: int, rate: float) -> None:
        """Add a row of the file (Wh/s)."""
        self._levels.setdefault(end, self._level)
        self._level -= rate * (end - start)
        self._levels[start] = self._level

    def count(self, energy: float) -> None:
        """Add energy that was counted after the next row."""
        self._level -= energy

    def unknown(self, start: int, end: int) -> None:
        """Turn a stretch that the file does not know into a fall, for which nothing counts.

        The fall must be neither a wrap nor a start from 0. A counter too low for that first rises
        as far as the rules allow, a second before the end, and falls from there.
        """
        after = int(self._level // 1) % WRAP
        days = {start // DAY_S, (end - 1) // DAY_S}
        if (
            end - start > HEARTBEAT_S
            or after + FALL_WH >= WRAP
            or any(self._falls[day] > MAX_IRREGULAR - 2 for day in days)
        ):
            return  # it is unknown anyway, or no such fall is possible
        self._falls.update((start // DAY_S, (end - 1) // DAY_S))
        reach = int(COUNTER.most) * (end - start)
        if after <= reach:
            after = reach + 1
            self._levels[end - 1] = float(after)
        self._level = float(after + FALL_WH)

    def tuples(self) -> list[Tuple]:
        """Return the tuples, ascending."""
        return [(ts, int(self._levels[ts] // 1) % WRAP) for ts in sorted(self._levels)]


def tuples_of(path: str) -> list[Tuple]:
    """Return the counter at the ends of the file's known rows, up to the file's last counter.

    Where the file knows nothing, the counter falls as no real one does, so that neither energy nor
    time counts.
    """
    rows = steps_back(path)
    if not rows:
        return []
    last, counter = Rrd().last(path)
    counted = Backwards(float(counter if counter is not None else 0))
    start, end, rate = rows[-1]
    counted.count(rate * max(last - end, 0))  # since the file's last whole row
    after = end
    for start, end, rate in reversed(rows):
        if after > end:
            counted.unknown(end, after)
        counted.row(start, end, rate)
        after = start
    return counted.tuples()


def import_file(store: Store, sensor: str, path: str, now: int) -> int:
    """Add the file's history before the sensor's first tuple; return how many tuples were new.

    It is marked as imported. The latest tuples go first, so that the next import adds what one that
    was cut short has left out.
    """
    first = store.first(sensor)
    tuples = [
        (ts, c)
        for ts, c in tuples_of(path)
        if now - MAX_AGE_S <= ts <= now and (first is None or ts < first)
    ]
    new = 0
    for end in range(len(tuples), 0, -MAX_TUPLES):
        new += append(store, sensor, tuples[max(end - MAX_TUPLES, 0) : end], now).new
    if tuples:
        store.mark_imported(sensor, max(tuples[-1][0], store.imported_until(sensor)))
    return new
