# SPDX-License-Identifier: GPL-3.0-or-later
"""The sensors, and their tuples that are in the inbox but not merged yet; decides what is new."""

import struct
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from flukso_server.series.localtime import DAY_S
from flukso_server.series.points import EMPTY, PAIR_BYTES, Points, unpack
from flukso_server.series.sqlite.archive import Archive, Row
from flukso_server.series.sqlite.inbox import SENSOR_BYTES, apart
from flukso_server.series.store import (
    MAX_AGE_S,
    MAX_AHEAD_S,
    MAX_COUNTER,
    MAX_TUPLES,
    MAX_TUPLES_DAY,
    Outcome,
    Tuple,
    TupleError,
)

PAIR = struct.Struct("<II").unpack_from
NEVER = -1
ROOM_BYTES = MAX_TUPLES_DAY * PAIR_BYTES
UNCOUNTED_BYTES = (
    ROOM_BYTES // 8
)  # that a sensor may send after a start before its day is counted: most of a day by minute
Upload = tuple[str, Sequence[Tuple]]
USUAL_TUPLES = 16  # in an upload that takes the fast way: a quarter of an hour by minute
Packer = Callable[[Sequence[Tuple], int, int, int], bytes | None]


def _packer(count: int) -> Packer:
    """A function (tuples, last, oldest, newest) of exactly `count` tuples: the inbox's pairs when
    the times ascend from after `last` and lie in oldest … newest, else None. Raises TypeError,
    ValueError or struct.error for what is no pair of u32.

    Its loop is unrolled: the loop over five tuples takes three times as long, and this is half of
    an upload's CPU in the store.
    """
    pairs = ", ".join(f"(t{i}, c{i})" for i in range(count))
    times = " < ".join(f"t{i}" for i in range(count))
    source = f"""def packed(tuples, last, oldest, newest):
    [{pairs}] = tuples
    if 0 <= last < {times} <= newest and oldest <= t0:
        return pack({pairs.replace("(", "").replace(")", "")})
    return None
"""
    names: dict[str, Any] = {"pack": struct.Struct(f"<{2 * count}I").pack}
    exec(source, names)
    return names["packed"]


USUAL = {
    count: (_packer(count), Outcome(count, 0, 0, 0)) for count in range(1, USUAL_TUPLES + 1)
}  # and what becomes of so many


class Sensor:
    """One sensor. `pending` is replaced, not emptied, when the sensor is forgotten."""

    __slots__ = (
        "dead",
        "first_ts",
        "key",
        "last_counter",
        "last_ts",
        "no",
        "pending",
        "room_bytes",
    )

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.no = 0  # in the main file; 0: not there yet, or not known to be
        self.dead = 0  # numbers up to this one were forgotten
        self.first_ts = self.last_ts = NEVER
        self.last_counter = 0
        # of tuples that may come after the last one until its day's are counted again
        self.room_bytes = ROOM_BYTES
        self.pending = bytearray()


