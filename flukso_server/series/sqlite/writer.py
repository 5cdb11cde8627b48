# SPDX-License-Identifier: GPL-3.0-or-later
"""The one thread that writes: uploads in groups of one fsync each, and between them merging."""

import fcntl
import logging
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from flukso_server.series.points import PAIR_BYTES
from flukso_server.series.sqlite.archive import Archive
from flukso_server.series.sqlite.file import WAIT_S
from flukso_server.series.sqlite.inbox import Inbox
from flukso_server.series.sqlite.memory import Memory
from flukso_server.series.sqlite.merger import Merger
from flukso_server.series.sqlite.sensor import Sensor
from flukso_server.series.store import Outcome, Results, SeriesError, Upload
from flukso_server.series.trust import Trust

log = logging.getLogger("series")

GROUP_UPLOADS = 1024  # in one commit at most
# from one group to the next while uploads come without a pause, so that groups grow: a commit costs
# ten times what a row does
COMPANY_S = 0.002
USUAL_GROUP = 32  # a group of so many uploads waits for no others
SLICE_S = 0.003  # of merging between two groups: so long an upload may have to wait for it
# of rest after a slice, for the thread that takes uploads: while merging runs, it gets the
# interpreter only once in a switch interval
BREATH_S = 0.003
BUSY_S = 0.05  # after a group, for so long more uploads are expected
SWEEP_TUPLES = 4_000_000  # when so many wait in memory (32 MB), merging starts, however young
FULL_SWEEPS = 4  # when so many times as much waits, uploads wait for merging: memory is bounded
# merging starts at the latest: each block is then written four times a day
SWEEP_EVERY_S = 6 * 3600
# what was forgotten leaves the files at the latest; much at a time, because all that waits is
# merged along with it
FORGET_EVERY_S = 600
IDLE_S = 5.0  # from one look at what other processes did to the next, however busy this one is
# that a group waits for another process's write if the group before waited in vain: this one came
# while that one waited
HASTY_S = 1
RELOADS = 3  # attempts to read the files, if another process merges meanwhile
STOP = None  # the item that ends the thread


class Item(NamedTuple):
    """Uploads that become durable together; deliver() is called with their results."""

    uploads: Sequence[Upload]
    now: int
    deliver: Callable[[Results], None]


class Forget(NamedTuple):
    """A sensor to forget; deliver() is called when it is done."""

    sensor: str
    deliver: Callable[[Results], None]


