# SPDX-License-Identifier: GPL-3.0-or-later
"""The SQLite store: what the interface promises, from the writer thread, the memory and the reader."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence

from flukso_server.series.curve import Curve, Floats, Part, instants
from flukso_server.series.points import EMPTY, Ints, Points, union, unpack
from flukso_server.series.sqlite import reader
from flukso_server.series.sqlite.archive import DAY_S, LEVELS, Archive
from flukso_server.series.sqlite.inbox import Inbox
from flukso_server.series.sqlite.memory import NEVER, Memory, Sensor
from flukso_server.series.sqlite.writer import SWEEP_TUPLES, Forget, Item, Result, Writer
from flukso_server.series.store import Outcome, SeriesError, Tuple

DECODED_BLOCKS = (
    512  # kept for readers: a month by minute of eight sensors; 23 KB for a day, 12 MB in all
)


class SqliteStore:
    """series.store.Store on two SQLite files, `path` and `path`.inbox. Several processes may open
    them; one merges.

    merge=False: never merge in this process (a reader beside the one that ingests).
    """

    def __init__(
        self,
        path: str,
        clock: Callable[[], float] = time.time,
        sweep_tuples: int = SWEEP_TUPLES,
        merge: bool = True,
    ) -> None:
        self._memory = Memory()
        self._writer = Writer(self._memory, path, clock, sweep_tuples, merge)
        self._archive = Archive(path, DECODED_BLOCKS)
        self._inbox = Inbox(path + ".inbox")
        self._read = threading.Lock()  # the reading connections
        self._closed = False
        self._loops: dict[asyncio.AbstractEventLoop, _LoopSink] = {}
        self._writer.start()

    # writing

    def append(self, sensor: str, tuples: Sequence[Tuple], now: int) -> Outcome:
        return self.append_many([(sensor, tuples)], now)[0]

    def append_many(
        self, uploads: Sequence[tuple[str, Sequence[Tuple]]], now: int
    ) -> list[Outcome]:
        results = self._wait(lambda deliver: Item(uploads, now, deliver))
        outcomes: list[Outcome] = []
        for result in results:
            if isinstance(result, Exception):
                raise result
            outcomes.append(result)
        return outcomes

    def submit(
        self, sensor: str, tuples: Sequence[Tuple], now: int, done: Callable[[Result], None]
    ) -> None:
        """As append(), but returns at once; done(Outcome or exception) is called in the writer's
        thread.
        """
        self._put(Item(((sensor, tuples),), now, lambda results: done(results[0])))

    def submit_many(
        self,
        uploads: Sequence[tuple[str, Sequence[Tuple]]],
        now: int,
        done: Callable[[list[Result]], None],
    ) -> None:
        self._put(Item(uploads, now, done))

    async def append_async(self, sensor: str, tuples: Sequence[Tuple], now: int) -> Outcome:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        sink = self._loops.get(loop)
        if sink is None:
            sink = self._loops[loop] = _LoopSink(loop)
        self._put(Item(((sensor, tuples),), now, lambda results: sink.add(future, results[0])))
        return await future

    def forget(self, sensor: str) -> None:
        for result in self._wait(lambda deliver: Forget(sensor, deliver)):
            if isinstance(result, Exception):
                raise result

    def mark_imported(self, sensor: str, until: int) -> None:
        state, _pending = self._state(sensor)
        if state is None:
            return
        with self._read:
            self._archive.begin()
            try:
                if self._archive.sensor(sensor) is None:  # not merged yet
                    self._archive.enter(sensor, state.first_ts, (state.last_ts, state.last_counter))
                self._archive.db.execute(
                    "UPDATE sensor SET imported_until=? WHERE id=?", (until, state.key)
                )
                self._archive.commit()
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

    def _wait(
        self, make: Callable[[Callable[[list[Result]], None]], Item | Forget]
    ) -> list[Result]:
        ready = threading.Lock()  # a tenth of an Event's cost
        ready.acquire()
        got: list[Result] = []

        def deliver(results: list[Result]) -> None:
            got.extend(results)
            ready.release()

        self._put(make(deliver))
        ready.acquire()
        return got

    # reading

    def counters(self, sensor: str, boundaries: Sequence[int]) -> list[float | None]:
        return self._curve(sensor, instants(boundaries)).counters()

    def coverage(self, sensor: str, boundaries: Sequence[int]) -> Floats:
        return self._curve(sensor, instants(boundaries)).coverage()

    def profile(self, sensor: str, boundaries: Sequence[int]) -> tuple[Floats, Floats]:
        curve = self._curve(sensor, instants(boundaries))
        return curve.energies(), curve.coverage()

    def survey(
        self, sensor: str, boundaries: Sequence[int], over_s: int
    ) -> tuple[Floats, Floats, list[Tuple]]:
        curve = self._curve(sensor, instants(boundaries))
        return curve.energies(), curve.coverage(), curve.silences(over_s)

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

    def grain(self, ts: int) -> int:
        with self._read:
            aged = reader.horizons(self._archive)
        return max(1, LEVELS[reader.level_of(ts // DAY_S, aged)].step_s)

    def first(self, sensor: str) -> int | None:
        state, _pending = self._state(sensor)
        return state.first_ts if state and state.first_ts != NEVER else None

    def last(self, sensor: str) -> Tuple | None:
        state, _pending = self._state(sensor)
        return (state.last_ts, state.last_counter) if state and state.last_ts != NEVER else None

    def _state(self, sensor: str) -> tuple[Sensor | None, Points]:
        """The sensor and its points that wait, with what other processes have added."""
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
        """The sensor's number in the main file, 0 when it has none."""
        if not state.no:
            row = self._archive.sensor(sensor)
            if row and row.no > state.dead:
                self._memory.load([row])
        return state.no

    def _curve(self, sensor: str, at: Ints) -> Curve:
        state, pending = self._state(sensor)
        if state is None or not len(at) or state.last_ts == NEVER:
            return Curve((), at)
        start, end = max(int(at[0]), state.first_ts), min(int(at[-1]), state.last_ts)
        if start > end:
            return Curve((), at)
        with self._read, self._archive.snapshot():
            if not self._number(sensor, state):
                return Curve([Part(pending)], at)
            window = reader.Window(state.no, start // DAY_S, end // DAY_S, pending)
            by_day = not bool(at[0] % DAY_S or (at % DAY_S).any())
            return Curve(reader.around(self._archive, window, start, end, by_day), at)

    # life

    def merge(self) -> None:
        """Merge and age all that is due, now; for tests, benches and maintenance."""
        self._writer.merge_soon()
        self._writer.idle.wait()

    def settle(self) -> None:
        """Wait until nothing is due any more."""
        self._put(Item((), 0, lambda results: None))
        self._writer.idle.wait()

    def replay_rate(self) -> int:
        """Tuples that were read back from the inbox at the start, a second of CPU."""
        return self._writer.replay_rate

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._writer.stop()
        self._inbox.close()
        self._archive.close()


class _LoopSink:
    """Carries results to one event loop, one wake-up for as many as have come."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._ready: list[tuple[asyncio.Future[Outcome], Result]] = []

    def add(self, future: "asyncio.Future[Outcome]", result: Result) -> None:
        """Called in the writer's thread."""
        with self._lock:
            self._ready.append((future, result))
            first = len(self._ready) == 1
        if first:
            try:
                self._loop.call_soon_threadsafe(self._resolve)
            except RuntimeError:
                self._ready.clear()  # the loop is closed: nobody waits

    def _resolve(self) -> None:
        with self._lock:
            ready, self._ready = self._ready, []
        for future, result in ready:
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
