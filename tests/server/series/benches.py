# SPDX-License-Identifier: GPL-3.0-or-later
"""The stores that the conformance suite runs on, and a clock that the tests own."""

from flukso_server.series.rule import COUNTER
from flukso_server.series.sqlite.store import SqliteStore
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
        self.path = str(folder / "series")
        self.clock = Clock(now)
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
        """Return when everything due has been merged and aged."""
        self.store.merge()

    def pass_days(self, days):
        self.clock.now += days * DAY
        self.settle()

    def replay_rate(self):
        """Tuples a second of CPU that were read back on opening, None where that is no promise."""
        return

    @staticmethod
    def kill(process):
        """Kill a process that has a store of this kind open, and what the store runs beside it."""
        process.kill()

    def close(self):
        self.store.close()


class SqliteBench(Bench):
    def make(self):
        options = {"sweep_tuples": 60} if self.busy else {}
        return SqliteStore(self.path, clock=self.clock, rules=self.rule, **options)

    def replay_rate(self):
        return self.store.replay_rate()


class PlainBench(Bench):
    ages = False

    def make(self):
        return PlainStore(self.path, rules=self.rule)


BENCHES = {
    "plain": PlainBench,
    "sqlite": SqliteBench,
}
