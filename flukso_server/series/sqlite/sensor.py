# SPDX-License-Identifier: GPL-3.0-or-later
"""One sensor as this process knows it, and what admission must know of it."""

import numpy as np

from flukso_server.series.admission import MAX_TUPLES_DAY, NEVER
from flukso_server.series.localtime import DAY_S
from flukso_server.series.points import unpack
from flukso_server.series.sqlite import stored
from flukso_server.series.sqlite.archive import Archive


class Sensor:
    """One sensor. `pending` is replaced, not emptied, when the sensor is forgotten."""

    __slots__ = ("dead", "first_ts", "key", "last_counter", "last_ts", "no", "pending", "room")

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.no = 0  # in the main file; 0: not there yet, or not known to be
        self.dead = 0  # numbers up to this one were forgotten
        self.first_ts = self.last_ts = NEVER
        self.last_counter = 0
        self.room = MAX_TUPLES_DAY  # tuples that may come before those of their day are counted
        self.pending = bytearray()  # packed pairs that are not in the main file yet

    def widen(self, first_ts: int, last_ts: int, last_counter: int) -> None:
        """Note the ends of tuples that were added."""
        if last_ts > self.last_ts:
            self.last_ts, self.last_counter = last_ts, last_counter
        if self.first_ts == NEVER or first_ts < self.first_ts:
            self.first_ts = first_ts


class SensorRecord:
    """The admission.Record of a sensor: what waits in memory, and what the main file holds."""

    def __init__(self, sensor: Sensor, archive: Archive) -> None:
        self._sensor = sensor
        self._archive = archive

    @property
    def last_ts(self) -> int:
        return self._sensor.last_ts

    @property
    def room(self) -> int:
        return self._sensor.room

    @room.setter
    def room(self, room: int) -> None:
        self._sensor.room = room

    def counters_at(self, times: list[int]) -> dict[int, int]:
        no = self._sensor.no
        merged = stored.counters_at(self._archive, no, times) if no else {}
        return merged | unpack(bytes(self._sensor.pending)).at(times)

    def tuples_in(self, day: int) -> int:
        no = self._sensor.no
        waiting = unpack(bytes(self._sensor.pending)).ts
        first, last = np.searchsorted(waiting, (day * DAY_S, (day + 1) * DAY_S)).tolist()
        merged = stored.tuples_in(self._archive, no, day) if no else 0
        return int(last - first + merged)
