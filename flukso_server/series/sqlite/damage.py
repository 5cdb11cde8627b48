# SPDX-License-Identifier: GPL-3.0-or-later
"""What is damaged in the files: told once in the log, and which days of a sensor it was."""

import logging
import sqlite3
import threading
import zlib
from typing import NamedTuple

from flukso_server.series.ladder import DAY, HOUR, LEVELS, QUARTER

log = logging.getLogger("series")

TOLD_MAX = 1000  # places told of; a file with more has been told of often enough
NO_MASK = (1 << 32) - 1
PLACES = (0, 2, 3, 1)  # where each level lies in the file: what is only appended comes last
BLOCK, LADDER, CHUNK, ROW = "block", "ladder", "open", "inbox"
UPLOAD = "upload"  # what a damaged row of the inbox had of one sensor, as far as it can be told
# of reading: a sector of the disk that is gone is told as such, or by a page that makes no sense
_UNREADABLE = {
    sqlite3.SQLITE_IOERR_READ,
    sqlite3.SQLITE_IOERR_SHORT_READ,
    sqlite3.SQLITE_IOERR_CORRUPTFS,
    sqlite3.SQLITE_IOERR_DATA,
}


class UnreadableError(Exception):
    """A row lies in a page of the file that cannot be read."""


class Span(NamedTuple):
    """The sensor's number and the UTC days first … last that a row of the main file is about."""

    no: int
    first: int
    last: int


def check(data: bytes, key: int) -> int:
    """Return the checksum of a chunk, or of a row of the inbox, and its key."""
    return zlib.crc32(data, zlib.crc32(key.to_bytes(8, "little"))) - (1 << 31)  # fits four bytes


def unreadable(error: Exception) -> bool:
    """Return whether the error says that a page of the file is damaged."""
    code = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF == sqlite3.SQLITE_CORRUPT or code in _UNREADABLE


def span_of(table: str, key: int) -> Span:
    """Return what the key of a row in `block`, `ladder` or `open` says."""
    no = key & NO_MASK
    if table == LADDER:
        place = {PLACES[level]: level for level in (QUARTER, HOUR, DAY)}
        days = LEVELS[place.get(key >> 60, DAY)].span_days
        first = (key >> 32 & (1 << 28) - 1) * days
        return Span(no, first, first + days - 1)
    day = key >> 42 if table == CHUNK else key >> 32
    return Span(no, day, day)


class Damage:
    """Which places of the files this process has found damaged. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: set[tuple[str, int]] = set()

    def is_news(self, table: str, key: int) -> bool:
        """Note a place; return whether it is to be told."""
        with self._lock:
            if (table, key) in self._told or len(self._told) >= TOLD_MAX:
                return False
            self._told.add((table, key))
            return True

    def tell(self, table: str, key: int, why: object) -> None:
        """Note a place, and say so in the log if it is the first time."""
        if not self.is_news(table, key):
            return
        if table == ROW:
            log.error("series: row %d of the inbox is damaged (%s)", key, why)
            return
        no, first, last = span_of(table, key)
        log.error(
            "series: damaged, so that it reads as a gap: %s, key %d, sensor number %d, days %d to "
            "%d since 1970 (%s); see `flukso-server verify`",
            table,
            key,
            no,
            first,
            last,
            why,
        )