class Writer(threading.Thread):
    """Owns the connections that write. Takes items by put(); calls deliver() in its own thread."""

    def __init__(
        self, memory: Memory, path: str, trust: Trust, sweep_tuples: int, merge: bool
    ) -> None:
        super().__init__(name="series-writer", daemon=True)
        self._memory = memory
        self._trust = trust
        self._clock = clock = trust.clock
        self._sweep_bytes = sweep_tuples * PAIR_BYTES
        self._full_bytes = self._sweep_bytes * FULL_SWEEPS
        self._queue: queue.SimpleQueue[Item | Forget | None] = queue.SimpleQueue()
        self._archive = Archive(path)
        self._archive.rules, self._archive.zones = memory.rules, memory.zones
        self.damage = memory.damage = self._archive.damage
        self._inbox = Inbox(path + ".inbox")
        self._merger = Merger(memory, self._inbox, self._archive)
        self._work: Iterator[None] | None = None
        self._swept = clock()  # when the last merge started
        self._wrote = 0.0  # when the last group was on the disk, by the monotonic clock
        self._company = False  # that group held more than one item
        self._wanted = False  # merging was asked for
        self._forgot = False  # blocks wait for their removal
        self._looked = time.monotonic()  # when it last looked at what other processes did
        self._rest_until = 0.0  # no merging until then, because it failed
        self._lock = (
            os.open(path + ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600) if merge else -1
        )
        self._merges = False  # this process is the one that merges
        self._hasty = False  # the last group failed
        self.idle = threading.Event()
        self.replay_rate = 0  # tuples a second of CPU
        self._reload()
        newest_ts = max((sensor.last_ts for sensor in memory.sensors.values()), default=0)
        trust.resume(self._archive.clock_state(), newest_ts)

    def put(self, item: Item | Forget) -> None:
        """Hand over work without blocking."""
        self.idle.clear()
        self._queue.put(item)

    def stop(self) -> None:
        """Finish what was handed over, then close the files."""
        self._queue.put(STOP)
        self.join()

    def merge_soon(self) -> None:
        """Start merging now, however little waits."""
        self._wanted = True
        self.put(Item((), 0, lambda results: None))

    def run(self) -> None:
        while True:
            items = self._gather()
            try:
                if not self._serve(items):
                    break
            except Exception as error:
                log.exception("series: a group failed")
                self._fail(items, error)
            self._slice()
        self._merger.abandon()
        if self._may_merge():
            try:
                self._archive.put_clock_state(self._trust.state())
            except sqlite3.Error as error:
                log.warning("series: what is known of the clock is not noted: %s", error)
        self._inbox.close()
        self._archive.close()
        if self._lock >= 0:
            os.close(self._lock)

    def _gather(self) -> list[Item | Forget | None]:
        """Return what has come, up to GROUP_UPLOADS; wait for it, if there is no merging to do."""
        items: list[Item | Forget | None] = []
        uploads = 0
        try:
            if self._work is None:
                items.append(self._queue.get(timeout=IDLE_S))
                uploads = _size(items[0])
                self._await_company(uploads)
            elif time.monotonic() < self._wrote + BUSY_S:
                items.append(self._queue.get(timeout=BREATH_S))
                uploads = _size(items[0])
            while uploads < GROUP_UPLOADS:
                items.append(self._queue.get_nowait())
                uploads += _size(items[-1])
        except queue.Empty:
            pass
        return items

    def _await_company(self, uploads: int) -> None:
        """Let a small group grow for a moment while many uploads come; serve a lone one at once."""
        if self._company and 0 < uploads < USUAL_GROUP:
            pause = self._wrote + COMPANY_S - time.monotonic()
            if pause > 0:
                time.sleep(pause)

    def _serve(self, items: list[Item | Forget | None]) -> bool:
        """Write the items; return False if it is time to stop."""
        if not items or time.monotonic() > self._looked + IDLE_S:
            self.catch_up()
        uploads = [item for item in items if isinstance(item, Item)]
        if uploads:
            results = self._commit(uploads)
            for upload, result in zip(uploads, results, strict=True):
                upload.deliver(result)
        for item in items:
            if isinstance(item, Forget):
                self._forget(item)
        return STOP not in items

    def _commit(self, items: list[Item]) -> list[Results]:
        """Classify the uploads of one group, write them, and sync."""
        memory = self._memory
        rows: list[bytes] = []
        results: list[Results] = []
        with memory.lock:
            self._inbox.begin()
            memory.replay(self._inbox.after(memory.seen))
            for item in items:
                memory.newest_ts = max(memory.newest_ts, item.now)
                results.append(memory.add(item.uploads, item.now, self._archive, rows))
            memory.seen = self._inbox.add(rows, memory.seen)
        self._inbox.commit()
        if self._hasty:
            self._hasty = False
            self._inbox.wait(WAIT_S)
        self._wrote = time.monotonic()
        self._company = len(results) > 1
        return results

    def _fail(self, items: list[Item | Forget | None], error: Exception) -> None:
        """Refuse the group after the disk failed, and go on from what is on the disk."""
        self._inbox.rollback()
        self._hasty = True
        self._inbox.wait(HASTY_S)
        self._merger.abandon()
        self._work = None
        try:
            self._reload()
        except sqlite3.Error:
            log.exception("series: cannot read the files again")
        for item in items:
            if item is not None:
                failed = SeriesError(f"not stored: {error}")
                item.deliver([failed] * max(_size(item), 1))

    def _reload(self) -> None:
        """Read the files again; until it is done, readers see what was there before."""
        if self._inbox.newest() < self._archive.get("merged"):
            self._archive.put("merged", 0)  # the inbox is a new file: it counts from 1 again
        for _attempt in range(RELOADS):
            fresh = Memory()
            fresh.damage = self._memory.damage
            with self._archive.snapshot():
                fresh.load(self._archive.sensors())
                fresh.seen = fresh.merged = self._archive.get("merged")
            started = time.thread_time()
            fresh.replay(self._inbox.after(fresh.seen))
            self.replay_rate = round(
                fresh.pending_bytes / PAIR_BYTES / max(time.thread_time() - started, 1e-9)
            )
            if self._archive.get("merged") == fresh.merged:
                break  # otherwise rows may have left the inbox before they were read
        self._memory.adopt(fresh)

    def catch_up(self) -> None:
        """Add what other processes have written, and drop what one of them has merged."""
        self._looked = time.monotonic()
        memory = self._memory
        if not self._merges and self._archive.get("merged") > memory.merged:
            self._reload()
        with memory.lock:
            memory.replay(self._inbox.after(memory.seen))

    def _forget(self, item: Forget) -> None:
        while self._work is not None and self._archive.db.in_transaction:
            self._step()
        self._archive.begin()  # nobody gives the sensor a number meanwhile
        row = self._archive.sensor(item.sensor)
        with self._memory.lock:
            self._inbox.begin()
            self._memory.replay(self._inbox.after(self._memory.seen))
            sensor = self._memory.sensors.get(item.sensor) or Sensor(bytes.fromhex(item.sensor))
            dead = max(sensor.no, sensor.dead, row.no if row else 0)
            self._inbox.add([sensor.key + dead.to_bytes(4, "little")], self._memory.seen)
            self._memory.replay(self._inbox.after(self._memory.seen))
        self._inbox.commit()
        self._archive.disown(sensor.key, dead)
        self._archive.commit()
        self._forgot = True
        item.deliver([Outcome(0, 0, 0, 0)])

    # merging

    def _slice(self) -> None:
        """Merge for SLICE_S, if something is due and this process is the one that merges."""
        if self._work is None and not self._due():
            return
        until = time.monotonic() + SLICE_S
        while self._work is not None:
            self._step()
            if (
                self._work is not None
                and time.monotonic() > until
                and self._memory.pending_bytes < self._full_bytes
            ):
                return
        self._due()

    def _due(self) -> bool:
        """Begin a round of merging if it is time; return whether it was begun."""
        now = self._clock()
        memory = self._memory
        resting = time.monotonic() < self._rest_until
        every_s = FORGET_EVERY_S if self._forgot else SWEEP_EVERY_S
        # not so if merging is late, or if the clock was set back
        on_time = self._swept <= now < self._swept + every_s
        if resting or not (
            self._wanted or memory.pending_bytes >= self._sweep_bytes or not on_time
        ):
            self.idle.set()
            return False
        if not self._may_merge():
            self._wanted = self._forgot = False
            self.idle.set()
            return False
        self._wanted, self._forgot, self._swept = False, False, now
        self.idle.clear()
        self._work = self._merger.run(int(now), self._trust.state())
        return True

    def _may_merge(self) -> bool:
        """Return whether this process merges: one does, and when it dies another takes over."""
        if not self._merges and self._lock >= 0:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._merges = True
            except OSError:
                pass
        return self._merges

    def _step(self) -> None:
        """Do one step of the round of merging; whatever goes wrong, the thread lives on."""
        try:
            if self._work is not None:
                next(self._work)
        except StopIteration:
            self._work = None
            self._memory.merged = self._archive.get("merged")
        except Exception:  # without this thread nothing would be stored any more
            log.exception("series: merging failed, will try again")
            self._merger.abandon()
            self._work = None
            self._rest_until = time.monotonic() + IDLE_S


def _size(item: Item | Forget | None) -> int:
    """Return how many uploads the item holds."""
    return len(item.uploads) if isinstance(item, Item) else 0
