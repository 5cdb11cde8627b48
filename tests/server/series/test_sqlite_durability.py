# SPDX-License-Identifier: GPL-3.0-or-later
"""The SQLite store when its process is killed, its disk fails, or another process has it open too."""

import random
import signal
import sqlite3
import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from series import SeriesError
from series.sqlite.archive import SCHEMA, Archive
from series.sqlite.inbox import Inbox
from series.sqlite.store import SqliteStore

from tests.server.series.benches import DAY, NOON, Clock
from tests.server.series.model import Model

A, B = "a1" * 16, "b2" * 16
SENSORS = [f"{number:032x}" for number in range(4)]
START = NOON - 2000 * DAY
UPLOADER = str(Path(__file__).with_name("uploader.py"))


def upload_until_killed(path, seed, start, lines):
    """Let a process upload `lines` lines, kill it; the tuples that it said were acknowledged."""
    process = subprocess.Popen([sys.executable, UPLOADER, path, str(seed), str(start)], stdout=subprocess.PIPE, text=True)
    text = []
    for line in process.stdout:
        text.append(line)
        if len(text) >= lines:
            process.send_signal(signal.SIGKILL)
    process.wait()
    whole = "".join(text)
    return [line.split() for line in whole[: whole.rfind("ok\n")].splitlines() if line != "ok"]


def check_nothing_lost(path, acknowledged):
    """Every tuple acknowledged is there while minutes are kept, and every watt-hour after."""
    newest = max(ts for found in acknowledged.values() for ts in found.tuples)
    store = SqliteStore(path, clock=Clock(newest + 100), merge=False)
    for sensor, model in acknowledged.items():
        kept = dict(store.raw(sensor, newest - 58 * DAY, 1 << 32))
        for ts, counter in model.tuples.items():
            if ts >= newest - 58 * DAY:
                assert kept[ts] == counter
        first, last = min(model.tuples), max(model.tuples)
        assert store.profile(sensor, [first, last])[0][0] == pytest.approx(model.total(), abs=1.01)
        assert store.last(sensor)[0] >= last
    store.close()
    return newest


def kill_again_and_again(folder, kills, seed):
    rng = random.Random(seed)
    path, newest = str(folder / "series.sqlite3"), START
    acknowledged = {sensor: Model() for sensor in SENSORS}
    for kill in range(kills):
        for sensor, ts, counter in upload_until_killed(path, kill, newest + 3600, rng.randrange(60, 800)):
            acknowledged[sensor].append([(int(ts), int(counter))])
        newest = check_nothing_lost(path, {s: m for s, m in acknowledged.items() if m.tuples})


def test_kill_at_any_moment_loses_nothing_acknowledged(tmp_path):
    kill_again_and_again(tmp_path, 6, 1)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_hundred_kills_lose_nothing_acknowledged(tmp_path):
    kill_again_and_again(tmp_path, 100, 2)


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
    store.append(A, [(NOON - 600, 1)], NOON)
    store.settle()
    files = getattr(store._writer, where)
    files.db = failing = Failing(files.db, fail_at)
    said = {NOON - 600: 1}
    for i in range(12):
        try:
            store.append(A, [(NOON - 500 + i, 2 + i)], NOON)
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


def test_many_threads_share_commits_and_lose_nothing(tmp_path):
    store = SqliteStore(str(tmp_path / "s"), clock=Clock(), sweep_tuples=200)

    def upload(number):
        for i in range(40):
            store.append(f"{number:032x}", [(NOON - 9000 + 60 * i, i)], NOON)
            store.raw(f"{number:032x}", 0, 1 << 32)

    threads = [threading.Thread(target=upload, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(len(store.raw(f"{n:032x}", 0, 1 << 32)) == 40 for n in range(8))
    store.close()


@pytest.fixture
def pair(tmp_path):
    """The same files twice, as two services have them: the first one merges."""
    path = str(tmp_path / "s")
    stores = SqliteStore(path, clock=Clock()), SqliteStore(path, clock=Clock(), merge=False)
    yield stores
    for store in stores:
        store.close()


def test_a_second_process_reads_and_adds(pair):
    ingest, web = pair
    ingest.append(A, [(NOON - 600, 1)], NOON)
    assert web.raw(A, 0, 1 << 32) == [(NOON - 600, 1)]
    assert tuple(web.append(A, [(NOON - 600, 1), (NOON - 540, 2)], NOON)[:2]) == (1, 1)
    assert ingest.last(A) == (NOON - 540, 2)
    assert ingest.append(A, [(NOON - 540, 2)], NOON).duplicate == 1
    ingest.merge()
    assert web.append(A, [(NOON - 480, 3)], NOON).new == 1
    web.merge()  # not its business: must come back at once
    for store in pair:
        assert store.raw(A, 0, 1 << 32) == [(NOON - 600, 1), (NOON - 540, 2), (NOON - 480, 3)]
        assert store.counters(A, [NOON - 570]) == [1.5]


def test_the_second_process_imports_history(pair):
    ingest, web = pair
    web.append(A, [(NOON - 600, 1), (NOON - 540, 2)], NOON)
    web.mark_imported(A, NOON - 540)
    web.mark_imported(B, NOON)  # unknown: nothing to mark
    ingest.append(A, [(NOON - 480, 3)], NOON)
    ingest.merge()
    for store in pair:
        assert (store.imported_until(A), store.imported_until(B)) == (NOON - 540, 0)
        assert store.raw(A, 0, 1 << 32) == [(NOON - 600, 1), (NOON - 540, 2), (NOON - 480, 3)]
    web.forget(A)
    assert ingest.imported_until(A) == 0


def test_forgetting_in_one_process_reaches_the_other(pair):
    ingest, web = pair
    ingest.append(A, [(NOON - 600, 1)], NOON)
    ingest.merge()
    ingest.append(A, [(NOON - 540, 2)], NOON)
    web.forget(A)
    for store in pair:
        assert store.raw(A, 0, 1 << 32) == []
    ingest.append(A, [(NOON - 480, 9)], NOON)
    ingest.merge()
    for store in pair:
        assert store.raw(A, 0, 1 << 32) == [(NOON - 480, 9)]


def test_the_second_process_lets_go_of_what_was_merged(pair):
    ingest, web = pair
    ingest.append(A, [(NOON - 600, 1)], NOON)
    web.last(A)
    ingest.merge()
    web._writer.catch_up()
    assert web._memory.pending_bytes == 0
    assert web.raw(A, 0, 1 << 32) == [(NOON - 600, 1)]


def test_forgotten_blocks_are_removed_from_the_file(tmp_path):
    path = str(tmp_path / "s")
    store = SqliteStore(path, clock=Clock())
    for days in (0.5, 5, 70, 500):
        store.append(A, [(int(NOON - days * DAY) + 60 * i, i) for i in range(50)], NOON)
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
        inbox.db.execute("INSERT INTO inbox (data) VALUES (?)", (b"s" * 16 + struct.pack("<II", ts, counter),))
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
