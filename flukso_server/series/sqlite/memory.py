# SPDX-License-Identifier: GPL-3.0-or-later
"""The sensors with their tuples that are in the inbox but not merged yet; adds what is new."""

import struct
import threading
from collections.abc import Callable, Iterable, Sequence

from flukso_server.series.admission import (
    MAX_AGE_S,
    MAX_AHEAD_S,
    MAX_TUPLES_DAY,
    NEVER,
    USUAL,
    admit,
    sensor_key,
)
from flukso_server.series.points import EMPTY, PAIR_BYTES, Points, unpack
from flukso_server.series.rule import Rules, Zones, counters_alone, utc_alone
from flukso_server.series.sqlite.archive import Archive, Row
from flukso_server.series.sqlite.damage import ROW, Damage
from flukso_server.series.sqlite.inbox import SENSOR_BYTES, split_row
from flukso_server.series.sqlite.sensor import Sensor, SensorRecord
from flukso_server.series.store import Outcome, Results, SeriesError, Tuple, TupleError, Upload

PAIR = struct.Struct("<II").unpack_from
# a tuple of so lately shows that the device's clock and this one agree
FRESH_S = 900
# tuples that a sensor may send after a start before those of its day are counted: most of a day by
# minute
UNCOUNTED = MAX_TUPLES_DAY // 8


class Memory:
    """All sensors of the store. Written under `lock`.

    A reader copies a sensor's `pending` first and reads the main file after, so that it misses
    nothing that is merged meanwhile.
    """

    def __init__(self, rules: Rules = counters_alone, zones: Zones = utc_alone) -> None:
        self.rules, self.zones = rules, zones
        self.lock = threading.RLock()
        self.sensors: dict[str, Sensor] = {}
        self.pending_bytes = 0
        self.seen = 0  # id of the last inbox row that is in here
        self.merged = 0  # id of the last inbox row known to be merged
        self.newest_ts = 0  # the latest `now` of an append
        # whether devices confirm the clock: otherwise no upload is refused by it alone
        self.confirmed: Callable[[], bool] = lambda: True
        self.damage = Damage()
        self.damaged: set[int] = set()  # ids of inbox rows that are to be set aside

    def load(self, rows: Iterable[Row]) -> None:
        """Add the sensors that the main file has."""
        for row in rows:
            sensor = self.sensors.get(row.id)
            if sensor is None:
                sensor = self.sensors[row.id] = Sensor(bytes.fromhex(row.id))
            if row.no > sensor.dead:
                sensor.no = row.no
                sensor.room = min(sensor.room, UNCOUNTED)
                sensor.widen(row.first_ts, row.last_ts, row.last_counter)

    def adopt(self, fresh: "Memory") -> None:
        """Replace all by what `fresh` has read from the files just now."""
        with self.lock:
            self.sensors, self.pending_bytes, self.seen, self.merged, self.damaged = (
                fresh.sensors,
                fresh.pending_bytes,
                fresh.seen,
                fresh.merged,
                fresh.damaged,
            )

    def replay(self, rows: Iterable[tuple[int, bytes | None]]) -> None:
        """Add inbox rows (id, data) that this process has not written itself.

        A row without data is damaged: it is noted, and left out.
        """
        find, pair = self.sensors.get, PAIR
        for ident, row in rows:
            self.seen = ident
            if row is None:
                self.damage.tell(ROW, ident, "the checksum differs")
                self.damaged.add(ident)
                continue
            for upload in split_row(row):
                name = upload[:SENSOR_BYTES].hex()
                sensor = find(name)
                if sensor is None:
                    sensor = self.sensors[name] = Sensor(upload[:SENSOR_BYTES])
                data = upload[SENSOR_BYTES:]
                if len(data) % PAIR_BYTES:
                    self._forget(sensor, upload)
                    continue
                sensor.pending += data
                sensor.room -= len(data) // PAIR_BYTES
                self.pending_bytes += len(data)
                ts, counter = pair(data, len(data) - PAIR_BYTES)  # an upload's times ascend
                if ts > sensor.last_ts:
                    sensor.last_ts, sensor.last_counter = ts, counter
                first = pair(data)[0]
                if first < sensor.first_ts or sensor.first_ts == NEVER:
                    sensor.first_ts = first

    def _forget(self, sensor: Sensor, upload: bytes) -> None:
        """Obey a row that forgets the sensor: what is older is gone."""
        (dead,) = struct.unpack_from("<I", upload, SENSOR_BYTES)
        self.pending_bytes -= len(sensor.pending)
        sensor.pending = bytearray()
        sensor.dead = max(dead, sensor.dead)
        if sensor.no <= sensor.dead:
            sensor.no = 0
            sensor.first_ts = sensor.last_ts = NEVER

    def pending(self, name: str) -> Points:
        """Return the sensor's points that are not merged yet, in order."""
        sensor = self.sensors.get(name)
        return unpack(bytes(sensor.pending)) if sensor else EMPTY

    def add(
        self, uploads: Sequence[Upload], now: int, archive: Archive, rows: list[bytes]
    ) -> Results:
        """Add what is new of each upload; append it to the inbox's `rows` when there is any."""
        results: Results = []
        find, usual, append_row, append_result = (
            self.sensors.get,
            USUAL,
            rows.append,
            results.append,
        )
        newest, oldest = now + MAX_AHEAD_S, now - MAX_AGE_S
        grown = 0
        # nearly all uploads are usual ones: as little as possible is done for each
        for name, tuples in uploads:
            sensor = find(name)
            if sensor is not None:
                try:
                    count = len(tuples)
                    packed, all_new = usual[count]
                    data = packed(tuples, sensor.last_ts, oldest, newest)
                    if data is not None and (room := sensor.room - count) >= 0:
                        sensor.room = room
                        sensor.last_ts, sensor.last_counter = tuples[-1]
                        sensor.pending += data
                        grown += len(data)
                        append_row(sensor.key + data)
                        append_result(all_new)
                        continue
                except (LookupError, TypeError, ValueError, struct.error):
                    pass  # too many, or something that is no pair of u32: admit() says which
            try:
                append_result(self._add_unusual(name, tuples, now, archive, rows))
            except (TupleError, SeriesError) as error:
                append_result(error)
            except (TypeError, ValueError) as error:  # not even a sequence
                append_result(TupleError(f"pairs of integers wanted: {error}"))
        self.pending_bytes += grown
        return results

    def _add_unusual(
        self, name: str, tuples: Sequence[Tuple], now: int, archive: Archive, rows: list[bytes]
    ) -> Outcome:
        """Add an upload of a new sensor, or with times that are known, out of order or refused.

        Raises TupleError; SeriesError after all for an upload that would be refused by a clock that
        nobody confirms, once what it has else is stored: the device sends it again.
        """
        sensor = self.sensors.get(name) or Sensor(sensor_key(name))
        new, outcome = admit(SensorRecord(sensor, archive), tuples, now)
        if new:
            data = struct.pack(f"<{2 * len(new)}I", *[value for pair in new for value in pair])
            self.sensors[name] = sensor
            sensor.widen(new[0][0], *new[-1])
            sensor.pending += data
            self.pending_bytes += len(data)
            rows.append(sensor.key + data)
        if (
            outcome.ahead_s
            and not any(ts > now - FRESH_S for ts, _ in new)
            and not self.confirmed()
        ):
            raise SeriesError(f"tuples are {outcome.ahead_s} s ahead of a clock that is in doubt")
        return outcome
