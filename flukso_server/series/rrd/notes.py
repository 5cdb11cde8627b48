# SPDX-License-Identifier: GPL-3.0-or-later
"""What the RRD view remembers beside its files: late tuples, and which series a file holds.

It is a small database that any process may open.
"""

import os
import sqlite3

WAIT_S = 30  # for another process's write, which takes milliseconds

_TABLES = """
CREATE TABLE IF NOT EXISTS late (
    no INTEGER PRIMARY KEY AUTOINCREMENT, sensor TEXT NOT NULL, since INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS late_sensor ON late (sensor);
CREATE TABLE IF NOT EXISTS file (sensor TEXT PRIMARY KEY, first_ts INTEGER NOT NULL) WITHOUT ROWID;
"""


class Notes:
    """One connection, for one thread at a time. A note is on the disk when its call returns."""

    def __init__(self, folder: str) -> None:
        os.makedirs(folder, exist_ok=True)
        self._db = sqlite3.connect(
            os.path.join(folder, "notes.sqlite3"),
            isolation_level=None,
            check_same_thread=False,
            timeout=WAIT_S,
        )
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(_TABLES)

    def close(self) -> None:
        """Let go of the database."""
        self._db.close()

    def add_late(self, since: dict[str, int]) -> None:
        """Note that sensors have late tuples, by the time of the oldest."""
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany("INSERT INTO late (sensor, since) VALUES (?,?)", since.items())
        self._db.execute("COMMIT")

    def late(self, sensor: str) -> tuple[int, int]:
        """Return (number of the last note, time of the oldest late tuple), (0, 0) for none."""
        number, since = self._db.execute(
            "SELECT max(no), min(since) FROM late WHERE sensor=?", (sensor,)
        ).fetchone()
        return number or 0, since or 0

    def late_sensors(self) -> list[str]:
        """Return all sensors that have a note of late tuples."""
        return [sensor for (sensor,) in self._db.execute("SELECT DISTINCT sensor FROM late")]

    def fed(self, sensor: str, first_ts: int, upto: int) -> None:
        """Note that the sensor's file holds the series that begins at first_ts.

        The notes of late tuples up to this number are settled by that.
        """
        self._db.execute("REPLACE INTO file VALUES (?,?)", (sensor, first_ts))
        if upto:
            self._db.execute("DELETE FROM late WHERE sensor=? AND no<=?", (sensor, upto))

    def first(self, sensor: str) -> int | None:
        """Return when the series in the file begins; another beginning is another series."""
        row = self._db.execute("SELECT first_ts FROM file WHERE sensor=?", (sensor,)).fetchone()
        return row[0] if row else None

    def sensors(self, begin: str) -> list[str]:
        """Return the sensors with a file whose id begins with `begin`."""
        return [
            sensor
            for (sensor,) in self._db.execute(
                "SELECT sensor FROM file WHERE sensor>=? AND sensor<?", (begin, begin + "g")
            )
        ]

    def forget(self, sensor: str) -> None:
        """Remove all notes of a sensor."""
        self._db.execute("DELETE FROM file WHERE sensor=?", (sensor,))
        self._db.execute("DELETE FROM late WHERE sensor=?", (sensor,))
