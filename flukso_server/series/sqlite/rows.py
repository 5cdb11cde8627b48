# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of the main file, whatever is wrong with some of them."""

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from flukso_server.series.localtime import DAY_S
from flukso_server.series.points import EMPTY, Points
from flukso_server.series.sqlite import codec
from flukso_server.series.sqlite.damage import (
    CHUNK,
    NO_MASK,
    Damage,
    UnreadableError,
    check,
    span_of,
    unreadable,
)
from flukso_server.series.sqlite.file import File

PAGE_BYTES = 16_384  # a day's block is a kilobyte: big pages waste less at their ends
CHECKPOINT_PAGES = 128  # 2 MB of log: uploads wait while it is copied into place


class Rows(File):
    """A connection to the main file that goes on beside damaged rows, and tells of them.

    Where it writes, it moves a damaged row to the table `damaged`, and a page that cannot be read
    is UnreadableError.
    """

    def __init__(
        self, path: str, decode: Callable[[bytes, int], Points], writes: bool, damage: Damage
    ) -> None:
        super().__init__(path, PAGE_BYTES, CHECKPOINT_PAGES, "FAST")
        self.damage = damage
        self._writes = writes
        self._decode = decode

    def points(self, table: str, key: int, data: bytes) -> Points:
        """Return the points of a row of `block` or `ladder`; none, if it is damaged."""
        try:
            return self._decode(data, key)
        except codec.CodecError as error:
            self._damaged(table, key, data, error)
            return EMPTY

    def whole(self, rows: Iterable[tuple[int, bytes, int | None]]) -> list[tuple[int, bytes]]:
        """Return (key, data) of those rows (key, data, crc) of `open` that are not damaged."""
        kept = []
        for key, data, crc in rows:
            if crc is None or crc == check(data, key):
                kept.append((key, data))
            else:
                self._damaged(CHUNK, key, data, "the checksum differs")
        return kept

    def rows(self, table: str, what: str, keys: Sequence[int]) -> list[tuple]:
        """Return (key, what) of the rows with these keys, in order.

        One in a page that cannot be read is left out, or raises UnreadableError where this
        connection writes.
        """
        places = ",".join("?" * len(keys))
        try:
            return self.db.execute(
                f"SELECT key, {what} FROM {table} WHERE key IN ({places}) ORDER BY key", keys
            ).fetchall()
        except sqlite3.DatabaseError as error:
            if not unreadable(error):
                raise
            if len(keys) > 1:
                return [row for key in keys for row in self.rows(table, what, (key,))]
            self.damage.tell(table, keys[0], error)
            if self._writes:
                raise UnreadableError(f"{table}, key {keys[0]}: {error}")
            return []

    def some(self, table: str, low: int, high: int, limit: int) -> tuple[list[tuple], int]:
        """Return up to `limit` rows (key, data; and crc of `open`) with keys low … high.

        The rows are of one day, run or block of days: their keys differ by the sensor's number
        alone. Those in a page that cannot be read are left out. Also returns the key from which on
        more may follow, 0 when none do.
        """
        what = "data, crc" if table == CHUNK else "data"
        try:
            rows = self.db.execute(
                f"SELECT key, {what} FROM {table} WHERE key BETWEEN ? AND ? ORDER BY key LIMIT ?",
                (low, high, limit),
            ).fetchall()
            return rows, rows[-1][0] + 1 if len(rows) == limit else 0
        except sqlite3.DatabaseError as error:
            if not unreadable(error):
                raise
        numbers = self.db.execute(
            "SELECT no FROM sensor WHERE no BETWEEN ? AND ? ORDER BY no LIMIT ?",
            (low & NO_MASK, high & NO_MASK, limit),
        ).fetchall()
        rows = []
        for (no,) in numbers:
            try:
                rows += self.rows(table, what, ((low & ~NO_MASK) | no,))
            except UnreadableError:
                continue
        return rows, (low & ~NO_MASK) + numbers[-1][0] + 1 if len(numbers) == limit else 0

    def oldest(self, table: str, low: int, high: int) -> int | None:
        """Return the lowest key in low … high - 1, None if there is none.

        Where that cannot be read, a key from which on some may follow.
        """
        try:
            return self.db.execute(
                f"SELECT min(key) FROM {table} WHERE key>=? AND key<?", (low, high)
            ).fetchone()[0]
        except sqlite3.DatabaseError as error:
            if not unreadable(error):
                raise
        first, last = self.db.execute("SELECT min(first_ts), max(last_ts) FROM sensor").fetchone()
        place = low >> 60 << 60
        shift = 42 if table == CHUNK else 32
        span_s = span_of(table, place | 1 << shift).first * DAY_S
        key = max(low, place | (first or 0) // span_s << shift)
        return key if key < min(high, place | (last or 0) // span_s + 2 << shift) else None

    def slices(self, table: str, low: int, high: int, limit: int) -> Iterator[list[tuple]]:
        """Yield the rows with keys low … high - 1, as some() does, up to `limit` at a time."""
        while (key := self.oldest(table, low, high)) is not None:
            at = key
            while at:
                rows, at = self.some(table, at, min(key | NO_MASK, high - 1), limit)
                yield rows
            low = (key | NO_MASK) + 1

    def delete(self, table: str, keys: Iterable[int]) -> None:
        """Delete rows; those in a page that cannot be read stay."""
        for key in keys:
            try:
                self.db.execute(f"DELETE FROM {table} WHERE key=?", (key,))
            except sqlite3.DatabaseError as error:
                self.tolerate(table, key, error)

    def tolerate(self, table: str, key: int, error: Exception) -> None:
        """Tell of a row in a page that cannot be read. Raises any other error."""
        if not isinstance(error, UnreadableError):
            if not unreadable(error) or not self.db.in_transaction:
                raise error
            self.damage.tell(table, key, error)

    def _damaged(self, table: str, key: int, data: bytes, why: object) -> None:
        self.damage.tell(table, key, why)
        if self._writes and self.db.in_transaction:
            self.set_aside(table, key, data)

    def set_aside(self, table: str, key: int, data: bytes) -> None:
        """Move a damaged row of `block`, `ladder` or `open` to where nothing writes over it."""
        no, first, last = span_of(table, key)
        self.note_damaged((table, key, no, first, last, int(time.time()), data))
        self.db.execute(f"DELETE FROM {table} WHERE key=?", (key,))

    def note_damaged(self, row: tuple[str, int, int, int, int, int, bytes]) -> None:
        """Add a row to `damaged`."""
        self.db.execute(
            "INSERT INTO damaged (place, key, no, first_day, last_day, found, data)"
            " VALUES (?,?,?,?,?,?,?)",
            row,
        )

    def bad(self, table: str, keys: Sequence[int]) -> list[int]:
        """Return those of the keys whose row in `block`, `ladder` or `open` is damaged."""
        places = ",".join("?" * len(keys))
        crc = "crc" if table == CHUNK else "NULL"
        try:
            rows = self.db.execute(
                f"SELECT key, data, {crc} FROM {table} WHERE key IN ({places})", keys
            ).fetchall()
        except sqlite3.DatabaseError as error:
            if not unreadable(error):
                raise
            if len(keys) == 1:
                return list(keys)
            return [bad for key in keys for bad in self.bad(table, (key,))]
        return [key for key, data, crc in rows if not is_whole(table, key, data, crc)]


def is_whole(table: str, key: int, data: bytes, crc: int | None = None) -> bool:
    """Return whether a row is as it was written, as far as its form tells."""
    if table == CHUNK:
        return crc is None or crc == check(data, key)
    return codec.is_whole(data, key)
