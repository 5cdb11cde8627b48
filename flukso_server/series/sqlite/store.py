# SPDX-License-Identifier: GPL-3.0-or-later
"""The SQLite store: it keeps the contract by a writer thread, a memory and a reader."""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from flukso_server.series.admission import NEVER, sensor_key
from flukso_server.series.curve import Curve, Part, Seen, joined, look_at
from flukso_server.series.ladder import Horizons
from flukso_server.series.lasting import doubtful
from flukso_server.series.localtime import DAY_S
from flukso_server.series.plausible import highest_day, judge
from flukso_server.series.points import EMPTY, Points, union, unpack
from flukso_server.series.rule import Ints, Rule, Rules, Zones, counters_alone, utc_alone
from flukso_server.series.sqlite import checking, reader, termed
from flukso_server.series.sqlite.archive import Archive
from flukso_server.series.sqlite.damage import Span
from flukso_server.series.sqlite.inbox import Inbox, guess
from flukso_server.series.sqlite.memory import Memory
from flukso_server.series.sqlite.peaks import peaks_of
from flukso_server.series.sqlite.sensor import Sensor
from flukso_server.series.sqlite.verify import Verification
from flukso_server.series.sqlite.writer import SWEEP_TUPLES, Forget, Item, Writer
from flukso_server.series.store import (
    FOREVER_S,
    CorrectionError,
    Results,
    SeriesError,
    Tuple,
    Upload,
)
from flukso_server.series.terms import UNKNOWN_DAY_WH, Correction, Limit, Terms
from flukso_server.series.trust import Trust

T = TypeVar("T")

# kept for readers: two months by minute of eight sensors; 23 KB for a day, 12 MB in all
DECODED_BLOCKS = 512
FEW_POINTS = 8  # of so few, those around are read too: odd ones show only among others
HIGHEST_KEPT = 4096  # sensors whose highest day is remembered


