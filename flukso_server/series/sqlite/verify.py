# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at every row of a store's files for damage, and sets aside damaged rows when asked to.

A few rows at a time, so that memory is bounded and a service that runs meanwhile is not held up.
"""

import os
import sqlite3
import time
from collections.abc import Callable

from flukso_server.series.localtime import DAY_S
from flukso_server.series.sqlite.archive import Archive, open_key
from flukso_server.series.sqlite.checking import LADDERS
from flukso_server.series.sqlite.damage import (
    BLOCK,
    CHUNK,
    LADDER,
    NO_MASK,
    ROW,
    UPLOAD,
    Damage,
    check,
    span_of,
    unreadable,
)
from flukso_server.series.sqlite.inbox import SENSOR_BYTES, Inbox, guess
from flukso_server.series.sqlite.reader import LAST_DAY
from flukso_server.series.sqlite.rows import is_whole
from flukso_server.series.store import CheckError

ROWS = 256  # looked at in one go
TOLD_MAX = 200  # lines; what is over is counted
_ROOM = {  # of a table that takes the place of one with damaged pages
    CHUNK: "(key INTEGER PRIMARY KEY, data BLOB NOT NULL, crc INTEGER)",
    BLOCK: "(key INTEGER PRIMARY KEY, data BLOB NOT NULL)",
    LADDER: "(key INTEGER PRIMARY KEY, data BLOB NOT NULL)",
}


class _Found(Damage):
    """Notes rows in pages that cannot be read."""

    def __init__(self, found: Callable[[str, int, object], None]) -> None:
        super().__init__()
        self._found = found

    def tell(self, table: str, key: int, why: object) -> None:
        if self.is_news(table, key):
            self._found(table, key, why)


class Verification:
    """One look at the files; `say` is called with each line of the report."""

    def __init__(self, path: str, say: Callable[[str], None]) -> None:
        """Open the files. Raises CheckError if they are not there, or are no series files."""
        if not os.path.exists(path):
            raise CheckError(f"there is no series file {path}")
        self.damaged = 0  # rows, or pages
        self._say = say
        self._unreadable: set[str] = set()  # tables with pages that cannot be read
        try:
            self._archive = Archive(path, 1)
            # reads beside the transactions of the other, which end where a page cannot be read
            self._reader = Archive(path, 1, _Found(self._page))
            self._inbox = Inbox(path + ".inbox")
        except sqlite3.Error as error:
            raise CheckError(f"{path}: {error}") from error

    def run(self, repair: bool) -> int:
        """Return how many rows or pages are damaged. Raises CheckError if that cannot be told."""
        try:
            self._pages()
            for day, sweep in self._archive.runs(0, LAST_DAY):
                self._rows(CHUNK, open_key(day, sweep, 0), open_key(day, sweep + 1, 0), repair)
            self._rows(BLOCK, 0, LADDERS, repair)
            for place in (1, 2, 3):
                self._rows(LADDER, place << 60, (place + 1) << 60, repair)
            self._uploads(repair)
            if repair:
                for table in sorted(self._unreadable):
                    self._rebuild(table)
            self._aside()
        except sqlite3.Error as error:
            raise CheckError(str(error)) from error
        return self.damaged

    def close(self) -> None:
        """Let go of the files."""
        self._archive.close()
        self._reader.close()
        self._inbox.close()

    def _tell(self, line: str) -> None:
        self.damaged += 1
        if self.damaged <= TOLD_MAX:
            self._say(line)
        elif self.damaged == TOLD_MAX + 1:
            self._say("… and more")

    def _page(self, table: str, key: int, why: object) -> None:
        self._unreadable.add(table)
        self._tell(f"{self._name(table, key)}: its page cannot be read ({why})")

    def _pages(self) -> None:
        """Ask SQLite whether its pages fit each other."""
        for table in (BLOCK, LADDER, CHUNK, "sensor", "run", "meta", ROW):
            file = self._inbox if table == ROW else self._reader
            try:
                lines = file.db.execute(f"PRAGMA quick_check({table})").fetchall()
            except sqlite3.DatabaseError as error:
                if not unreadable(error):
                    raise
                lines = [(str(error),)]
            if lines[0][0] != "ok":
                self._unreadable.add(table)
                self._tell(f"pages of the table {table}: {lines[0][0]}")

    def _rows(self, table: str, low: int, high: int, repair: bool) -> None:
        for rows in self._reader.slices(table, low, high, ROWS):
            bad = [row[0] for row in rows if not is_whole(table, *row)]
            for key in bad:
                self._tell(f"{self._name(table, key)}: the checksum differs")
            if bad and repair:
                self._set_aside(table, bad)

    def _set_aside(self, table: str, keys: list[int]) -> None:
        """Move rows aside that are still damaged: another process may have replaced them."""
        archive = self._archive
        archive.begin()
        try:
            for key in archive.bad(table, keys):
                [(_key, data)] = archive.rows(table, "data", (key,)) or [(key, b"")]
                archive.set_aside(table, key, data)
                self._say(f"{self._name(table, key)}: set aside")
            archive.commit()
        finally:
            archive.rollback()

    def _uploads(self, repair: bool) -> None:
        for ident, row in self._inbox.after(0):
            if row is None:
                self._tell(f"row {ident} of the inbox, with uploads that wait, is damaged")
                if repair:
                    self._set_row_aside(ident)

    def _set_row_aside(self, ident: int) -> None:
        """Move a row of the inbox aside. In its place an empty one keeps its number."""
        archive, inbox = self._archive, self._inbox
        row, found = inbox.row(ident), int(time.time())
        archive.begin()
        inbox.begin()
        try:
            archive.note_damaged((ROW, ident, 0, 0, 0, found, row))
            for name, first_ts, last_ts, upload in guess(row):
                sensor = archive.sensor(name)
                if sensor:
                    span = (sensor.no, first_ts // DAY_S, last_ts // DAY_S)
                    archive.note_damaged((UPLOAD, ident, *span, found, upload))
            archive.commit()
            nobody = bytes(SENSOR_BYTES + 4)  # a sensor that is not, forgotten up to number 0
            inbox.db.execute(
                "UPDATE inbox SET data=?, crc=? WHERE id=?", (nobody, check(nobody, ident), ident)
            )
            inbox.commit()
            self._say(f"row {ident} of the inbox: set aside")
        finally:
            archive.rollback()
            inbox.rollback()

    def _rebuild(self, table: str) -> None:
        """Copy what can be read of a table with damaged pages; the old one stays beside it."""
        if table not in _ROOM:
            self._say(f"the pages of {table} cannot be repaired here: docs/guide/server.md")
            return
        archive, old = self._archive, f"damaged_{table}_{int(time.time())}"
        archive.begin()
        try:
            archive.db.execute(f"CREATE TABLE fresh {_ROOM[table]}")
            kept = self._copy(table)
            archive.db.execute(f"ALTER TABLE {table} RENAME TO {old}")
            archive.db.execute(f"ALTER TABLE fresh RENAME TO {table}")
            archive.commit()
            self._say(f"{table}: {kept} rows are in a new table, the old one is now {old}")
        finally:
            archive.rollback()

    def _copy(self, table: str) -> int:
        archive, kept = self._archive, 0
        ranges = [(place << 60, (place + 1) << 60) for place in (1, 2, 3)]
        if table == BLOCK:
            ranges = [(0, LADDERS)]
        elif table == CHUNK:
            runs = archive.runs(0, LAST_DAY)
            ranges = [(open_key(*run, 0), open_key(*run, NO_MASK) + 1) for run in runs]
        places = "?,?,?" if table == CHUNK else "?,?"
        for low, high in ranges:
            for rows in self._reader.slices(table, low, high, ROWS):
                archive.db.executemany(f"REPLACE INTO fresh VALUES ({places})", rows)
                kept += len(rows)
        return kept

    def _aside(self) -> None:
        [(count,)] = self._archive.db.execute(
            "SELECT count(*) FROM damaged WHERE place<>?", (UPLOAD,)
        )
        if count:
            self._say(f"{count} rows are set aside in the table `damaged`")

    def _name(self, table: str, key: int) -> str:
        """Return what a row is about, as an operator reads it."""
        no, first, last = span_of(table, key)
        row = self._archive.db.execute("SELECT id FROM sensor WHERE no=?", (no,)).fetchone()
        sensor = row[0].hex() if row and row[0] else f"with the number {no}"
        days = [time.strftime("%Y-%m-%d", time.gmtime(day * DAY_S)) for day in (first, last)]
        when = days[0] if first == last else f"{days[0]} … {days[1]}"
        return f"{table} of sensor {sensor}, {when}"
