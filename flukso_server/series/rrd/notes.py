# SPDX-License-Identifier: GPL-3.0-or-later
"""What the RRD view must remember beside its files, in a small database of any process: late
tuples, and whose data a file has.
"""

import os
import sqlite3

WAIT_S = 30  # for another process's write, which takes milliseconds

_TABLES = """
CREATE TABLE IF NOT EXISTS late (no INTEGER PRIMARY KEY AUTOINCREMENT, sensor TEXT NOT NULL, since INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS late_sensor ON late (sensor);
CREATE TABLE IF NOT EXISTS file (sensor TEXT PRIMARY KEY, first_ts INTEGER NOT NULL) WITHOUT ROWID;
"""


class Notes:
    """One connection. Each note is on the disk before the call returns. Not for two threads at
    once.
    """

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
        """Of each sensor tuples came late, the oldest of this time."""
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany("INSERT INTO late (sensor, since) VALUES (?,?)", since.items())
        self._db.execute("COMMIT")

    def late(self, sensor: str) -> tuple[int, int]:
        """(number of the last note, time of the oldest late tuple), (0, 0) when there is none."""
        number, since = self._db.execute(
            "SELECT max(no), min(since) FROM late WHERE sensor=?", (sensor,)
        ).fetchone()
        return number or 0, since or 0

    def late_sensors(self) -> list[str]:
        """All that have such a note."""
        return [sensor for (sensor,) in self._db.execute("SELECT DISTINCT sensor FROM late")]

    def fed(self, sensor: str, first_ts: int, upto: int) -> None:
        """The sensor's file holds the series that begins at first_ts, and what the notes up to this
        number tell of.
        """
        self._db.execute("REPLACE INTO file VALUES (?,?)", (sensor, first_ts))
        if upto:
            self._db.execute("DELETE FROM late WHERE sensor=? AND no<=?", (sensor, upto))

    def first(self, sensor: str) -> int | None:
        """When the series in the file begins; another beginning is another series."""
        row = self._db.execute("SELECT first_ts FROM file WHERE sensor=?", (sensor,)).fetchone()
        return row[0] if row else None

    def sensors(self, begin: str) -> list[str]:
        """Those with a file, whose id begins so."""
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
