# SPDX-License-Identifier: GPL-3.0-or-later
"""The work in the background, in small steps: from the inbox into runs, blocks and ladders."""

from collections.abc import Iterator

import numpy as np

from flukso_server.series.ladder import Horizons
from flukso_server.series.localtime import DAY_S
from flukso_server.series.points import Points, pack, union, unpack
from flukso_server.series.sqlite import ageing, codec
from flukso_server.series.sqlite.archive import SWEEPS, Archive, day_key, open_key
from flukso_server.series.sqlite.inbox import Inbox
from flukso_server.series.sqlite.memory import Memory
from flukso_server.series.sqlite.reader import horizons
from flukso_server.series.sqlite.sensor import Sensor

COMMIT_SENSORS = 256  # merged in one transaction: half a megabyte of pages
SEAL_AFTER_S = 7200  # from a day's end until it is closed: most late uploads have come by then
NO_MASK = (1 << 32) - 1
# CAST: the result of `||` is text
_APPEND = (
    "INSERT INTO open VALUES (?,?)"
    " ON CONFLICT DO UPDATE SET data = CAST(data || excluded.data AS BLOB)"
)


class Merger:
    """Does all the background work, in the writer's thread.

    run() is one round of it; a step from one yield to the next takes about a millisecond.
    """

    def __init__(self, memory: Memory, inbox: Inbox, archive: Archive) -> None:
        self._memory = memory
        self._inbox = inbox
        self._archive = archive
        self._blocks: list[tuple[int, bytes]] = []
        self._chunks: list[tuple[int, bytes]] = []
        self._runs: set[tuple[int, int]] = set()
        self._entered: list[Sensor] = []
        self._sealed = self._sweep = 0
        self._merged: list[tuple[Sensor, bytearray, int]] = []

    def run(self, now: int) -> Iterator[None]:
        """Do everything that is due.

        A part that fails keeps none of the others from being done; the first error is raised at the
        end.
        """
        failed: Exception | None = None
        # bury() comes twice: a sweep learns what other processes have forgotten
        for part in (
            self.bury(),
            self.sweep(),
            self.bury(),
            self.seal(now),
            ageing.run(self._archive, now),
        ):
            try:
                yield from part
            except Exception as error:
                failed = failed or error
                self.abandon()
        if failed is not None:
            raise failed

    def sweep(self) -> Iterator[None]:
        """Merge what waits in memory; then remove the inbox rows from which it came."""
        memory = self._memory
        self._begin()
        with memory.lock:
            upto = memory.seen
            waiting = [(name, sensor) for name, sensor in memory.sensors.items() if sensor.pending]
            forgotten = [sensor for sensor in memory.sensors.values() if sensor.dead]
        for sensor in forgotten:  # perhaps by a process that died before it wrote so in this file
            self._archive.disown(sensor.key, sensor.dead)
        for name, sensor in waiting:
            if not sensor.no and sensor.pending:
                self._enter(name, sensor)
                if len(self._entered) >= COMMIT_SENSORS:
                    self._commit()
                    self._begin()
                yield
        waiting.sort(key=lambda item: item[1].no)
        aged = horizons(self._archive)
        self._sealed = self._archive.get("sealed")
        self._sweep = self._next_sweep()
        for _name, sensor in waiting:
            if sensor.no and sensor.pending:
                self._merge(sensor, aged)
            if len(self._merged) >= COMMIT_SENSORS:
                self._commit()
                self._begin()
            yield
        self._archive.put("merged", upto)
        self._commit()
        yield
        while self._inbox.remove(upto):
            yield

    def _begin(self) -> None:
        """Begin a transaction in which nothing is forgotten.

        Whoever forgets must hold the main file, so all that was forgotten before is known from here
        on.
        """
        self._archive.begin()
        with self._memory.lock:
            self._memory.replay(self._inbox.after(self._memory.seen))

    def _next_sweep(self) -> int:
        """Return the next sweep's number; if an old run has it, what is new is appended to it."""
        sweep = (self._archive.get("sweep") + 1) % SWEEPS
        self._archive.put("sweep", sweep)
        return sweep

    def _enter(self, name: str, sensor: Sensor) -> None:
        """Give the sensor its number in the main file."""
        self._archive.disown(sensor.key, sensor.dead)
        row = self._archive.sensor(name)
        sensor.no = (
            row.no
            if row
            else self._archive.enter(name, sensor.first_ts, (sensor.last_ts, sensor.last_counter))
        )
        self._entered.append(sensor)

    def _merge(self, sensor: Sensor, aged: Horizons) -> None:
        """Sort the sensor's waiting points by day."""
        data = bytes(sensor.pending)
        points = unpack(data)
        self._merged.append((sensor, sensor.pending, len(data)))
        first, last = int(points.ts[0]) // DAY_S, int(points.ts[-1]) // DAY_S
        if first < aged.raw:
            points = self._late(sensor.no, points, aged)
        elif first == last:
            self._put(sensor.no, first, points, data)
            return
        for day in np.unique(points.ts // DAY_S).tolist():
            part = points.between(day * DAY_S, (day + 1) * DAY_S)
            self._put(sensor.no, day, part, pack(part))

    def _put(self, no: int, day: int, points: Points, data: bytes) -> None:
        """Make a chunk of a day that is filling, or a closed day's block anew."""
        if day < self._sealed:
            self._blocks.append(
                (day_key(day, no), codec.encode(union(self._archive.day(day, no), points)))
            )
        else:
            self._runs.add((day, self._sweep))
            self._chunks.append((open_key(day, self._sweep, no), data))

    def _late(self, no: int, points: Points, aged: Horizons) -> Points:
        """Put the points of aged days into the ladders, and return the others."""
        rest = points.between(aged.raw * DAY_S, 1 << 33)
        ageing.put_late(self._archive, no, points.between(0, aged.raw * DAY_S), rest, aged)
        return rest

    def _flush(self) -> None:
        """Write the chunks and blocks that were made since the last time."""
        db = self._archive.db
        if self._chunks:
            db.executemany(_APPEND, self._chunks)
            db.executemany("INSERT OR IGNORE INTO run VALUES (?,?)", self._runs)
        if self._blocks:
            db.executemany("REPLACE INTO block VALUES (?,?)", self._blocks)
        self._forget_made()

    def _forget_made(self) -> None:
        self._blocks.clear()
        self._chunks.clear()
        self._runs.clear()

    def _commit(self) -> None:
        """Make what was merged durable, then drop it from memory."""
        self._flush()
        self._archive.extend(
            [(s.first_ts, s.last_ts, s.last_counter, s.no) for s, _pending, _size in self._merged]
        )
        self._archive.commit()
        self._entered.clear()
        with self._memory.lock:
            for sensor, pending, size in self._merged:
                if sensor.pending is pending:  # otherwise the sensor was forgotten meanwhile
                    del pending[:size]
                    self._memory.pending_bytes -= size
        self._merged.clear()

    def abandon(self) -> None:
        """Give up what is not committed: it is merged again in the next round."""
        self._archive.rollback()
        self._forget_made()
        self._merged.clear()
        for sensor in self._entered:
            sensor.no = 0  # another sensor may get this number now
        self._entered.clear()

    def seal(self, now: int) -> Iterator[None]:
        """Compress days that are over into blocks, in the order of keys, which fills the pages."""
        limit = (now - SEAL_AFTER_S) // DAY_S
        if limit <= self._archive.get("sealed"):
            return
        for day in sorted({day for day, _sweep in self._archive.runs(0, limit - 1)}):
            sweeps = [sweep for _day, sweep in self._archive.runs(day, day)]
            highest = self._archive.db.execute("SELECT max(no) FROM sensor").fetchone()[0] or 0
            for low in range(0, highest + 1, COMMIT_SENSORS):
                yield from self._seal_some(day, sweeps, low, low + COMMIT_SENSORS - 1)
            self._archive.db.execute("DELETE FROM run WHERE day=?", (day,))
        self._archive.begin()
        self._archive.put("sealed", limit)
        self._archive.commit()

    def _seal_some(self, day: int, sweeps: list[int], low: int, high: int) -> Iterator[None]:
        """Seal the day of the sensors with the numbers low … high."""
        archive = self._archive
        archive.begin()
        chunks: dict[int, list[bytes]] = {}
        ranges = [(open_key(day, sweep, low), open_key(day, sweep, high)) for sweep in sweeps]
        for span in ranges:
            for key, data in archive.db.execute(
                "SELECT key, data FROM open WHERE key BETWEEN ? AND ?", span
            ):
                chunks.setdefault(key & NO_MASK, []).append(data)
        old = dict(
            archive.db.execute(
                "SELECT key, data FROM block WHERE key BETWEEN ? AND ?",
                (day_key(day, low), day_key(day, high)),
            )
        )
        for no, its_chunks in sorted(chunks.items()):
            points = unpack(b"".join(its_chunks))
            key = day_key(day, no)
            if key in old:
                points = union(codec.decode(old[key]), points)
            self._blocks.append((key, codec.encode(points)))
            yield
        self._flush()
        archive.db.executemany("DELETE FROM open WHERE key BETWEEN ? AND ?", ranges)
        archive.commit()

    def bury(self) -> Iterator[None]:
        """Remove the blocks of sensors that were forgotten."""
        for no, first_ts, last_ts in self._archive.db.execute(
            "SELECT no, first_ts, last_ts FROM sensor WHERE id IS NULL"
        ).fetchall():
            self._archive.begin()
            ageing.remove(self._archive, no, first_ts // DAY_S, last_ts // DAY_S)
            self._archive.db.execute("DELETE FROM sensor WHERE no=?", (no,))
            self._archive.commit()
            yield
