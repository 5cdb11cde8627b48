# SPDX-License-Identifier: GPL-3.0-or-later
"""The append-only file of uploads that are not merged yet."""

import sqlite3
import struct
from collections.abc import Iterator, Sequence

from flukso_server.series.points import PAIR_BYTES
from flukso_server.series.sqlite.damage import check, unreadable
from flukso_server.series.sqlite.file import File

PAGE_BYTES = 1024  # small: a commit writes whole pages
CHECKPOINT_PAGES = 8000  # 8 MB of log: the pages that each commit touches are copied once for many
# a row costs SQLite as much as the classification of an upload, so the uploads of a group share it
UPLOADS_A_ROW = 64
ROWS_A_DELETE = 512  # rows deleted in one transaction, some milliseconds when all are full
SENSOR_BYTES = 16  # a row begins with its sensor

_TABLES = "CREATE TABLE IF NOT EXISTS inbox (id INTEGER PRIMARY KEY, data BLOB NOT NULL)"


class Inbox(File):
    """One connection to the inbox. Several processes may add; each sees others' rows by their id.

    An upload is the sensor's 16 bytes and its new tuples, ascending, as little-endian pairs of u32.
    A sensor and a single u32 say that the sensor was forgotten: what came before is gone, and so is
    its number in the main file up to that u32. A row is one upload, whose length is even; or
    several that came together: the uploads, the length of each as u16, and their count as u8.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path, PAGE_BYTES, CHECKPOINT_PAGES, "OFF")
        self.db.execute(_TABLES)
        self.begin()
        self.add_crc("inbox")
        self.commit()

    def add(self, uploads: list[bytes], last_id: int) -> int:
        """Add uploads after the row last_id, and return the id of the last row.

        No id is given twice, because remove() always leaves the newest row.
        """
        for at in range(0, len(uploads), UPLOADS_A_ROW):
            row = join_uploads(uploads[at : at + UPLOADS_A_ROW])
            last_id += 1
            self.db.execute("INSERT INTO inbox VALUES (?,?,?)", (last_id, row, check(row, last_id)))
        return last_id

    def after(self, last_id: int) -> Iterator[tuple[int, bytes | None]]:
        """Return the rows with an id over last_id, in order; None for one that is damaged."""
        try:
            for ident, row, crc in self.db.execute(
                "SELECT id, data, crc FROM inbox WHERE id>? ORDER BY id", (last_id,)
            ):
                last_id = ident
                yield ident, row if crc is None or crc == check(row, ident) else None
        except sqlite3.DatabaseError as error:
            if not unreadable(error):
                raise
            yield from self._one_by_one(last_id)

    def _one_by_one(self, last_id: int) -> Iterator[tuple[int, bytes | None]]:
        """Do after() beside pages that cannot be read."""
        for ident in range(last_id + 1, self.newest() + 1):
            try:
                row = self.db.execute("SELECT data, crc FROM inbox WHERE id=?", (ident,)).fetchone()
            except sqlite3.DatabaseError as error:
                if not unreadable(error):
                    raise
                yield ident, None
                continue
            if row is not None:
                yield ident, row[0] if row[1] is None or row[1] == check(row[0], ident) else None

    def row(self, ident: int) -> bytes:
        """Return a row as it lies there, b"" if it cannot be read."""
        try:
            row = self.db.execute("SELECT data FROM inbox WHERE id=?", (ident,)).fetchone()
        except sqlite3.DatabaseError as error:
            if not unreadable(error):
                raise
            return b""
        return row[0] if row else b""

    def newest(self) -> int:
        """Return the last row's id, 0 if there has never been one."""
        return self.db.execute("SELECT max(id) FROM inbox").fetchone()[0] or 0

    def remove(self, upto: int) -> bool:
        """Delete some rows up to the id `upto`, never the newest; return whether more are left."""
        oldest, newest = self.db.execute(
            "SELECT (SELECT min(id) FROM inbox), (SELECT max(id) FROM inbox)"
        ).fetchone()
        if oldest is None:
            return False
        last = min(upto, newest - 1, oldest + ROWS_A_DELETE)
        self.db.execute("DELETE FROM inbox WHERE id<=?", (last,))
        return bool(last < min(upto, newest - 1))


def join_uploads(uploads: list[bytes]) -> bytes:
    """Return the row that holds one upload, or several."""
    count = len(uploads)
    return (
        uploads[0]
        if count == 1
        else b"".join(uploads) + struct.pack(f"<{count}HB", *map(len, uploads), count)
    )


def split_row(row: bytes) -> Sequence[bytes]:
    """Return the uploads of a row."""
    if not len(row) & 1:
        return (row,)
    count, at = row[-1], 0
    uploads = []
    for size in struct.unpack_from(f"<{count}H", row, len(row) - 1 - 2 * count):
        uploads.append(row[at : at + size])
        at += size
    return uploads


def guess(row: bytes) -> list[tuple[str, int, int, bytes]]:
    """Return what a damaged row seems to hold: sensor, first and last time, the upload."""
    try:
        uploads = split_row(row)
    except (struct.error, IndexError):
        return []
    guesses = []
    for upload in uploads:
        pairs = (len(upload) - SENSOR_BYTES) // PAIR_BYTES
        if pairs > 0:
            times = struct.unpack_from(f"<{2 * pairs}I", upload, SENSOR_BYTES)[::2]
            guesses.append((upload[:SENSOR_BYTES].hex(), min(times), max(times), upload))
    return guesses