class Memory:
    """Written under `lock`; readers copy a sensor's `pending` first and read the main file after."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.sensors: dict[str, Sensor] = {}
        self.pending_bytes = 0
        self.seen = 0  # id of the last inbox row that is in here
        self.merged = 0  # id of the last inbox row known to be merged
        self.newest_ts = 0  # the latest `now` of an append: the time of those who feed us

    def load(self, rows: Iterable[Row]) -> None:
        """Start from what the main file holds."""
        for row in rows:
            sensor = self.sensors.get(row.id)
            if sensor is None:
                sensor = self.sensors[row.id] = Sensor(bytes.fromhex(row.id))
            if row.no > sensor.dead:
                sensor.no = row.no
                sensor.room_bytes = min(sensor.room_bytes, UNCOUNTED_BYTES)
                _widen(sensor, row.first_ts, row.last_ts, row.last_counter)

    def adopt(self, fresh: "Memory") -> None:
        """Hold what `fresh` does, which was read from the files just now."""
        with self.lock:
            self.sensors, self.pending_bytes, self.seen, self.merged = (
                fresh.sensors,
                fresh.pending_bytes,
                fresh.seen,
                fresh.merged,
            )

    def replay(self, rows: Iterable[tuple[int, bytes]]) -> None:
        """Take inbox rows (id, data) that this process has not added itself."""
        find, pair = self.sensors.get, PAIR
        for ident, row in rows:
            for upload in apart(row):
                name = upload[:SENSOR_BYTES].hex()
                sensor = find(name)
                if sensor is None:
                    sensor = self.sensors[name] = Sensor(upload[:SENSOR_BYTES])
                data = upload[SENSOR_BYTES:]
                if len(data) % PAIR_BYTES:
                    self._bury(sensor, upload)
                    continue
                sensor.pending += data
                sensor.room_bytes -= len(data)
                self.pending_bytes += len(data)
                ts, counter = pair(data, len(data) - PAIR_BYTES)  # an upload's times ascend
                if ts > sensor.last_ts:
                    sensor.last_ts, sensor.last_counter = ts, counter
                first = pair(data)[0]
                if first < sensor.first_ts or sensor.first_ts == NEVER:
                    sensor.first_ts = first
            self.seen = ident

    def _bury(self, sensor: Sensor, upload: bytes) -> None:
        """What forgets: what is older has gone."""
        (dead,) = struct.unpack_from("<I", upload, SENSOR_BYTES)
        self.pending_bytes -= len(sensor.pending)
        sensor.pending = bytearray()
        sensor.dead = max(dead, sensor.dead)
        if sensor.no <= sensor.dead:
            sensor.no = 0
            sensor.first_ts = sensor.last_ts = NEVER

    def pending(self, name: str) -> Points:
        """The sensor's points that wait, in order."""
        sensor = self.sensors.get(name)
        return unpack(bytes(sensor.pending)) if sensor else EMPTY

    def take(
        self, uploads: Sequence[Upload], now: int, archive: Archive, rows: list[bytes]
    ) -> list[Outcome | Exception]:
        """Take what is new of each upload, and append it to the inbox's `rows` when there is
        something new.
        """
        results: list[Outcome | Exception] = []
        find, usual, add, tell = self.sensors.get, USUAL, rows.append, results.append
        newest, oldest = now + MAX_AHEAD_S, now - MAX_AGE_S
        grown = 0
        for (
            name,
            tuples,
        ) in uploads:  # nearly all are new and in order: as little as possible is done for each
            sensor = find(name)
            if sensor is not None:
                try:
                    packed, all_new = usual[len(tuples)]
                    data = packed(tuples, sensor.last_ts, oldest, newest)
                    if data is not None and (room := sensor.room_bytes - len(data)) >= 0:
                        sensor.room_bytes = room
                        sensor.last_ts, sensor.last_counter = tuples[-1]
                        sensor.pending += data
                        grown += len(data)
                        add(sensor.key + data)
                        tell(all_new)
                        continue
                except (LookupError, TypeError, ValueError, struct.error):
                    pass  # too many, or something that is no pair of u32: one by one then
            try:
                results.append(self._pick(name, tuples, now=now, archive=archive, rows=rows))
            except TupleError as error:
                results.append(error)
            except (TypeError, ValueError) as error:  # not even a sequence
                results.append(TupleError(f"pairs of integers wanted: {error}"))
        self.pending_bytes += grown
        return results

    def _pick(
        self, name: str, tuples: Sequence[Tuple], *, now: int, archive: Archive, rows: list[bytes]
    ) -> Outcome:
        """The slow way: new sensors, times that were seen before, out of order, or not acceptable.
        Raises TupleError.
        """
        sensor = self.sensors.get(name) or Sensor(_key(name))
        wanted, outcome = sift(tuples, now)
        known = (
            stored(sensor, archive, [ts for ts in wanted if ts <= sensor.last_ts]) if wanted else {}
        )
        times = admitted(sensor, archive, sorted(wanted.keys() - known.keys()))
        new: list[int] = []
        for ts in times:
            new += (ts, wanted[ts])
        duplicate = conflict = 0
        for ts in wanted.keys() & known.keys():
            if known[ts] == wanted[ts]:
                duplicate += 1
            else:
                conflict += 1
        late = sum(ts < sensor.last_ts for ts in times)
        if new:
            data = struct.pack(f"<{len(new)}I", *new)
            self.sensors[name] = sensor
            _widen(sensor, new[0], *new[-2:])
            sensor.pending += data
            self.pending_bytes += len(data)
            rows.append(sensor.key + data)
        return outcome._replace(
            new=len(times),
            refused=outcome.refused + len(wanted) - len(times) - duplicate - conflict,
            duplicate=outcome.duplicate + duplicate,
            conflict=outcome.conflict + conflict,
            late=late,
            late_from=times[0] if late else 0,
        )


