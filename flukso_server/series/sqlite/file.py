# SPDX-License-Identifier: GPL-3.0-or-later
"""One connection to a database file of the store; a commit returns when it is on the disk."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

# for another process's write, whose longest is a slice of merging; an upload that cannot be written
# within 10 s is refused
WAIT_S = 8


class File:
    """A connection in WAL mode. Not thread-safe: its owner serialises, begins and commits."""

    def __init__(
        self, path: str, page_bytes: int, checkpoint_pages: int, secure_delete: str
    ) -> None:
        self.db = sqlite3.connect(
            path, timeout=WAIT_S, isolation_level=None, check_same_thread=False
        )
        self.db.execute(f"PRAGMA page_size={page_bytes}")
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=FULL")
        self.db.execute(f"PRAGMA secure_delete={secure_delete}")
        self.db.execute(f"PRAGMA wal_autocheckpoint={checkpoint_pages}")

    def wait(self, seconds: int) -> None:
        """Set how long a write waits for writes of other processes."""
        self.db.execute(f"PRAGMA busy_timeout={1000 * seconds}")

    def add_crc(self, table: str) -> None:
        """Give the table its column `crc` (damage.check()), NULL in the rows that it has already.

        Do it in a transaction that writes, because other processes may do it, too.
        """
        if "crc" not in [column[1] for column in self.db.execute(f"PRAGMA table_info({table})")]:
            self.db.execute(f"ALTER TABLE {table} ADD COLUMN crc INTEGER")

    def close(self) -> None:
        """Let go of the file."""
        self.db.close()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read the file as it is at one moment, whatever others write meanwhile."""
        self.db.execute("BEGIN")
        try:
            yield
        finally:
            self.rollback()  # COMMIT fails where a page could not be read

    def begin(self) -> None:
        """Begin a transaction that writes; until it ends no other connection can write."""
        self.db.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """End the transaction; it is on the disk when this returns."""
        self.db.execute("COMMIT")

    def rollback(self) -> None:
        """Give up the transaction, if there is one."""
        if self.db.in_transaction:
            self.db.execute("ROLLBACK")
