# SPDX-License-Identifier: GPL-3.0-or-later
"""What is damaged at rest reads as a gap that is told, for any store, and stops nothing else."""

import random

import pytest

from flukso_server.series.appending import append
from tests.server.series.benches import DAY
from tests.server.series.integrity import ALL, NAMES, Flips, Told, answers, fill


def test_no_bit_that_flips_is_wrong_in_silence(bench):
    fill(bench)
    flips, rng = Flips(bench), random.Random(1)
    for kind in bench.kinds:
        assert bench.at_rest(kind), kind
        for _ in range(10):
            flips.flip(kind, rng)
    assert flips.counts["wrong in silence"] == flips.counts["wrong tuples"] == 0
    assert flips.counts["told"], "and some were found"
    assert {name: answers(bench, name) for name in NAMES} == flips.right


def test_damage_stops_neither_uploads_nor_the_ageing_of_others(fresh):
    """Late tuples for the damaged rows themselves are kept as well."""
    with fresh() as whole, fresh() as hurt:
        for bench in (whole, hurt):
            fill(bench)
        rng, hit = random.Random(2), NAMES[0]
        with Told() as told:
            for kind in hurt.kinds:
                for row in hurt.at_rest(kind):
                    if not isinstance(row, int) or kind in ("lines", "inbox"):
                        continue
                    if row & 0xFFFFFFFF == 1:  # the first sensor's number
                        hurt.flip(kind, row, rng.randrange)
            for bench in (whole, hurt):
                late = bench.clock.now - 5 * DAY + 11 * 3600
                for name in NAMES:
                    assert append(bench.store, name, [(late, 10)], bench.clock.now).new == 1
                bench.settle()
                bench.pass_days(70)
                bench.pass_days(400)
                assert bench.store.raw(hit, 0, ALL)
        assert bool(told.count) == bool(set(hurt.kinds) - {"lines"})
        for name in NAMES[1:]:
            assert answers(hurt, name) == answers(whole, name), "others are as if nothing were"
            assert not hurt.store.damaged(name)
        assert bool(hurt.store.damaged(hit)) == bool(told.count)


def test_a_row_in_another_s_place_is_found(tmp_path):
    from tests.server.series.benches import SqliteBench

    bench = SqliteBench(tmp_path)
    fill(bench)
    right = {name: answers(bench, name) for name in NAMES}
    for kind in bench.kinds[:5]:
        rows = bench.at_rest(kind)
        swap(bench, kind, rows[0], rows[-1])
        for name in NAMES:
            now = answers(bench, name)
            assert now == right[name] or bench.store.damaged(name)
            assert set(now[0]) <= set(right[name][0]), kind
        swap(bench, kind, rows[0], rows[-1])
    bench.close()


def swap(bench, kind, one, other):
    import contextlib
    import sqlite3

    path, table, key, _low, _high = bench._where(kind)
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        cells = "data, crc" if table == "open" else "data"
        held = [
            db.execute(f"SELECT {cells} FROM {table} WHERE {key}=?", (row,)).fetchone()
            for row in (one, other)
        ]
        for row, values in ((one, held[1]), (other, held[0])):
            names = [f"{cell}=?" for cell in cells.split(", ")]
            db.execute(f"UPDATE {table} SET {','.join(names)} WHERE {key}=?", (*values, row))


@pytest.mark.parametrize("kind", ["days", "chunks"])
def test_what_is_damaged_is_set_aside_before_it_is_written_over(tmp_path, kind):
    from flukso_server.series.sqlite.archive import Archive
    from tests.server.series.benches import SqliteBench

    bench = SqliteBench(tmp_path)
    fill(bench)
    row = bench.at_rest(kind)[0]
    bench.flip(kind, row, lambda bits: bits // 2)
    bench.pass_days(80)
    archive = Archive(bench.path)
    aside = archive.db.execute("SELECT key, no, length(data) FROM damaged").fetchall()
    assert [(key, no) for key, no, _size in aside] == [(row, row & 0xFFFFFFFF)]
    assert aside[0][2] > 0
    archive.close()
    name = NAMES[(row & 0xFFFFFFFF) - 1]
    assert bench.store.damaged(name)
    bench.store.forget(name)
    bench.settle()
    archive = Archive(bench.path)
    assert archive.db.execute("SELECT count(*) FROM damaged").fetchone() == (0,), "it is forgotten"
    archive.close()
    bench.close()
