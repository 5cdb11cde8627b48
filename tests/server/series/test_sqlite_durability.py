# SPDX-License-Identifier: GPL-3.0-or-later
"""The SQLite store when its disk fails, when threads share it, and files of other versions."""

import sqlite3
import struct
import threading

import pytest

from flukso_server.series import SeriesError
from flukso_server.series.appending import append, append_many
from flukso_server.series.sqlite.archive import SCHEMA, SWEEPS, Archive, open_key
from flukso_server.series.sqlite.inbox import Inbox
from flukso_server.series.sqlite.store import SqliteStore
from flukso_server.series.sqlite.writer import FORGET_EVERY_S
from tests.server.series.benches import DAY, NOON, Clock

A, B = "a1" * 16, "b2" * 16


class Failing:
    """A connection whose nth call of execute() fails, as on a full disk."""

    def __init__(self, real, fail_at):
        self._real = real
        self.left = fail_at

    def execute(self, sql, *args):
        self.left -= 1
        if self.left == 0:
            raise sqlite3.OperationalError("database or disk is full")
        return self._real.execute(sql, *args)

    def __getattr__(self, name):
        return getattr(self._real, name)


@pytest.mark.parametrize("where", ["_inbox", "_archive"])
@pytest.mark.parametrize("fail_at", range(1, 9))
def test_a_failing_disk_acknowledges_nothing_that_is_not_there(tmp_path, where, fail_at):
    store = SqliteStore(str(tmp_path / "s"), clock=Clock(), sweep_tuples=10)
    append(store, A, [(NOON - 600, 1)], NOON)
    store.settle()
    files = getattr(store._writer, where)
    files.db = failing = Failing(files.db, fail_at)
    said = {NOON - 600: 1}
    for i in range(12):
        try:
            append(store, A, [(NOON - 500 + i, 2 + i)], NOON)
            said[NOON - 500 + i] = 2 + i
        except SeriesError:
            pass
        got = dict(store.raw(A, 0, 1 << 32))
        assert {ts: got.get(ts) for ts in said} == said
    assert failing.left <= 0 or where == "_archive"
    store.close()
    again = SqliteStore(str(tmp_path / "s"), clock=Clock())
    got = dict(again.raw(A, 0, 1 << 32))
    assert {ts: got.get(ts) for ts in said} == said
    again.close()


def test_whatever_goes_wrong_in_merging_uploads_go_on(tmp_path, monkeypatch):
    store = SqliteStore(str(tmp_path / "s"), clock=Clock(), sweep_tuples=2)
    tried = []

    def broken(now, _state):
        tried.append(now)
        yield
        raise IndexError("a fault of ours")

    monkeypatch.setattr(store._writer._merger, "run", broken)
    for i in range(20):
        assert append(store, A, [(NOON - 500 + i, i)], NOON).new == 1
    store.merge()
    assert len(tried) == 1  # and not again and again: the next one is seconds later
    assert len(store.raw(A, 0, 1 << 32)) == 20
    store.close()


