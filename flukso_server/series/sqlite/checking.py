# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives blocks of files until schema 2 the checksums that they lack, a few at a time."""

from collections.abc import Iterator

from flukso_server.series.sqlite import codec
from flukso_server.series.sqlite.archive import CHECKED, Archive
from flukso_server.series.sqlite.damage import BLOCK, LADDER, NO_MASK

ROWS = 64  # in one transaction
LADDERS = 1 << 60  # keys of `ladder` come after all of `block`


def run(archive: Archive) -> Iterator[None]:
    """Do what is left to do; meta's `checked` is the key before which no block lacks checksums."""
    while (low := archive.get("checked")) < CHECKED:
        table, end = (BLOCK, LADDERS) if low < LADDERS else (LADDER, CHECKED)
        key = archive.oldest(table, low, end)
        archive.begin()
        beyond = end if key is None else _check_some(archive, table, key)
        archive.put("checked", beyond)
        archive.commit()
        yield


def _check_some(archive: Archive, table: str, low: int) -> int:
    """Give some blocks from a key on their checksums; return the key from which on to continue."""
    rows, beyond = archive.some(table, low, low | NO_MASK, ROWS)
    for key, block in rows:
        if block[:1] in codec.OLD_FORMS:
            try:
                checked = codec.checked(block, key)
            except codec.CodecError as error:
                archive.damage.tell(table, key, error)
                archive.set_aside(table, key, block)
                continue
            archive.db.execute(f"UPDATE {table} SET data=? WHERE key=?", (checked, key))
    return beyond or (low | NO_MASK) + 1
