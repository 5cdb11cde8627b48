# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports the history of an existing Flukso RRD file: its rates become the counter that led to its
last value.
"""

from collections import Counter

from flukso_server.series.admission import MAX_AGE_S, MAX_TUPLES
from flukso_server.series.appending import append
from flukso_server.series.localtime import DAY_S
from flukso_server.series.points import HEARTBEAT_S, MAX_IRREGULAR, MAX_WH_S, WRAP
from flukso_server.series.rrd.files import Rrd, steps_back
from flukso_server.series.store import Store, Tuple

FALL_WH = (
    MAX_WH_S * 7 * DAY_S
)  # more than the longest row can count, so that no fall looks like a rung that was drawn too high


class Backwards:
    """The counter along a file's rows, from the last one to the first."""

    def __init__(self, level: float) -> None:
        self._level = level
        self._falls: Counter[int] = Counter()  # by UTC day: so many stay exact when the day ages
        self._levels: dict[int, float] = {}

    def row(self, start: int, end: int, rate: float) -> None:
        """A row of the file (Wh/s)."""
        self._levels.setdefault(end, self._level)
        self._level -= rate * (end - start)
        self._levels[start] = self._level

    def count(self, energy: float) -> None:
        """What was counted after the rows that come now."""
        self._level -= energy

    def unknown(self, start: int, end: int) -> None:
        """Make what the file does not know a fall of the counter that can be no wrap and no start
        from 0: it counts nothing.

        A counter too low for that goes up by the rules first, a second before the end: the fall
        from there is another one.
        """
        after = int(self._level // 1) % WRAP
        days = {start // DAY_S, (end - 1) // DAY_S}
        if (
            end - start > HEARTBEAT_S
            or after + FALL_WH >= WRAP
            or any(self._falls[day] > MAX_IRREGULAR - 2 for day in days)
        ):
            return  # unknown as it is; or it cannot be said
        self._falls.update((start // DAY_S, (end - 1) // DAY_S))
        reach = MAX_WH_S * (end - start)
        if after <= reach:
            after = reach + 1
            self._levels[end - 1] = float(after)
        self._level = float(after + FALL_WH)

    def tuples(self) -> list[Tuple]:
        """Ascending."""
        return [(ts, int(self._levels[ts] // 1) % WRAP) for ts in sorted(self._levels)]


def tuples_of(path: str) -> list[Tuple]:
    """The counter at the ends of the file's known rows, ascending; it leads up to the file's own
    last counter.

    Where the file does not know, the counter falls as no real one does, so that neither energy nor
    time is counted.
    """
    rows = steps_back(path)
    if not rows:
        return []
    last, counter = Rrd().last(path)
    found = Backwards(float(counter if counter is not None else 0))
    start, end, rate = rows[-1]
    found.count(rate * max(last - end, 0))  # since the file's last whole row
    after = end
    for start, end, rate in reversed(rows):
        if after > end:
            found.unknown(end, after)
        found.row(start, end, rate)
        after = start
    return found.tuples()


def import_file(store: Store, sensor: str, path: str, now: int) -> int:
    """Give the sensor the file's history from before its own first tuple, marked as imported;
    returns how many tuples.

    The latest come first: what an import that was cut short has left out, the next one adds.
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