def test_many_threads_share_commits_and_lose_nothing(tmp_path):
    store = SqliteStore(str(tmp_path / "s"), clock=Clock(), sweep_tuples=200)

    def upload(number):
        for i in range(40):
            append(store, f"{number:032x}", [(NOON - 9000 + 60 * i, i)], NOON)
            store.raw(f"{number:032x}", 0, 1 << 32)

    threads = [threading.Thread(target=upload, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(len(store.raw(f"{n:032x}", 0, 1 << 32)) == 40 for n in range(8))
    store.close()


def test_forgotten_blocks_are_removed_from_the_file(tmp_path):
    path = str(tmp_path / "s")
    store = SqliteStore(path, clock=Clock())
    for days in (0.5, 5, 70, 500):
        append(store, A, [(int(NOON - days * DAY) + 60 * i, i) for i in range(50)], NOON)
        store.merge()
    store.forget(A)
    store.merge()
    store.close()
    archive, inbox = Archive(path), Inbox(path + ".inbox")
    for table in ("open", "block", "ladder", "sensor"):
        assert archive.db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    assert inbox.newest() > 0
    archive.close()
    inbox.close()


def test_a_day_may_be_merged_more_often_than_there_are_numbers_for_it(tmp_path):
    """An earlier program, which had used all of them up and merged no more, left the file so."""
    path = str(tmp_path / "s")
    store = SqliteStore(path, clock=Clock())
    append(store, A, [(NOON - 600, 1)], NOON)
    store.merge()
    store.close()
    archive = Archive(path)
    archive.begin()
    [(no,)] = archive.db.execute("SELECT no FROM sensor")
    archive.db.executemany(
        "INSERT OR IGNORE INTO run VALUES (?,?)", [(NOON // DAY, sweep) for sweep in range(SWEEPS)]
    )
    taken = [
        (open_key(NOON // DAY, sweep, no), struct.pack("<II", NOON - 500, 2))
        for sweep in range(SWEEPS)
    ]
    archive.db.executemany("INSERT OR IGNORE INTO open (key, data) VALUES (?,?)", taken)
    archive.commit()
    archive.close()
    store = SqliteStore(path, clock=Clock())
    for n in range(3):
        append(store, A, [(NOON - 400 + n, 3 + n)], NOON)
        store.merge()
    held = [(NOON - 600, 1), (NOON - 500, 2), (NOON - 400, 3), (NOON - 399, 4), (NOON - 398, 5)]
    assert store.raw(A, 0, 1 << 32) == held
    # all of it lies in the main file, but the row that tells the newest id
    assert list(Inbox(path + ".inbox").after(0))[:-1] == []
    store.close()


def test_many_that_are_forgotten_are_merged_together(tmp_path):
    """Each time all that waits is merged: who forgets often must not make it happen as often."""
    path, clock = str(tmp_path / "s"), Clock()
    store = SqliteStore(path, clock=clock)
    names = [f"{n:032x}" for n in range(40)]
    append_many(store, [(name, [(NOON - 600, 1)]) for name in names], NOON)
    store.merge()
    archive = Archive(path)
    before = archive.get("sweep")
    for name in names:
        append(store, A, [(clock.now, 5)], clock.now)
        store.forget(name)
        store.settle()
    assert archive.get("sweep") == before
    assert not any(store.last(name) for name in names)
    clock.now += FORGET_EVERY_S
    store.settle()
    store.settle()
    assert archive.get("sweep") == before + 1
    assert archive.db.execute("SELECT count(*) FROM sensor").fetchone() == (1,)
    archive.close()
    store.close()


def test_a_merge_that_fails_keeps_nothing_else_from_being_done(tmp_path, monkeypatch):
    """What was forgotten goes, days that are over are sealed; and uploads are stored."""
    path, clock = str(tmp_path / "s"), Clock()
    store = SqliteStore(path, clock=clock)
    append_many(store, [(name, [(NOON - 600, 1)]) for name in (A, B)], NOON)
    store.merge()

    def broken(*_):
        raise sqlite3.DatabaseError("database disk image is malformed")

    monkeypatch.setattr(store._writer._merger, "_merge", broken)
    store.forget(B)
    clock.now += 2 * DAY
    store.trust.heard("household", clock.now)
    append(store, A, [(NOON - 300, 2)], clock.now)
    store.merge()
    archive = Archive(path)
    assert archive.db.execute("SELECT count(*) FROM sensor").fetchone() == (1,)
    assert archive.get("sealed") == (clock.now - 7200) // DAY
    archive.close()
    assert store.raw(A, 0, 1 << 32) == [(NOON - 600, 1), (NOON - 300, 2)]
    store.close()


def test_a_file_of_a_later_schema_is_not_touched(tmp_path):
    path = str(tmp_path / "s")
    SqliteStore(path).close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version=99")
    db.close()
    with pytest.raises(sqlite3.DatabaseError, match="schema 99"):
        SqliteStore(path)


def test_files_of_the_first_schema_are_read_and_then_closed_to_the_program_that_made_them(tmp_path):
    path, now = str(tmp_path / "s"), 1_790_000_000
    tuples = [(now - 300 + 60 * n, n) for n in range(5)]
    SqliteStore(path).close()
    archive, inbox = Archive(path), Inbox(path + ".inbox")
    archive.db.execute("PRAGMA user_version=1")
    for ts, counter in tuples:  # a row an upload
        inbox.db.execute(
            "INSERT INTO inbox (data) VALUES (?)", (b"s" * 16 + struct.pack("<II", ts, counter),)
        )
    archive.close()
    inbox.close()
    store = SqliteStore(path, clock=lambda: now)
    try:
        assert store.raw((b"s" * 16).hex(), 0, 1 << 32) == tuples
        store.merge()
        assert store.raw((b"s" * 16).hex(), 0, 1 << 32) == tuples
    finally:
        store.close()
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA user_version").fetchone()[0] == SCHEMA
    db.close()
