# SPDX-License-Identifier: GPL-3.0-or-later
"""The main file: a block for each sensor and UTC day, ladders of older data, sensors' numbers."""

import sqlite3
from collections.abc import Iterable
from datetime import timezone, tzinfo
from functools import lru_cache
from typing import NamedTuple

from flukso_server.series.points import EMPTY, Points, union, unpack
from flukso_server.series.rule import Rules, Zones, counters_alone, utc_alone
from flukso_server.series.sqlite import codec, termed
from flukso_server.series.sqlite.damage import (
    BLOCK,
    CHUNK,
    LADDER,
    PLACES,
    Damage,
    check,
)
from flukso_server.series.sqlite.rows import Rows
from flukso_server.series.terms import PLAIN, Terms
from flukso_server.series.trust import State

CACHE_KIB = 16_384
# 2 has blocks of rising counters and several uploads in a row of the inbox; 3 has a checksum for
# each block, chunk and row of the inbox, and terms. Older files are read as they are.
SCHEMA = 3

CHECKED = (1 << 63) - 1  # of meta's `checked`: up to where blocks have checksums; all have them

SWEEPS = 1 << 10  # the number of a sweep has ten bits and starts again; a day mostly has far fewer

LAST_CHUNK = (1 << 28) - 1
DAYS_A_STATEMENT = 128  # read by one SELECT: twice what is kept by minute, so that one is the rule

