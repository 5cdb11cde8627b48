# SPDX-License-Identifier: GPL-3.0-or-later
"""The stores that the conformance suite runs on, and a clock that the tests own."""

DAY = 86_400
NOON = 1_767_225_600 + DAY // 2  # 2026-01-01 12:00 UTC


class Clock:
    """Wall time under test control."""

    def __init__(self, now=NOON):
        self.now = now

    def __call__(self):
        return float(self.now)


class SqliteBench:
    """A SQLite store on a temporary file: open, reopen, merge, let time pass. Another store has the
    same methods.

    busy: so little may wait that the work in the background goes on all the time.
    """

    def __init__(self, folder, busy=False, now=NOON):
        self.path = str(folder / "series.sqlite3")
        self.clock = Clock(now)
        self.options = {"sweep_tuples": 60} if busy else {}
        self.store = None
        self.open()

    def open(self):
        from flukso_server.series.sqlite.store import SqliteStore

        if self.store is not None:
            self.store.close()
        self.store = SqliteStore(self.path, clock=self.clock, **self.options)
        return self.store

    def settle(self):
        """Everything due has been merged and aged; a store that does so by itself need do nothing
        here.
        """
        self.store.merge()

    def pass_days(self, days):
        self.clock.now += days * DAY
        self.settle()

    def replay_rate(self):
        """Tuples a second of CPU that were read back when the store was opened, None where none
        need be.
        """
        return self.store.replay_rate()

    @staticmethod
    def kill(process):
        """End at once the process that has a store of this kind open, and what the store has
        running beside it: nothing here.
        """
        process.kill()

    def close(self):
        self.store.close()


BENCHES = {"sqlite": SqliteBench}
