# SPDX-License-Identifier: GPL-3.0-or-later
"""The stores that the conformance suite runs on, and a clock that the tests own."""

import contextlib
import sqlite3
from datetime import timezone

from flukso_server.series.rule import COUNTER
from flukso_server.series.sqlite.archive import ladder_key
from flukso_server.series.sqlite.store import SqliteStore
from flukso_server.series.trust import Trust
from tests.server.series.plain.store import PlainStore

DAY = 86_400
NOON = 1_767_225_600 + DAY // 2  # 2026-01-01 12:00 UTC


class Clock:
    """Wall time under test control."""

    def __init__(self, now=NOON):
        self.now = now

    def __call__(self):
        return float(self.now)


class Bench:
    """A store in a temporary folder: open, reopen, merge, let time pass.

    busy: so little may wait that the work in the background goes on all the time.
    """

    ages = True  # whether old tuples are thinned: what contradicts a rung is dropped then

    def __init__(self, folder, busy=False, now=NOON):
        self.rules = {}  # of sensors that are no counters
        self.zone = timezone.utc  # of the household
        self.path = str(folder / "series")
        self.clock = Clock(now)
        # both clocks pass the days of a test, and a device tells the same time
        self.trust = Trust(self.clock, self.clock)
        self.busy = busy
        self.store = None
        self.open()

    def make(self):
        """Open a store on the files at self.path."""
        raise NotImplementedError

    def open(self):
        if self.store is not None:
            self.store.close()
        self.store = self.make()
        return self.store

    def rule(self, sensor):
        return self.rules.get(sensor, COUNTER)

    def settle(self):
        """Return when everything due has been merged and aged, after a device's heartbeat."""
        self.trust.heard("household", self.clock.now)
        self.store.merge()

    def pass_days(self, days):
        self.clock.now += days * DAY
        self.settle()

    def replay_rate(self):
        """Tuples a second of CPU that were read back on opening, None where that is no promise."""
        return

    kinds = ()  # of what lies at rest: tables, files

    def at_rest(self, kind):
        """Return a name for each row of a kind."""
        raise NotImplementedError

    def flip(self, kind, row, pick):
        """Flip the bit of a row that pick(number of its bits) chooses, or flip it back.

        Opens the store again where it reads such rows only then. Returns the bit.
        """
        raise NotImplementedError

    @staticmethod
    def kill(process):
        """Kill a process that has a store of this kind open, and what the store runs beside it."""
        process.kill()

    def close(self):
        self.store.close()


class SqliteBench(Bench):
    def make(self):
        options = {"rules": self.rule, "trust": self.trust, "zones": lambda _sensor: self.zone}
        if self.busy:
            options["sweep_tuples"] = 60
        return SqliteStore(self.path, clock=self.clock, **options)

    def replay_rate(self):
        return self.store.replay_rate()

    kinds = ("days", "quarters", "hours", "days for ever", "chunks", "inbox")

    def _where(self, kind):
        """The file, the table and the keys of a kind."""
        if kind == "inbox":
            return self.path + ".inbox", "inbox", "id", 1, 1 << 60
        if kind in ("days", "chunks"):
            return self.path, "block" if kind == "days" else "open", "key", 0, 1 << 62
        level = self.kinds.index(kind)
        return self.path, "ladder", "key", ladder_key(level, 0, 0), ladder_key(level, 1 << 27, 0)

    def at_rest(self, kind):
        path, table, key, low, high = self._where(kind)
        with contextlib.closing(sqlite3.connect(path)) as db:
            rows = db.execute(
                f"SELECT {key} FROM {table} WHERE {key} BETWEEN ? AND ? AND length(data)>0",
                (low, high),
            )
            return [row for (row,) in rows]

    def flip(self, kind, row, pick):
        path, table, key, _low, _high = self._where(kind)
        if kind == "inbox":
            self.store.close()
        with contextlib.closing(sqlite3.connect(path)) as db, db:
            [data] = db.execute(f"SELECT data FROM {table} WHERE {key}=?", (row,)).fetchone()
            bit, spoilt = pick(8 * len(data)), bytearray(data)
            spoilt[bit >> 3] ^= 1 << (bit & 7)
            db.execute(f"UPDATE {table} SET data=? WHERE {key}=?", (bytes(spoilt), row))
        if kind == "inbox":
            self.store = self.make()
        return bit


class PlainBench(Bench):
    ages = False

    def make(self):
        return PlainStore(self.path, rules=self.rule)

    kinds = ("lines",)

    def at_rest(self, kind):
        with open(self.path, "rb") as file:
            return [n for n, line in enumerate(file) if line.strip()]

    def flip(self, kind, row, pick):
        self.store.close()
        with open(self.path, "rb") as file:
            lines = file.read().splitlines(keepends=True)
        bit = pick(8 * (len(lines[row]) - 1))
        spoilt = bytearray(lines[row])
        spoilt[bit >> 3] ^= 1 << (bit & 7)
        lines[row] = bytes(spoilt)
        with open(self.path, "wb") as file:
            file.write(b"".join(lines))
        self.store = self.make()
        return bit


BENCHES = {
    "plain": PlainBench,
    "sqlite": SqliteBench,
}
