# SPDX-License-Identifier: GPL-3.0-or-later
"""Background work in slices: inbox into day blocks, closed days into full pages, old days into the ladders."""

from collections.abc import Iterator

import numpy as np
from series.points import Points, union
from series.sqlite import ageing, codec
from series.sqlite.archive import DAY_S, Archive, day_key
from series.sqlite.inbox import Inbox
from series.sqlite.memory import Memory, Sensor, unpack
from series.sqlite.reader import Horizons, horizons

COMMIT_SENSORS = 256  # merged in one transaction: half a megabyte of pages
SEAL_AFTER_S = 7200  # a day is closed two hours after its end: most late uploads have come by then
SEAL_ROWS = 64  # blocks sealed between two looks at the clock


class Merger:
    """Owned by the writer thread. run() is one round of all work; each step between two yields takes about a millisecond."""

    def __init__(self, memory: Memory, inbox: Inbox, archive: Archive) -> None:
        self._memory = memory
        self._inbox = inbox
        self._archive = archive
        self._blocks: list[tuple[str, int, bytes]] = []
        self._merged: list[tuple[Sensor, bytearray, int]] = []

    def run(self, now: int) -> Iterator[None]:
        """Everything that is due."""
        yield from self.sweep()
        yield from self.bury()
        yield from self.seal(now)
        yield from ageing.run(self._archive, now)

    def sweep(self) -> Iterator[None]:
        """Merge what waits in memory; then the inbox rows it came from can go."""
        memory = self._memory
        with memory.lock:
            upto = memory.seen
            waiting = [(name, sensor) for name, sensor in memory.sensors.items() if sensor.pending]
        self._archive.begin()
        for name, sensor in waiting:
            if not sensor.no and sensor.pending:
                self._enter(name, sensor)
        waiting.sort(key=lambda item: item[1].no)
        aged = horizons(self._archive)
        sealed = self._archive.get("sealed")
        for _name, sensor in waiting:
            if sensor.no and sensor.pending:
                self._merge(sensor, aged, sealed)
            if len(self._merged) >= COMMIT_SENSORS:
                self._commit()
                self._archive.begin()
            yield
        self._archive.put("merged", upto)
        self._commit()
        yield
        while self._inbox.remove(upto):
            yield

    def _enter(self, name: str, sensor: Sensor) -> None:
        self._archive.db.execute("UPDATE sensor SET id=NULL WHERE id=? AND no<=?", (sensor.key, sensor.dead))
        row = self._archive.sensor(name)
        sensor.no = row.no if row else self._archive.enter(name, sensor.first_ts, (sensor.last_ts, sensor.last_counter))

    def _merge(self, sensor: Sensor, aged: Horizons, sealed: int) -> None:
        size = len(sensor.pending)
        points = unpack(bytes(sensor.pending[:size]))
        self._merged.append((sensor, sensor.pending, size))
        days = points.ts // DAY_S
        first, last = int(days[0]), int(days[-1])
        if first < aged.raw:
            points = self._late(sensor.no, points, aged)
            if not len(points.ts):
                return
            first = int(points.ts[0]) // DAY_S
        if first == last:
            self._put(sensor.no, first, points, sealed)
            return
        for day in np.unique(points.ts // DAY_S).tolist():
            self._put(sensor.no, day, points.between(day * DAY_S, (day + 1) * DAY_S), sealed)

    def _put(self, no: int, day: int, points: Points, sealed: int) -> None:
        old = self._archive.day(day, no)
        if old:
            points = union(codec.decode(old), points)
        if day < sealed:
            self._blocks.append(("block", day_key(day, no), codec.encode(points)))
        else:
            self._blocks.append(("open", day_key(day, no), codec.encode(points, codec.LEVEL_OPEN)))

    def _late(self, no: int, points: Points, aged: Horizons) -> Points:
        """Put the points of aged days into the ladders; returns the others."""
        rest = points.between(aged.raw * DAY_S, 1 << 33)
        old = points.between(0, aged.raw * DAY_S)
        following = Points(rest.ts[:1], rest.counter[:1])
        ageing.put_all(self._archive, no, old, following, aged)
        return rest

    def _flush(self) -> None:
        """Write the blocks made since the last time."""
        for table in ("open", "block"):
            rows = [(key, data) for where, key, data in self._blocks if where == table]
            if rows:
                self._archive.db.executemany(f"REPLACE INTO {table} VALUES (?,?)", rows)
        self._blocks.clear()

    def _commit(self) -> None:
        self._flush()
        self._archive.extend([(s.first_ts, s.last_ts, s.last_counter, s.no) for s, _pending, _size in self._merged])
        self._archive.commit()
        with self._memory.lock:
            for sensor, pending, size in self._merged:
                if sensor.pending is pending:  # else it was forgotten meanwhile
                    del pending[:size]
                    self._memory.pending_bytes -= size
        self._merged.clear()

    def abandon(self) -> None:
        """Give up what is not committed; it will be merged again."""
        self._archive.rollback()
        self._blocks.clear()
        self._merged.clear()

    def seal(self, now: int) -> Iterator[None]:
        """Move the blocks of days that are over to where they stay, in the order of their keys: this fills the pages."""
        limit = (now - SEAL_AFTER_S) // DAY_S
        if limit <= self._archive.get("sealed"):
            return
        db = self._archive.db
        while True:
            self._archive.begin()
            rows = db.execute("SELECT key, data FROM open WHERE key<? ORDER BY key LIMIT ?", (limit << 32, COMMIT_SENSORS)).fetchall()
            done: list[tuple[int, bytes]] = []
            for key, data in rows:
                done.append((key, codec.encode(codec.decode(data))))
                if len(done) % SEAL_ROWS == 0:
                    yield
            db.executemany("REPLACE INTO block VALUES (?,?)", done)
            if not rows:
                self._archive.put("sealed", limit)
                self._archive.commit()
                return
            db.execute("DELETE FROM open WHERE key BETWEEN ? AND ?", (rows[0][0], rows[-1][0]))
            self._archive.commit()
            yield

    def bury(self) -> Iterator[None]:
        """Remove what is left of forgotten sensors."""
        for no, first_ts, last_ts in self._archive.db.execute("SELECT no, first_ts, last_ts FROM sensor WHERE id IS NULL").fetchall():
            self._archive.begin()
            ageing.remove(self._archive, no, first_ts // DAY_S, last_ts // DAY_S)
            self._archive.db.execute("DELETE FROM sensor WHERE no=?", (no,))
            self._archive.commit()
            yield
