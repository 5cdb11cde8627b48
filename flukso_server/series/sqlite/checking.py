# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds what is damaged of a sensor; gives blocks of schema 2 the checksums that they lack."""

from collections.abc import Iterator

from flukso_server.series.ladder import DAY, HOUR, LEVELS, QUARTER
from flukso_server.series.sqlite import codec
from flukso_server.series.sqlite.archive import CHECKED, Archive, day_key, ladder_key, open_key
from flukso_server.series.sqlite.damage import BLOCK, CHUNK, LADDER, NO_MASK, Span, span_of
from flukso_server.series.sqlite.reader import horizons

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


def damaged(archive: Archive, where: Span) -> list[Span]:
    """Return what is damaged of a sensor in these days, or was and is set aside."""
    no, first, last = where
    found = [
        span_of(table, key)
        for table, keys in _keys(archive, where)
        for key in archive.bad(table, keys)
    ]
    aside = archive.db.execute("SELECT no, first_day, last_day FROM damaged WHERE no=?", (no,))
    return sorted({*found, *(Span(*row) for row in aside)})


def _keys(archive: Archive, where: Span) -> Iterator[tuple[str, list[int]]]:
    """Return where rows of a sensor may lie, a hundred at a time."""
    no, first, last = where
    raw = max(first, horizons(archive).raw - 1)
    for low in range(raw, last + 1, ROWS):
        yield BLOCK, [day_key(day, no) for day in range(low, min(low + ROWS, last + 1))]
    runs = archive.runs(first, last)
    for at in range(0, len(runs), ROWS):
        yield CHUNK, [open_key(day, sweep, no) for day, sweep in runs[at : at + ROWS]]
    for level in (QUARTER, HOUR, DAY):
        span = LEVELS[level].span_days
        for low in range(first // span, last // span + 2, ROWS):
            high = min(low + ROWS, last // span + 2)
            yield LADDER, [ladder_key(level, chunk, no) for chunk in range(low, high)]
