# SPDX-License-Identifier: GPL-3.0-or-later
"""`verify`: finds what is damaged, sets it aside when asked to, and erases nothing."""

import contextlib
import sqlite3

import pytest

from flukso_server.series.appending import append, append_many
from flukso_server.series.sqlite.archive import Archive
from flukso_server.series.store import CheckError, verify
from tests.server.series.benches import DAY, NOON, SqliteBench
from tests.server.series.integrity import ALL, NAMES, fill

SMALL = 0  # the first row of a kind


@pytest.fixture
def filled(tmp_path):
    bench = SqliteBench(tmp_path)
    fill(bench)
    yield bench
    bench.close()


def look(bench, repair=False):
    lines = []
    return verify(bench.path, repair, lines.append), lines


def test_what_is_whole_is_whole_also_while_the_store_runs(filled):
    assert look(filled) == (0, [])


def test_each_kind_of_row_is_found_and_set_aside(filled):
    for kind in filled.kinds:
        filled.flip(kind, filled.at_rest(kind)[SMALL], lambda bits: bits // 3)
    count, lines = look(filled)
    assert count == len(filled.kinds) == len(lines)
    assert sum(NAMES[0] in line for line in lines) == len(filled.kinds) - 1, lines
    assert look(filled) == (count, lines), "a look changes nothing"
    count, lines = look(filled, repair=True)
    assert count == len(filled.kinds) and sum("set aside" in line for line in lines) == count + 1
    assert look(filled) == (0, [f"{count} rows are set aside in the table `damaged`"])
    archive = Archive(filled.path)
    aside = archive.db.execute("SELECT place, length(data) FROM damaged").fetchall()
    assert {place for place, _size in aside} >= {"block", "ladder", "open", "inbox"}
    assert all(size for _place, size in aside)
    archive.close()
    assert filled.store.damaged(NAMES[0]), "its owner is still told"
    assert append(filled.store, NAMES[0], [(NOON, 10**6)], NOON).new == 1


def test_what_is_no_store_is_told(tmp_path):
    with pytest.raises(CheckError, match="there is no series file"):
        verify(str(tmp_path / "none"), False, print)
    (tmp_path / "text").write_text("no database at all, but a text\n" * 100)
    with pytest.raises(CheckError, match="not a database"):
        verify(str(tmp_path / "text"), False, print)


NUMBERS = [f"{n:032x}" for n in range(400)]


def torn(path, table, at=0.5):
    """Overwrite the page that holds the middle of a table, as a disk with a bad sector does."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = db.execute("PRAGMA page_size").fetchone()[0]
        pages = pages_of(path, db, table, size)
    page = pages[int(at * len(pages))]
    with open(path, "r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)


def pages_of(path, db, table, size):
    """The leaf pages of a table, by walking its tree."""
    [(root,)] = db.execute("SELECT rootpage FROM sqlite_master WHERE name=?", (table,))
    with open(path, "rb") as file:
        whole = file.read()

    def leaves(number):
        page = whole[(number - 1) * size : number * size]
        kind, cells = page[0], int.from_bytes(page[3:5], "big")
        if kind == 13:
            return [number]
        assert kind == 5
        places = [int.from_bytes(page[12 + 2 * n : 14 + 2 * n], "big") for n in range(cells)]
        children = [int.from_bytes(page[place : place + 4], "big") for place in places]
        children.append(int.from_bytes(page[8:12], "big"))
        return [leaf for child in children for leaf in leaves(child)]

    return leaves(root)


@pytest.mark.parametrize("table", ["block", "ladder", "open"])
def test_a_torn_page_stops_nothing_else_and_is_repaired(tmp_path, table):
    bench = SqliteBench(tmp_path)
    for days in (100, 90, 30, 20, 0.2):
        start = int(NOON - days * DAY)
        uploads = [(n, [(start + 60 * i, 7 * i) for i in range(100)]) for n in NUMBERS]
        append_many(bench.store, uploads, NOON)
        bench.settle()
    right = {name: bench.store.raw(name, 0, ALL) for name in NUMBERS}
    bench.store.close()
    torn(bench.path, table)
    bench.store = bench.make()
    held = {name: bench.store.raw(name, 0, ALL) for name in NUMBERS}
    hit = [name for name in NUMBERS if held[name] != right[name]]
    assert 0 < len(hit) < len(NUMBERS)
    assert all(set(held[name]) < set(right[name]) for name in hit)
    assert all(bench.store.damaged(name) for name in hit)
    count, _lines = look(bench, repair=True)
    assert count
    assert look(bench)[0] == 0
    bench.settle()
    for name in set(NUMBERS) - set(hit):
        assert set(bench.store.raw(name, 0, ALL)) >= set(right[name])
    bench.pass_days(70)
    assert bench.store.horizons().raw == (bench.clock.now // DAY) - 60
    with contextlib.closing(sqlite3.connect(bench.path)) as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master")]
    assert [name for name in names if name.startswith(f"damaged_{table}_")]
    bench.close()