_TABLES = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sensor (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB UNIQUE, -- 16 bytes; NULL: forgotten, its blocks wait for removal
    first_ts INTEGER NOT NULL, last_ts INTEGER NOT NULL, last_counter INTEGER NOT NULL,
    imported_until INTEGER NOT NULL DEFAULT 0
);
-- days still filling: each sweep of the inbox appends one run of chunks per day; a chunk has the
-- tuples of one sensor as pairs; its key is day << 42 | sweep << 32 | sensor number
CREATE TABLE IF NOT EXISTS run (day INTEGER, sweep INTEGER, PRIMARY KEY (day, sweep)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS open (key INTEGER PRIMARY KEY, data BLOB NOT NULL);
-- days that are over; key: day << 32 | sensor number, so that one pass over the sensors writes
-- neighbouring pages and fills them
CREATE TABLE IF NOT EXISTS block (key INTEGER PRIMARY KEY, data BLOB NOT NULL);
-- key: PLACES[level] << 60 | block of days << 32 | sensor number
CREATE TABLE IF NOT EXISTS ladder (key INTEGER PRIMARY KEY, data BLOB NOT NULL);
-- the highest quarter (its beginning, Wh) of each local month (since the year 0) that has aged to
-- hours
CREATE TABLE IF NOT EXISTS peak (
    no INTEGER, month INTEGER, ts INTEGER NOT NULL, energy INTEGER NOT NULL,
    PRIMARY KEY (no, month)
) WITHOUT ROWID;
-- what was damaged, as it was found: its table and key there, its sensor's number (0: not known),
-- the days since 1970 that it was about, when it was found (unix s)
CREATE TABLE IF NOT EXISTS damaged (
    id INTEGER PRIMARY KEY, place TEXT NOT NULL, key INTEGER NOT NULL, no INTEGER NOT NULL,
    first_day INTEGER NOT NULL, last_day INTEGER NOT NULL, found INTEGER NOT NULL,
    data BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS damaged_no ON damaged (no);
-- what is known beside a sensor's tuples (series/terms.py): its limits, its owner's corrections
CREATE TABLE IF NOT EXISTS term (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sensor BLOB NOT NULL, -- 16 bytes
    kind TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL,
    value INTEGER NOT NULL, made INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS term_sensor ON term (sensor);
"""


def day_key(day: int, no: int) -> int:
    """Return a block's key in `block`."""
    return day << 32 | no


def open_key(day: int, sweep: int, no: int) -> int:
    """Return a chunk's key in `open`."""
    return day << 42 | sweep << 32 | no


def ladder_key(level: int, chunk: int, no: int) -> int:
    """Return a ladder block's key in `ladder`."""
    return PLACES[level] << 60 | chunk << 32 | no


class Row(NamedTuple):
    """A sensor as the main file has it."""

    no: int
    id: str
    first_ts: int
    last_ts: int
    last_counter: int


class Archive(Rows):
    """One connection to the main file."""

    def __init__(self, path: str, decoded_blocks: int = 0, damage: Damage | None = None) -> None:
        """Open the file; keep so many of the blocks read last decoded, for readers.

        They are found by their bytes: a block never changes, it is replaced. Who keeps none writes:
        it sets aside what is damaged, and a page that cannot be read is UnreadableError there.
        """
        self.rules: Rules = counters_alone
        self.zones: Zones = utc_alone
        decode = lru_cache(decoded_blocks)(_shared) if decoded_blocks else codec.decode
        super().__init__(path, decode, not decoded_blocks, damage or Damage())
        self._heads = lru_cache(decoded_blocks)(self._read_heads)
        self.db.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        self._make()

    def _make(self) -> None:
        schema = self.db.execute("PRAGMA user_version").fetchone()[0]
        if schema > SCHEMA:
            raise sqlite3.DatabaseError(
                f"the series file has schema {schema}; this program knows {SCHEMA} and older"
            )
        if schema < SCHEMA:
            self.begin()
            try:  # another process may have done it meanwhile
                if self.db.execute("PRAGMA user_version").fetchone()[0] < SCHEMA:
                    for statement in _TABLES.split(";\n"):
                        self.db.execute(statement)
                    self.add_crc("open")
                    if not schema:  # there is nothing old in a new file
                        self.put("checked", CHECKED)
                    self.db.execute(f"PRAGMA user_version={SCHEMA}")
                self.commit()
            finally:
                self.rollback()

    # numbers

    def get(self, name: str) -> int:
        """Return a value of `meta`, 0 if it was never set."""
        row = self.db.execute("SELECT value FROM meta WHERE name=?", (name,)).fetchone()
        return row[0] if row else 0

    def put(self, name: str, value: int) -> None:
        """Set a value of `meta`."""
        self.db.execute("REPLACE INTO meta VALUES (?,?)", (name, value))

    def clock_state(self) -> State | None:
        """Return what was noted of the clock last, None if nothing ever was."""
        at = self.get("clock_at")
        return State(at, self.get("clock_steady_s"), bool(self.get("clock_sure"))) if at else None

    def put_clock_state(self, state: State) -> None:
        """Note what is known of the clock."""
        self.begin()
        self.put("clock_at", state.at)
        self.put("clock_steady_s", state.steady_s)
        self.put("clock_sure", int(state.sure))
        self.commit()

    # sensors

    def sensors(self) -> Iterable[Row]:
        """Return all sensors with data in this file."""
        rows = self.db.execute(
            "SELECT no, id, first_ts, last_ts, last_counter FROM sensor WHERE id IS NOT NULL"
        )
        return (Row(no, key.hex(), *rest) for no, key, *rest in rows)

    def sensor(self, sensor: str) -> Row | None:
        """Return one sensor, None if the file has no data of it."""
        row = self.db.execute(
            "SELECT no, first_ts, last_ts, last_counter FROM sensor WHERE id=?",
            (bytes.fromhex(sensor),),
        ).fetchone()
        return Row(row[0], sensor, *row[1:]) if row else None

    def zone(self, no: int) -> tzinfo:
        """Return the time of the household of the sensor with this number."""
        row = self.db.execute("SELECT id FROM sensor WHERE no=?", (no,)).fetchone()
        return self.zones(row[0].hex()) if row and row[0] else timezone.utc

    def terms(self, no: int) -> Terms:
        """Return the terms of the sensor with this number, but for its highest day."""
        row = self.db.execute("SELECT id FROM sensor WHERE no=?", (no,)).fetchone()
        if not row or not row[0]:
            return PLAIN
        return termed.read(self.db, row[0], self.rules(row[0].hex()))

    def limited(self, low: int, high: int) -> set[int]:
        """Return which sensors with the numbers low … high have a limit of their own."""
        rows = self.db.execute(
            "SELECT no FROM sensor CROSS JOIN term ON term.sensor=sensor.id"
            " WHERE no BETWEEN ? AND ? AND kind=?",
            (low, high, termed.LIMIT),
        )
        return {no for (no,) in rows}

    def enter(self, sensor: str, first_ts: int, last: tuple[int, int]) -> int:
        """Give a new sensor its number."""
        cursor = self.db.execute(
            "INSERT INTO sensor (id, first_ts, last_ts, last_counter) VALUES (?,?,?,?)",
            (bytes.fromhex(sensor), first_ts, *last),
        )
        return int(cursor.lastrowid or 0)

    def disown(self, key: bytes, dead: int) -> None:
        """Take the number, if it is at most `dead`, from a sensor that was forgotten.

        Its blocks wait for removal.
        """
        if self.db.execute("UPDATE sensor SET id=NULL WHERE id=? AND no<=?", (key, dead)).rowcount:
            termed.forget(self.db, key)

    def extend(self, rows: list[tuple[int, int, int, int]]) -> None:
        """Note (first time, last time, last counter, number) of sensors."""
        self.db.executemany(
            "UPDATE sensor SET first_ts=?, last_ts=?, last_counter=? WHERE no=?", rows
        )

    # blocks

    def put_blocks(self, blocks: list[tuple[int, bytes]]) -> set[int]:
        """Write blocks (key, block); return the keys of those whose page cannot be written."""
        write, failed = "REPLACE INTO block VALUES (?,?)", set()
        try:
            self.db.executemany(write, blocks)
        except sqlite3.DatabaseError as error:
            self.tolerate(BLOCK, blocks[0][0], error)
            for key, block in blocks:
                try:
                    self.db.execute(write, (key, block))
                except sqlite3.DatabaseError as its_error:
                    self.tolerate(BLOCK, key, its_error)
                    failed.add(key)
        return failed

    def put_chunks(self, chunks: list[tuple[int, bytes]], old_runs: set[int]) -> None:
        """Write chunks (key, pairs), and note their runs.

        old_runs: days that had a run of this number before; what is new is appended to its chunks.
        """
        rows, runs = [], set()
        for key, new in chunks:
            day = key >> 42
            runs.add((day, key >> 32 & SWEEPS - 1))
            parts = [new]
            if day in old_runs:
                old = self.whole(self.rows(CHUNK, "data, crc", (key,)))
                parts = [data for _key, data in old] + parts
            data = b"".join(parts)
            rows.append((key, data, check(data, key)))
        self.db.executemany("REPLACE INTO open VALUES (?,?,?)", rows)
        self.db.executemany("INSERT OR IGNORE INTO run VALUES (?,?)", runs)

    def block(self, day: int, no: int) -> bytes:
        """Return the block of one closed UTC day, b"" if there is none."""
        rows = self.rows(BLOCK, "data", (day_key(day, no),))
        return rows[0][1] if rows else b""

    def day(self, day: int, no: int) -> Points:
        """Return the points of one UTC day."""
        return union(self.closed(day, no, self.block(day, no)), self.chunks(no, day, day))

    def closed(self, day: int, no: int, block: bytes) -> Points:
        """Return the points of a closed day's block."""
        return self.points(BLOCK, day_key(day, no), block)

    def days(self, no: int, first: int, last: int) -> dict[int, bytes]:
        """Return the blocks of the days first … last that have one, by day, ascending."""
        return self._blocks("data", no, first, last)

    def heads(self, no: int, first: int, last: int) -> dict[int, bytes]:
        """Return the headers of days(), as codec.summaries() reads them.

        They are kept until another connection writes to the file, and shared: do not change them.
        """
        version = self.db.execute("PRAGMA data_version").fetchone()[0]
        return self._heads(version, no, first, last)

    def _read_heads(self, _version: int, no: int, first: int, last: int) -> dict[int, bytes]:
        size = codec.HEADER.size
        heads: dict[int, bytes] = {}
        for day, head in self._blocks(f"substr(data,1,{size})", no, first, last).items():
            if codec.is_header(head, day_key(day, no)):
                heads[day] = head.ljust(size, b"\0")
            else:
                self.damage.tell(BLOCK, day_key(day, no), "the header's checksum differs")
        return heads

    def _blocks(self, what: str, no: int, first: int, last: int) -> dict[int, bytes]:
        blocks: dict[int, bytes] = {}
        for low in range(first, last + 1, DAYS_A_STATEMENT):
            keys = [day_key(day, no) for day in range(low, min(low + DAYS_A_STATEMENT, last + 1))]
            for key, data in self.rows(BLOCK, what, keys):
                blocks[key >> 32] = data
        return blocks

    def runs(self, first: int, last: int) -> list[tuple[int, int]]:
        """Return (day, sweep) of each run in the days first … last that are still filling."""
        return self.db.execute(
            "SELECT day, sweep FROM run WHERE day BETWEEN ? AND ?", (first, last)
        ).fetchall()

    def chunks(self, no: int, first: int, last: int) -> Points:
        """Return the points of the days first … last that are in no block yet."""
        runs = self.runs(first, last)
        if not runs:
            return EMPTY
        keys = [open_key(day, sweep, no) for day, sweep in runs]
        rows = self.whole(self.rows(CHUNK, "data, crc", keys))
        return unpack(b"".join([data for _key, data in rows]))

    def chunk_bytes(self, no: int, day: int) -> int:
        """Return the size of a day's chunks; a point that lies in two of them counts twice."""
        keys = [open_key(day, sweep, no) for _day, sweep in self.runs(day, day)]
        return sum(size for _key, size in self.rows(CHUNK, "length(data)", keys))

    def ladder(self, level: int, chunk: int, no: int) -> Points:
        """Return the points of one ladder block."""
        key = ladder_key(level, chunk, no)
        rows = self.rows(LADDER, "data", (key,))
        return self.points(LADDER, key, rows[0][1]) if rows else EMPTY

    def put_ladder(self, level: int, chunk: int, no: int, points: Points) -> None:
        """Write one ladder block."""
        key = ladder_key(level, chunk, no)
        self.db.execute("REPLACE INTO ladder VALUES (?,?)", (key, codec.encode(points, key, None)))


def _shared(block: bytes, key: int) -> Points:
    """Return codec.decode() with arrays that cannot be written to: several readers share them."""
    points = codec.decode(block, key)
    points.ts.flags.writeable = points.counter.flags.writeable = False
    return points
