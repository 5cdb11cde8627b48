# SPDX-License-Identifier: GPL-3.0-or-later
"""Series files of schema 2, whose rows had no checksums: read as they are, checked bit by bit."""

import struct

from flukso_server.series.appending import append_many
from flukso_server.series.sqlite import checking, codec
from flukso_server.series.sqlite.archive import CHECKED, Archive
from flukso_server.series.sqlite.inbox import Inbox
from flukso_server.series.sqlite.store import SqliteStore
from tests.server.series.benches import DAY, NOON, Clock

NAMES = [f"{n:032x}" for n in range(70)]
OLD = {new: old for old, new in codec.UNCHECKED.items()}


def unchecked(block: bytes) -> bytes:
    """The block as a program of schema 2 wrote it."""
    form, widths, _check, *fields, _body = codec.HEADER.unpack_from(block)
    head = struct.pack("<BBHIIIIIQI", OLD[form], widths, 0, *fields)
    return head + block[codec.HEADER.size :]


def as_schema_2(path: str) -> None:
    archive, inbox = Archive(path), Inbox(path + ".inbox")
    archive.begin()
    for table in ("block", "ladder"):
        rows = archive.db.execute(f"SELECT key, data FROM {table}").fetchall()
        old = [(unchecked(data), key) for key, data in rows]
        archive.db.executemany(f"UPDATE {table} SET data=? WHERE key=?", old)
    archive.db.execute("ALTER TABLE open DROP COLUMN crc")
    archive.db.execute("DROP TABLE damaged")
    archive.db.execute("DELETE FROM meta WHERE name='checked'")
    archive.db.execute("PRAGMA user_version=2")
    archive.commit()
    inbox.db.execute("ALTER TABLE inbox DROP COLUMN crc")
    archive.close()
    inbox.close()


def filled(path: str) -> None:
    """A file with rows of each kind, and rows in its inbox."""
    store = SqliteStore(path, clock=Clock())
    for days in (900, 300, 5, 0.5):
        start = int(NOON - days * DAY)
        append_many(
            store, [(name, [(start + 60 * i, i) for i in range(90)]) for name in NAMES], NOON
        )
        store.merge()
    append_many(store, [(name, [(NOON - 60, 99)]) for name in NAMES], NOON)
    store.close()


def all_of(path: str) -> list:
    """What a store that does not merge reads."""
    store = SqliteStore(path, clock=Clock(), merge=False)
    held = [store.raw(name, 0, 1 << 32) for name in NAMES]
    store.close()
    return held


def test_a_file_of_schema_2_is_read_and_gets_its_checksums(tmp_path):
    path = str(tmp_path / "s")
    filled(path)
    before = all_of(path)
    as_schema_2(path)
    assert all_of(path) == before, "as it is"
    archive = Archive(path)
    for _step, _none in zip(range(2), checking.run(archive), strict=False):
        assert all_of(path) == before
    archive.close()  # in the middle of the work, as by kill -9
    store = SqliteStore(path, clock=Clock())
    store.merge()
    store.close()
    archive = Archive(path)
    assert archive.get("checked") == CHECKED
    for table in ("block", "ladder"):
        rows = archive.db.execute(f"SELECT key, data FROM {table}").fetchall()
        assert len(rows) >= len(NAMES) and not any(row[:1] in codec.OLD_FORMS for _, row in rows)
    archive.close()
    assert all_of(path) == before


def test_a_block_that_is_damaged_before_it_has_a_checksum_is_set_aside(tmp_path):
    path = str(tmp_path / "s")
    filled(path)
    as_schema_2(path)
    before = all_of(path)
    archive = Archive(path)
    key, block = archive.db.execute("SELECT key, data FROM block").fetchone()
    archive.db.execute("UPDATE block SET data=? WHERE key=?", (block[:-3], key))
    archive.close()
    store = SqliteStore(path, clock=Clock())
    store.merge()
    store.close()
    archive = Archive(path)
    aside = archive.db.execute("SELECT place, key, data FROM damaged").fetchall()
    assert aside == [("block", key, block[:-3])] and archive.get("checked") == CHECKED
    archive.close()
    after = all_of(path)
    assert sum(a != b for a, b in zip(after, before, strict=True)) == 1
