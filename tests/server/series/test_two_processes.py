# SPDX-License-Identifier: GPL-3.0-or-later
"""The SQLite store when several processes have it open: who merges, what the others see, and what
forgetting does to all.
"""

import pytest

from flukso_server.series import SeriesError
from flukso_server.series.appending import append
from flukso_server.series.reading import counters, profile
from flukso_server.series.sqlite import reader, writer
from flukso_server.series.sqlite.store import SqliteStore
from tests.server.series.benches import DAY, NOON, Clock

A, B = "a1" * 16, "b2" * 16


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
    append(ingest, A, [(NOON - 600, 1)], NOON)
    assert web.raw(A, 0, 1 << 32) == [(NOON - 600, 1)]
    assert tuple(append(web, A, [(NOON - 600, 1), (NOON - 540, 2)], NOON)[:2]) == (1, 1)
    assert ingest.last(A) == (NOON - 540, 2)
    assert append(ingest, A, [(NOON - 540, 2)], NOON).duplicate == 1
    ingest.merge()
    assert append(web, A, [(NOON - 480, 3)], NOON).new == 1
    web.merge()  # not its business: must come back at once
    for store in pair:
        assert store.raw(A, 0, 1 << 32) == [(NOON - 600, 1), (NOON - 540, 2), (NOON - 480, 3)]
        assert counters(store, A, [NOON - 570]) == [1.5]


def test_the_second_process_imports_history(pair):
    ingest, web = pair
    append(web, A, [(NOON - 600, 1), (NOON - 540, 2)], NOON)
    web.mark_imported(A, NOON - 540)
    web.mark_imported(B, NOON)  # unknown: nothing to mark
    append(ingest, A, [(NOON - 480, 3)], NOON)
    ingest.merge()
    for store in pair:
        assert (store.imported_until(A), store.imported_until(B)) == (NOON - 540, 0)
        assert store.raw(A, 0, 1 << 32) == [(NOON - 600, 1), (NOON - 540, 2), (NOON - 480, 3)]
    web.forget(A)
    assert ingest.imported_until(A) == 0


def test_forgetting_in_one_process_reaches_the_other(pair):
    ingest, web = pair
    append(ingest, A, [(NOON - 600, 1)], NOON)
    ingest.merge()
    append(ingest, A, [(NOON - 540, 2)], NOON)
    web.forget(A)
    for store in pair:
        assert store.raw(A, 0, 1 << 32) == []
    append(ingest, A, [(NOON - 480, 9)], NOON)
    ingest.merge()
    for store in pair:
        assert store.raw(A, 0, 1 << 32) == [(NOON - 480, 9)]


def test_the_second_process_lets_go_of_what_was_merged(pair):
    ingest, web = pair
    append(ingest, A, [(NOON - 600, 1)], NOON)
    web.last(A)
    ingest.merge()
    web._writer.catch_up()
    assert web._memory.pending_bytes == 0
    assert web.raw(A, 0, 1 << 32) == [(NOON - 600, 1)]


def test_who_does_not_merge_lets_go_however_busy_it_is(pair, monkeypatch):
    """An upload a second leaves no idle moment."""
    ingest, web = pair
    monkeypatch.setattr(writer, "IDLE_S", 1000.0)
    for number in range(3):
        for at in range(20):
            append(web, A, [(NOON - 5000 + 100 * at + number, 100 * at)], NOON)
        ingest.last(A)
        ingest.merge()
        web._writer._looked -= 2000
        append(web, B, [(NOON - 600 + number, 1)], NOON)
        assert web._memory.pending_bytes <= 8 * 3  # B's alone


def test_a_sensor_is_there_while_the_files_are_read_again(pair, monkeypatch):
    ingest, web = pair
    append(web, A, [(NOON - 600, 1)], NOON)
    ingest.last(A)
    ingest.merge()
    seen = []
    load = writer.Memory.load

    def slow(memory, rows):
        monkeypatch.undo()
        seen.append(A in web._memory.sensors)
        load(memory, rows)

    monkeypatch.setattr(writer.Memory, "load", slow)
    web._writer.catch_up()
    assert seen == [True]
    assert web.raw(A, 0, 1 << 32) == [(NOON - 600, 1)]


@pytest.mark.parametrize(
    "read",
    [
        lambda store: len(store.raw(A, 0, 1 << 32)) > 10,
        lambda store: profile(store, A, [NOON - 9 * DAY, NOON])[0][0] == 900,
    ],
)
def test_a_read_while_days_age_sees_all_of_them(tmp_path, monkeypatch, read):
    clock = Clock()
    store = SqliteStore(str(tmp_path / "s"), clock=clock)
    append(store, A, [(NOON - 9 * DAY + at * DAY // 100, at) for at in range(901)], NOON)
    store.merge()
    horizons, waits = reader.horizons, [70]

    def late(archive):
        found = horizons(archive)
        if waits:
            clock.now += waits.pop() * DAY
            store.trust.heard("household", clock.now)
            store.merge()
        return found

    monkeypatch.setattr(reader, "horizons", late)
    assert read(store)
    store.close()


def test_a_process_that_dies_while_it_forgets_has_forgotten(tmp_path, monkeypatch):
    """Killed when the inbox says so, and the main file does not yet."""
    path = str(tmp_path / "s")
    store = SqliteStore(path, clock=Clock())
    append(store, A, [(NOON - 600, 1)], NOON)
    store.merge()
    monkeypatch.setattr(store._writer._archive, "disown", lambda key, dead: 1 // 0)
    with pytest.raises(SeriesError):
        store.forget(A)
    store.close()
    monkeypatch.undo()
    for _start in range(3):
        store = SqliteStore(path, clock=Clock())
        assert store.raw(A, 0, 1 << 32) == []
        store.merge()
        append(store, B, [(NOON - 600 + _start, 1)], NOON)
        store.merge()  # the inbox's row has gone by then
        store.close()


def test_who_merges_knows_what_another_process_has_just_forgotten(pair):
    ingest, web = pair
    append(ingest, A, [(NOON - 600, 1)], NOON)
    ingest.settle()
    web.forget(A)  # it has no number in the main file yet
    for _step in ingest._writer._merger.run(NOON, ingest.trust.state()):
        pass
    for store in pair:
        assert store.raw(A, 0, 1 << 32) == []