def sift(tuples: Sequence[Tuple], now: int) -> tuple[dict[int, int], Outcome]:
    """The acceptable tuples, the first one of each time; the others are counted. Raises TupleError."""
    if len(tuples) > MAX_TUPLES:
        raise TupleError(f"over {MAX_TUPLES} tuples at once")
    wanted: dict[int, int] = {}
    duplicate = conflict = refused = ahead_s = 0
    for pair in tuples:
        ts, counter = _pair(pair)
        if (
            not now - MAX_AGE_S <= ts <= now + MAX_AHEAD_S
            or not 0 <= counter <= MAX_COUNTER
            or ts < 0
        ):
            refused += 1
            ahead_s = max(ahead_s, ts - now if ts > now + MAX_AHEAD_S else 0)
        elif ts not in wanted:
            wanted[ts] = counter
        elif wanted[ts] == counter:
            duplicate += 1
        else:
            conflict += 1
    return wanted, Outcome(0, duplicate, conflict, refused, ahead_s)


def stored(sensor: Sensor, archive: Archive, times: list[int]) -> dict[int, int]:
    """The counters that are there already at some of these times."""
    from flukso_server.series.sqlite.known import at_times

    if not times:
        return {}
    found = at_times(archive, sensor.no, times) if sensor.no else {}
    return found | unpack(bytes(sensor.pending)).at(times)


def admitted(sensor: Sensor, archive: Archive, times: list[int]) -> list[int]:
    """Those of the new times, which ascend, for which their UTC days have room."""
    size = len(times) * PAIR_BYTES
    if not times or (times[0] > sensor.last_ts and sensor.room_bytes >= size):
        sensor.room_bytes -= size
        return times
    from flukso_server.series.sqlite.known import count

    days: dict[int, list[int]] = {}
    for ts in times:
        days.setdefault(ts // DAY_S, []).append(ts)
    waiting = unpack(bytes(sensor.pending)).ts
    kept: list[int] = []
    for day, its in days.items():
        first, last = np.searchsorted(waiting, (day * DAY_S, (day + 1) * DAY_S)).tolist()
        there = last - first + (count(archive, sensor.no, day) if sensor.no else 0)
        kept += its[: max(MAX_TUPLES_DAY - there, 0)]
        if day >= sensor.last_ts // DAY_S:
            sensor.room_bytes = max(MAX_TUPLES_DAY - there - len(its), 0) * PAIR_BYTES
    return kept


def _widen(sensor: Sensor, first_ts: int, last_ts: int, last_counter: int) -> None:
    if last_ts > sensor.last_ts:
        sensor.last_ts, sensor.last_counter = last_ts, last_counter
    if sensor.first_ts == NEVER or first_ts < sensor.first_ts:
        sensor.first_ts = first_ts


def _pair(pair: Tuple) -> Tuple:
    try:
        ts, counter = pair
    except (TypeError, ValueError):
        raise TupleError("pairs of integers wanted")
    if type(ts) is not int or type(counter) is not int:
        raise TupleError("pairs of integers wanted")
    return ts, counter


def _key(name: str) -> bytes:
    try:
        key = bytes.fromhex(name)
    except ValueError:
        key = b""
    if len(key) != 16 or key.hex() != name:
        raise TupleError("a sensor is 32 lower-case hex digits")
    return key
