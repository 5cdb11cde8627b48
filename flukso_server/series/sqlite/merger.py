# SPDX-License-Identifier: GPL-3.0-or-later
"""The work in the background, in small steps: from the inbox into runs, blocks and ladders."""

import sqlite3
import time
from collections.abc import Iterator

import numpy as np

from flukso_server.series.ladder import Horizons
from flukso_server.series.localtime import DAY_S
from flukso_server.series.points import Points, pack, union, unpack
from flukso_server.series.sqlite import ageing, checking, codec
from flukso_server.series.sqlite.archive import SWEEPS, Archive, day_key, open_key
from flukso_server.series.sqlite.damage import (
    BLOCK,
    CHUNK,
    NO_MASK,
    ROW,
    UPLOAD,
    UnreadableError,
)
from flukso_server.series.sqlite.inbox import Inbox, guess
from flukso_server.series.sqlite.memory import Memory
from flukso_server.series.sqlite.reader import LAST_DAY, horizons
from flukso_server.series.sqlite.sensor import Sensor
from flukso_server.series.terms import PLAIN
from flukso_server.series.trust import State

COMMIT_SENSORS = 256  # merged in one transaction: half a megabyte of pages
SEAL_AFTER_S = 7200  # from a day's end until it is closed: most late uploads have come by then


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
        self._old_runs: set[int] = set()  # days that had a run of this sweep's number before
        self._entered: list[Sensor] = []
        self._sealed = self._sweep = 0
        self._limited: set[int] = set()  # numbers of sensors with a limit, of those being sealed
        self._merged: list[tuple[Sensor, bytearray, int]] = []

    def run(self, now: int, state: State) -> Iterator[None]:
        """Do everything that is due; nothing by a time of day that is in doubt.

        A part that fails keeps none of the others from being done; the first error is raised at the
        end.
        """
        failed: Exception | None = None
        by_time = [self.seal(now), ageing.run(self._archive, now)] if state.sure else []
        # bury() comes twice: a sweep learns what other processes have forgotten
        for part in (
            self.bury(),
            self.sweep(),
            self.bury(),
            checking.run(self._archive),
            *by_time,
            self._note(state),
        ):
            try:
                yield from part
            except Exception as error:
                failed = failed or error
                self.abandon()
        if failed is not None:
            raise failed

    def _note(self, state: State) -> Iterator[None]:
        """Note what is known of the clock."""
        self._archive.put_clock_state(state)
        yield

    def sweep(self) -> Iterator[None]:
        """Merge what waits in memory; then remove the inbox rows from which it came."""
        memory = self._memory
        self._begin()
        with memory.lock:
            upto = memory.seen
            waiting = [(name, sensor) for name, sensor in memory.sensors.items() if sensor.pending]
            forgotten = [sensor for sensor in memory.sensors.values() if sensor.dead]
        self._set_rows_aside()
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

    def _set_rows_aside(self) -> None:
        """Keep the inbox rows that are damaged: they leave the inbox with the others."""
        found = int(time.time())
        for ident in self._memory.damaged:
            row = self._inbox.row(ident)
            self._archive.note_damaged((ROW, ident, 0, 0, 0, found, row))
            for name, first_ts, last_ts, upload in guess(row):
                sensor = self._memory.sensors.get(name)
                if sensor and sensor.no:
                    span = (sensor.no, first_ts // DAY_S, last_ts // DAY_S)
                    self._archive.note_damaged((UPLOAD, ident, *span, found, upload))
        self._memory.damaged.clear()

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
        self._old_runs = {day for day, number in self._archive.runs(0, LAST_DAY) if number == sweep}
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
            key = day_key(day, no)
            try:
                points = union(self._archive.day(day, no), points)
                self._blocks.append((key, codec.encode(points, key, self._archive.terms(no))))
                return
            except UnreadableError:
                pass  # it waits as a chunk until the file is repaired
        self._chunks.append((open_key(day, self._sweep, no), data))

    def _late(self, no: int, points: Points, aged: Horizons) -> Points:
        """Put the points of aged days into the ladders, and return the others.

        All, if a page of the ladders is damaged: they wait as chunks until the file is repaired.
        """
        rest = points.between(aged.raw * DAY_S, 1 << 33)
        late = points.between(0, aged.raw * DAY_S)
        try:
            ageing.put_late(self._archive, no, late, rest, aged)
        except (UnreadableError, sqlite3.DatabaseError) as error:
            self._archive.tolerate(BLOCK, day_key(int(late.ts[0]) // DAY_S, no), error)
            return points
        return rest

    def _flush(self) -> set[int]:
        """Write the chunks and blocks that were made since the last time.

        Returns the keys of blocks that could not be written.
        """
        failed: set[int] = set()
        if self._blocks:
            failed = self._archive.put_blocks(self._blocks)
        if self._chunks:
            self._archive.put_chunks(self._chunks, self._old_runs)
        self._forget_made()
        return failed

    def _forget_made(self) -> None:
        self._blocks.clear()
        self._chunks.clear()

    def _commit(self) -> None:
        """Make what was merged durable, then drop it from memory."""
        blocks = dict(self._blocks)
        for key in self._flush():
            points = codec.decode(blocks[key], key)
            chunk = open_key(key >> 32, self._sweep, key & NO_MASK)
            self._archive.put_chunks([(chunk, pack(points))], self._old_runs)
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
            self._drop_run(day, sweeps)
        self._archive.begin()
        self._archive.put("sealed", limit)
        self._archive.commit()

    def _seal_some(self, day: int, sweeps: list[int], low: int, high: int) -> Iterator[None]:
        """Seal the day of the sensors with the numbers low … high."""
        archive = self._archive
        archive.begin()
        aged = horizons(archive)
        chunks: dict[int, list[tuple[int, bytes]]] = {}
        for sweep in sweeps:
            rows, _more = archive.some(
                CHUNK, open_key(day, sweep, low), open_key(day, sweep, high), COMMIT_SENSORS
            )
            for key, data in archive.whole(rows):
                chunks.setdefault(key & NO_MASK, []).append((key, data))
        done: dict[int, list[int]] = {}  # keys of chunks, by that of their block
        self._limited = archive.limited(low, high)
        for no, its_chunks in sorted(chunks.items()):
            points = unpack(b"".join([data for _key, data in its_chunks]))
            if self._seal_one(day, no, points, aged):
                done[day_key(day, no)] = [key for key, _data in its_chunks]
            yield
        for key in self._flush():
            del done[key]
        archive.delete(CHUNK, [key for keys in done.values() for key in keys])
        archive.commit()

    def _seal_one(self, day: int, no: int, points: Points, aged: Horizons) -> bool:
        """Add a block to those that are to be written; return False if its day cannot be read."""
        key = day_key(day, no)
        if day < aged.raw:  # it waited until the file was repaired
            return not len(self._late(no, points, aged).ts)
        try:
            points = union(self._archive.closed(day, no, self._archive.block(day, no)), points)
        except UnreadableError:
            return False
        terms = self._archive.terms(no) if no in self._limited else PLAIN
        self._blocks.append((key, codec.encode(points, key, terms)))
        return True

    def _drop_run(self, day: int, sweeps: list[int]) -> None:
        """Forget the runs of a day, unless some chunk could not leave them."""
        for sweep in sweeps:
            low = open_key(day, sweep, 0)
            if self._archive.oldest(CHUNK, low, (low | NO_MASK) + 1) is None:
                self._archive.db.execute("DELETE FROM run WHERE day=? AND sweep=?", (day, sweep))

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
