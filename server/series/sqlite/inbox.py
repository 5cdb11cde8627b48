# SPDX-License-Identifier: GPL-3.0-or-later
"""The append-only file of uploads not merged yet: one row an upload, on the disk before anyone is told so."""

from collections.abc import Iterator

from series.sqlite.file import File

PAGE_BYTES = 1024  # small: a commit writes whole pages
CHECKPOINT_PAGES = 8000  # 8 MB of log: the pages that each commit touches are copied once for many
ROWS_A_STATEMENT = 64  # rows in one INSERT: each statement gives up the interpreter's lock once, not each row
ROWS_A_DELETE = 4096  # rows deleted in one transaction, well under a millisecond
SENSOR_BYTES = 16  # a row begins with its sensor

_TABLES = "CREATE TABLE IF NOT EXISTS inbox (id INTEGER PRIMARY KEY, data BLOB NOT NULL)"


class Inbox(File):
    """One connection to the inbox. A row is the sensor's 16 bytes and its new tuples, ascending, as little-endian pairs of u32;
    or the sensor and one u32: what came before is gone, up to this number in the main file.
    Several processes may add; each sees the others' rows by their id."""

    def __init__(self, path: str) -> None:
        super().__init__(path, PAGE_BYTES, CHECKPOINT_PAGES, "OFF")
        self.db.execute(_TABLES)
        self._inserts: dict[int, str] = {}

    def add(self, rows: list[bytes], last_id: int) -> int:
        """Add rows after last_id; returns the last one's id.

        Ids are never given twice: remove() always leaves the newest row.
        """
        for at in range(0, len(rows), ROWS_A_STATEMENT):
            part = rows[at : at + ROWS_A_STATEMENT]
            self.db.execute(self._insert(len(part)), part)
        return last_id + len(rows)

    def _insert(self, rows: int) -> str:
        if rows not in self._inserts:
            self._inserts[rows] = "INSERT INTO inbox (data) VALUES " + ",".join(["(?)"] * rows)
        return self._inserts[rows]

    def after(self, last_id: int) -> Iterator[tuple[int, bytes]]:
        """The rows with an id over last_id, in order."""
        return self.db.execute("SELECT id, data FROM inbox WHERE id>? ORDER BY id", (last_id,))

    def newest(self) -> int:
        """The last row's id, 0 when there has never been one."""
        return self.db.execute("SELECT max(id) FROM inbox").fetchone()[0] or 0

    def remove(self, upto: int) -> bool:
        """Delete some rows of an id up to `upto`, never the newest; True while there are more."""
        oldest, newest = self.db.execute("SELECT (SELECT min(id) FROM inbox), (SELECT max(id) FROM inbox)").fetchone()
        if oldest is None:
            return False
        last = min(upto, newest - 1, oldest + ROWS_A_DELETE)
        self.db.execute("DELETE FROM inbox WHERE id<=?", (last,))
        return bool(last < min(upto, newest - 1))
