# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes settled tuples into RRD files, in order of time; late ones make it build a file anew."""

import contextlib
import fcntl
import os
from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo

from flukso_server.series.localtime import DAY_S, night
from flukso_server.series.reading import profile, running
from flukso_server.series.rrd import paths
from flukso_server.series.rrd.files import Graph, Rrd
from flukso_server.series.rrd.notes import Notes
from flukso_server.series.store import Store

SETTLED_S = 900  # age from which tuples are written: three uploads later most late ones have come
MIN_KNOWN = 0.5  # share of a night; with less, it has no value
MAX_NIGHTS = 3660
FOLDERS = tuple(f"{first:02x}" for first in range(256))  # named by a sensor's first two digits


class Feeder:
    """Feeds the files under `folder`.

    A note for each file says which series it holds, so that a forgotten one is drawn for nobody.
    Several processes may feed one folder: one at a time changes files.
    """

    def __init__(self, store: Store, folder: str, rrd: Rrd | None = None) -> None:
        self._store = store
        self._folder = folder
        self._rrd = rrd or Rrd()
        self._notes = Notes(folder)
        self._lock = os.open(
            os.path.join(folder, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )

    def close(self) -> None:
        """Close the notes and the lock."""
        self._notes.close()
        os.close(self._lock)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from changing files; the kernel frees the lock of one that dies."""
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def path(self, sensor: str, suffix: str = "") -> str:
        """Return the path of the sensor's file; suffix paths.NIGHT for that of its nights."""
        return paths.path(self._folder, sensor, suffix)

    def late_sensors(self) -> list[str]:
        """Return the sensors for which any process has noted late tuples."""
        return self._notes.late_sensors()

    def feed(self, sensors: Iterable[str], now: int, zone: ZoneInfo) -> int:
        """Write what has settled into these sensors' files; return how many values it was."""
        return sum(self._feed_one(sensor, now, zone) for sensor in sensors)

    def ping(self) -> None:
        """Raise Deaf if rrdcached is to write the files and does not answer."""
        self._rrd.ping()

    def young(self, sensor: str, now: int) -> bool:
        """Tell whether the sensor has tuples that have not settled yet."""
        last = self._store.last(sensor)
        return last is not None and last[0] >= now - SETTLED_S

    def _feed_one(self, sensor: str, now: int, zone: ZoneInfo) -> int:
        with self._alone():
            written = self._feed(sensor, now, zone)
        if self._store.first(sensor) is None:  # the series was forgotten, perhaps meanwhile
            self.forget(sensor)
        return written

    def _feed(self, sensor: str, now: int, zone: ZoneInfo) -> int:
        first = self._store.first(sensor)
        if first is None:
            return 0
        path = self.path(sensor)
        upto, since = self._notes.late(sensor)
        if self._notes.first(sensor) != first or not os.path.exists(path):
            return self._build(sensor, now, zone)
        last, level = self._rrd.last(path)
        tuples = self._store.raw(sensor, last, now - SETTLED_S)
        late_came = upto and since < last
        fed_from_this_store = tuples and tuples[0][0] == last
        if late_came or not fed_from_this_store or level is None:
            return self._build(sensor, now, zone)
        values = running(self._store, sensor, tuples, level)[1:]
        self._rrd.update(path, values)
        if upto:
            self._notes.fed(sensor, first, upto)
        return len(values) + self._feed_nights(sensor, now, zone)

    def _build(self, sensor: str, now: int, zone: ZoneInfo) -> int:
        """Build the files anew, from all that the store has."""
        upto, _since = self._notes.late(sensor)  # first: what comes late from now on is noted again
        first = self._store.first(sensor)
        tuples = self._store.raw(sensor, 0, now - SETTLED_S)
        if not tuples or first is None:
            self._remove(sensor)
            return 0
        path = self.path(sensor)
        self._rrd.forget(path)
        fresh = path + ".new"
        direct = Rrd()
        direct.create(fresh, tuples[0][0] - 1, rule=self._store.rule(sensor))
        values = running(self._store, sensor, tuples, tuples[0][1])
        direct.update(fresh, values)
        self._remove(sensor, paths.NIGHT)
        os.replace(fresh, path)
        written = len(values) + self._feed_nights(sensor, now, zone)
        self._notes.fed(sensor, first, upto)
        return written

    def _feed_nights(self, sensor: str, now: int, zone: ZoneInfo) -> int:
        """Write a night's mean in Wh/s for each UTC day, at the day's end."""
        path = self.path(sensor, paths.NIGHT)
        first = self._store.first(sensor)
        if first is None:
            return 0
        if not os.path.exists(path):
            begin = max(first, now - MAX_NIGHTS * DAY_S) // DAY_S * DAY_S
            Rrd().create(path, begin, night=True, rule=self._store.rule(sensor))
        day, _none = self._rrd.last(path)
        values = []
        for end in range((day // DAY_S + 1) * DAY_S, now // DAY_S * DAY_S + 1, DAY_S):
            its_night = night(end - DAY_S, zone)
            if its_night is None:
                continue
            begins, ends, _known_from = its_night
            energy, known = profile(self._store, sensor, (begins, ends))
            if known[0] >= MIN_KNOWN:
                values.append((end, float(energy[0] / (known[0] * (ends - begins)))))
        self._rrd.update(path, values)
        return len(values)

    def forget(self, sensor: str) -> None:
        """Remove the files of a series that was forgotten."""
        with self._alone():
            self._remove(sensor)
            self._notes.forget(sensor)

    def sweep(self, folder: str) -> list[str]:
        """Remove the files in one of FOLDERS whose series is gone; return the other sensors."""
        kept: list[str] = []
        try:
            names = os.listdir(os.path.join(self._folder, folder))
        except FileNotFoundError:
            names = []
        for sensor in sorted(
            {name.partition(".")[0] for name in names}.union(self._notes.sensors(folder))
        ):
            if self._store.first(sensor) is None:
                self.forget(sensor)
            else:
                kept.append(sensor)
        return kept

    def _remove(self, sensor: str, *suffixes: str) -> None:
        for suffix in suffixes or ("", paths.NIGHT):
            path = self.path(sensor, suffix)
            for name in (path, path + ".new"):
                if os.path.exists(name):
                    self._rrd.forget(name)
                    os.remove(name)

    def png(self, sensor: str, graph: Graph) -> bytes | None:
        """Return the graph, None if there is no file of the present series."""
        path = self.path(sensor, paths.NIGHT if graph.night else "")
        first = self._store.first(sensor)
        if first is None or self._notes.first(sensor) != first or not os.path.exists(path):
            return None
        return self._rrd.png(path, graph)
