# SPDX-License-Identifier: GPL-3.0-or-later
"""What PostgreSQL leaves open and SQLite does not: transactions that overlap.

SQLite lets one transaction write at a time (BEGIN IMMEDIATE), so a count that is checked stays
true until the commit, and rows are committed in the order of their ids. PostgreSQL promises
neither.
"""

import zlib

from django.db import connection
from django.db.models import BigIntegerField, Func


def one_at_a_time(what: str) -> None:
    """Wait until no other transaction that called this with the same words is open; to be called
    within a transaction, before counting what it may add to.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [zlib.crc32(what.encode())])


class TransactionNumber(Func):
    """The number of the transaction that writes the row on PostgreSQL, where numbers rise in the
    order of first writes; 0 on SQLite.
    """

    function = "pg_current_xact_id"
    arity = 0
    output_field = BigIntegerField()

    def as_postgresql(self, compiler, connection, **context):
        return self.as_sql(
            compiler, connection, template="(%(function)s()::text)::bigint", **context
        )

    def as_sqlite(self, compiler, connection, **context):
        return "0", []


def oldest_open_transaction() -> int:
    """The number below which every transaction has ended (PostgreSQL 13 or newer)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        return cursor.fetchone()[0]