class SqliteStore:
    """series.store.Store on two SQLite files, `path` and `path`.inbox.

    Several processes may open them, of which one merges. merge=False: never this process, because
    it only reads beside the one that takes uploads.
    """

    def __init__(
        self,
        path: str,
        clock: Callable[[], float] = time.time,
        sweep_tuples: int = SWEEP_TUPLES,
        merge: bool = True,
        rules: Rules = counters_alone,
        zones: Zones = utc_alone,
        trust: Trust | None = None,
    ) -> None:
        self._memory = Memory(rules, zones)
        self.trust = trust or Trust(clock)
        self._writer = Writer(self._memory, path, self.trust, sweep_tuples, merge)
        if trust is not None:  # a service with devices, which send again what is put off
            self._memory.confirmed = trust.is_confirmed
        self._archive = Archive(path, DECODED_BLOCKS, self._writer.damage)
        self._inbox = Inbox(path + ".inbox")
        self._highest: dict[str, tuple[tuple, float]] = {}
        self._read = threading.Lock()  # guards the connections that read
        self._closed = False
        self._writer.start()

    # writing

    def append(self, uploads: Sequence[Upload], now: int, done: Callable[[Results], None]) -> None:
        self._put(Item(uploads, now, done))

    def forget(self, sensor: str) -> None:
        forgotten = threading.Event()
        errors: list[Exception] = []

        def done(results: Results) -> None:
            errors.extend(result for result in results if isinstance(result, Exception))
            forgotten.set()

        self._put(Forget(sensor, done))
        forgotten.wait()
        if errors:
            raise errors[0]

    def mark_imported(self, sensor: str, until: int) -> None:
        state, _pending = self._state(sensor)
        if state is None:
            return

        def mark(db: sqlite3.Connection) -> None:
            self._enter(sensor, state)
            db.execute("UPDATE sensor SET imported_until=? WHERE id=?", (until, state.key))

        self._change(mark)

    def _enter(self, sensor: str, state: Sensor) -> None:
        """Give the sensor a row in the main file, if its tuples are not merged yet."""
        if self._archive.sensor(sensor) is None:
            self._archive.enter(sensor, state.first_ts, (state.last_ts, state.last_counter))

    def _change(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Change the main file in a transaction of its own. Raises SeriesError."""
        if self._closed:
            raise SeriesError("the store is closed")
        with self._read:
            try:
                self._archive.begin()
                changed = change(self._archive.db)
                self._archive.commit()
                return changed
            except sqlite3.Error as error:
                raise SeriesError(f"not stored: {error}") from error
            finally:
                self._archive.rollback()

    def imported_until(self, sensor: str) -> int:
        with self._read:
            row = self._archive.db.execute(
                "SELECT imported_until FROM sensor WHERE id=?", (bytes.fromhex(sensor),)
            ).fetchone()
        return row[0] if row else 0

    def _put(self, item: Item | Forget) -> None:
        if self._closed:
            raise SeriesError("the store is closed")
        self._writer.put(item)

    # reading

    def curve(self, sensor: str, at: Ints, shortest_silence_s: int = FOREVER_S) -> Curve:
        state, pending = self._state(sensor)
        if state is None or not len(at) or state.last_ts == NEVER:
            return Curve((), at)
        start, end = max(int(at[0]), state.first_ts), min(int(at[-1]), state.last_ts)
        if start > end:
            return Curve((), at)
        with self._read, self._archive.snapshot():
            terms = self._terms(sensor, state)
            if not self._number(sensor, state):
                seen = look_at([Part(pending)], terms)
            else:
                by_day = shortest_silence_s >= DAY_S and not (at[0] % DAY_S or (at % DAY_S).any())
                seen = self._look(state.no, pending, (start, end), terms, by_day)
        return Curve.of(seen, at, terms)  # outside the lock: it may ask for the highest day

    def _look(
        self, no: int, pending: Points, ends: tuple[int, int], terms: Terms, by_day: bool
    ) -> Seen:
        """Return what a curve from one end to the other is built of."""
        window = reader.Window(no, ends[0] // DAY_S, ends[1] // DAY_S, pending, terms.of_history())
        # a block's header says nothing of the silences within its day, and nothing of a held
        # counter: it is made without the rule
        by_day = by_day and not terms.rule.held
        pieces = reader.around(self._archive, window, *ends, by_day)
        seen = look_at(pieces, terms)
        if terms.rule.held or (seen.calm and len(seen.points.ts) >= FEW_POINTS):
            return seen
        pieces = reader.context(self._archive, window, *ends, by_day)
        if by_day:  # a day that fits may end in an odd tuple, which its header does not tell
            whole, summed = joined(pieces)
            at = np.flatnonzero(doubtful(whole, terms) & ~summed)
            days = np.concatenate((whole.ts[at], whole.ts[at + 1])) // DAY_S
            window = window._replace(doubtful=frozenset(days.tolist()))
            pieces = reader.context(self._archive, window, *ends, by_day)
        return look_at(pieces, terms)

    def _terms(self, sensor: str, state: Sensor) -> Terms:
        terms = termed.read(self._archive.db, state.key, self.rule(sensor))
        return terms._replace(highest_day=lambda: self._highest_day(sensor, terms))

    def _highest_day(self, sensor: str, terms: Terms) -> float:
        """Return the Wh of the sensor's highest day; it is looked for once a day."""
        state, pending = self._state(sensor)
        if state is None or state.last_ts == NEVER:
            return UNKNOWN_DAY_WH
        known = (state.no, state.first_ts // DAY_S, state.last_ts // DAY_S, terms.corrections)
        remembered = self._highest.get(sensor)
        if remembered is not None and remembered[0] == known:
            return remembered[1]
        ends = (state.first_ts, state.last_ts)
        with self._read, self._archive.snapshot():
            if not self._number(sensor, state):
                seen = look_at([Part(pending)], terms)
            else:
                seen = self._look(state.no, pending, ends, terms, by_day=True)
        gapless = terms._replace(highest_day=lambda: 0.0)
        highest = highest_day(judge(seen.points, gapless, seen.summed))
        while len(self._highest) >= HIGHEST_KEPT:
            self._highest.pop(next(iter(self._highest)), None)
        self._highest[sensor] = (known, highest)
        return highest

    def terms(self, sensor: str) -> Terms:
        state, _pending = self._state(sensor)
        with self._read:
            return self._terms(sensor, state or Sensor(sensor_key(sensor)))

    def limit(self, sensor: str, limit: Limit) -> None:
        key = sensor_key(sensor)
        self._change(lambda db: termed.limit(db, key, limit))

    def correct(self, sensor: str, correction: Correction) -> int:
        state, _pending = self._state(sensor)
        if state is None or state.last_ts == NEVER:
            raise CorrectionError("there is nothing to correct")

        def note(db: sqlite3.Connection) -> int:
            self._enter(sensor, state)  # so that forgetting the series finds it
            return termed.correct(db, state.key, correction)

        return self._change(note)

    def undo(self, sensor: str, ident: int) -> bool:
        key = sensor_key(sensor)
        return self._change(lambda db: termed.undo(db, key, ident))

    def rule(self, sensor: str) -> Rule:
        return self._memory.rules(sensor)

    def peaks(self, sensor: str) -> list[Tuple]:
        state, _pending = self._state(sensor)
        if state is None:
            return []
        with self._read, self._archive.snapshot():
            return peaks_of(self._archive, self._number(sensor, state))

    def raw(self, sensor: str, start: int, end: int) -> list[Tuple]:
        state, pending = self._state(sensor)
        if state is None or end <= start:
            return []
        first, last = max(start, state.first_ts), min(end - 1, state.last_ts)
        with self._read, self._archive.snapshot():
            if not self._number(sensor, state):
                points = pending
            else:
                window = reader.Window(state.no, first // DAY_S, last // DAY_S, pending)
                points = EMPTY
                for part in reader.parts(self._archive, window):
                    points = union(points, part.points)
        points = points.between(start, end)
        return list(zip(points.ts.tolist(), points.counter.tolist(), strict=True))

    def horizons(self) -> Horizons:
        with self._read:
            return reader.horizons(self._archive)

    def first(self, sensor: str) -> int | None:
        state, _pending = self._state(sensor)
        return state.first_ts if state and state.first_ts != NEVER else None

    def last(self, sensor: str) -> Tuple | None:
        state, _pending = self._state(sensor)
        return (state.last_ts, state.last_counter) if state and state.last_ts != NEVER else None

    def damaged(self, sensor: str) -> list[tuple[int, int]]:
        state, _pending = self._state(sensor)
        days = self._damaged_rows(sensor)
        if state is not None and state.last_ts != NEVER:
            with self._read, self._archive.snapshot():
                if self._number(sensor, state):
                    where = Span(state.no, state.first_ts // DAY_S, state.last_ts // DAY_S)
                    days += [span[1:] for span in checking.damaged(self._archive, where)]
        return [(first * DAY_S, (last + 1) * DAY_S) for first, last in sorted(set(days))]

    def _damaged_rows(self, sensor: str) -> list[tuple[int, int]]:
        """Return the days of which damaged rows of the inbox seem to have tuples of a sensor."""
        with self._memory.lock:
            damaged = list(self._memory.damaged)
        with self._read:
            rows = [self._inbox.row(ident) for ident in damaged]
        return [
            (first // DAY_S, last // DAY_S)
            for row in rows
            for name, first, last, _upload in guess(row)
            if name == sensor
        ]

    def _state(self, sensor: str) -> tuple[Sensor | None, Points]:
        """Return the sensor and its points that wait, with what other processes have added."""
        memory = self._memory
        with self._read:
            if self._inbox.newest() > memory.seen:
                with memory.lock:
                    memory.replay(self._inbox.after(memory.seen))
        state = memory.sensors.get(sensor)
        if state is None:
            return None, EMPTY
        return state, unpack(bytes(state.pending))

    def _number(self, sensor: str, state: Sensor) -> int:
        """Return the sensor's number in the main file, 0 if it has none."""
        if not state.no:
            row = self._archive.sensor(sensor)
            if row and row.no > state.dead:
                self._memory.load([row])
        return state.no

    # life

    @staticmethod
    def identity(path: str) -> tuple[int, bool]:
        """Do store.identity() on the files."""
        if not os.path.exists(path):
            return 0, True
        archive, inbox = Archive(path, 1), Inbox(path + ".inbox")
        try:
            return archive.get("belongs_to"), not inbox.newest() and not any(archive.sensors())
        finally:
            archive.close()
            inbox.close()

    @staticmethod
    def identify(path: str, number: int) -> None:
        """Do store.identify() on the files."""
        archive = Archive(path, 1)
        archive.put("belongs_to", number)
        archive.close()

    @staticmethod
    def verify(path: str, repair: bool, say: Callable[[str], None]) -> int:
        """Do store.verify() on the files."""
        look = Verification(path, say)
        try:
            return look.run(repair)
        finally:
            look.close()

    def merge(self) -> None:
        """Merge and age all that is due; for tests, benches and maintenance."""
        self._writer.merge_soon()
        self._writer.idle.wait()

    def settle(self) -> None:
        """Wait until nothing is due any more; for tests and benches."""
        self.append((), 0, lambda results: None)
        self._writer.idle.wait()

    def replay_rate(self) -> int:
        """Return how many tuples a second of CPU were read back from the inbox at the start."""
        return self._writer.replay_rate

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._writer.stop()
        self._inbox.close()
        self._archive.close()
