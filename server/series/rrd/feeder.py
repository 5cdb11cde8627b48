# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes each sensor's settled tuples into its RRD files, in time order; builds a file anew when late tuples came."""

import os
import sqlite3
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from series.localtime import DAY_S, night
from series.points import Points, spans
from series.rrd import paths
from series.rrd.files import Rrd, RrdError
from series.store import Store, Tuple

SETTLED_S = 900  # tuples younger than this wait: three uploads, after which most late ones have come
MIN_KNOWN = 0.5
MAX_NIGHTS = 3660


class Feeder:
    """Files under `folder`; which ones must be built anew is noted in a small database beside them."""

    def __init__(self, store: Store, folder: str, rrd: Rrd | None = None) -> None:
        os.makedirs(folder, exist_ok=True)
        self._store = store
        self._folder = folder
        self._rrd = rrd or Rrd()
        self._db = sqlite3.connect(os.path.join(folder, "late.sqlite3"), isolation_level=None, check_same_thread=False, timeout=30)
        self._db.execute("CREATE TABLE IF NOT EXISTS late (sensor TEXT PRIMARY KEY) WITHOUT ROWID")

    def close(self) -> None:
        """Let go of the database."""
        self._db.close()

    def path(self, sensor: str, suffix: str = "") -> str:
        """The sensor's file; suffix paths.NIGHT for the nights."""
        return paths.path(self._folder, sensor, suffix)

    def late(self, sensor: str) -> None:
        """Tuples came that are older than the newest one (Outcome.late)."""
        self._db.execute("INSERT OR IGNORE INTO late VALUES (?)", (sensor,))

    def feed(self, sensors: Iterable[str], now: int, zone: ZoneInfo) -> int:
        """Bring the files of these sensors up to what has settled; returns how many values were written."""
        return sum(self._feed_one(sensor, now, zone) for sensor in sensors)

    def _feed_one(self, sensor: str, now: int, zone: ZoneInfo) -> int:
        written = self._feed(sensor, now, zone)
        if self._store.first(sensor) is None:  # it was forgotten meanwhile
            paths.remove(self._folder, sensor)
        return written

    def _feed(self, sensor: str, now: int, zone: ZoneInfo) -> int:
        path = self.path(sensor)
        marked = self._db.execute("SELECT 1 FROM late WHERE sensor=?", (sensor,)).fetchone()
        if marked or not os.path.exists(path):
            self._db.execute("DELETE FROM late WHERE sensor=?", (sensor,))  # first: what comes from now on marks it again
            try:
                return self._build(sensor, now, zone)
            except (*RrdError, OSError):
                self.late(sensor)
                raise
        last, level = self._rrd.last(path)
        tuples = self._store.raw(sensor, last, now - SETTLED_S)
        if not tuples or tuples[0][0] != last or level is None:  # the file was not fed from this store
            return self._build(sensor, now, zone)
        values = running(tuples, level)[1:]
        self._rrd.update(path, values)
        return len(values) + self._feed_nights(sensor, now, zone)

    def _build(self, sensor: str, now: int, zone: ZoneInfo) -> int:
        """The files anew, from all that the store has."""
        tuples = self._store.raw(sensor, 0, now - SETTLED_S)
        if not tuples:
            paths.remove(self._folder, sensor)  # of what was there before it was forgotten
            return 0
        path = self.path(sensor)
        self._rrd.flush(path)
        fresh = path + ".new"
        direct = Rrd()
        direct.create(fresh, tuples[0][0] - 1)
        values = running(tuples, tuples[0][1])
        direct.update(fresh, values)
        os.replace(fresh, path)
        nights = self.path(sensor, paths.NIGHT)
        if os.path.exists(nights):
            os.remove(nights)
        return len(values) + self._feed_nights(sensor, now, zone)

    def _feed_nights(self, sensor: str, now: int, zone: ZoneInfo) -> int:
        """One value a UTC day, in Wh/s, at the day's end."""
        path = self.path(sensor, paths.NIGHT)
        first = self._store.first(sensor)
        if first is None:
            return 0
        if not os.path.exists(path):
            Rrd().create(path, max(first, now - MAX_NIGHTS * DAY_S) // DAY_S * DAY_S, night=True)
        day, _none = self._rrd.last(path)
        values = []
        for end in range((day // DAY_S + 1) * DAY_S, now // DAY_S * DAY_S + 1, DAY_S):
            found = night(end - DAY_S, zone)
            if found is None:
                continue
            energy, known = self._store.profile(sensor, found[:2])
            if known[0] >= MIN_KNOWN:
                values.append((end, float(energy[0] / (known[0] * (found[1] - found[0])))))
        self._rrd.update(path, values)
        return len(values)

    def png(self, sensor: str, start: int, end: int, factor: float, unit: str) -> bytes | None:
        """The graph from `start` to `end`, or None when there is no file of what the store holds now."""
        path, first = self.path(sensor), self._store.first(sensor)
        if first is None or not os.path.exists(path) or self._rrd.last(path)[0] < first:  # the file is older than that
            return None
        return self._rrd.png(path, start, end, factor, unit)


def running(tuples: list[Tuple], level: int) -> list[tuple[int, int]]:
    """(time, continuous counter), beginning with `level`: an RRD takes a wrap or a reset for an unknown minute."""
    import numpy as np

    points = Points(*np.array(tuples, np.int64).T)
    energy, _known = spans(points)
    levels = level + np.concatenate(([0], np.cumsum(energy)))
    return list(zip(points.ts.tolist(), levels.tolist(), strict=True))
