# SPDX-License-Identifier: GPL-3.0-or-later
"""The RRD view, read back with rrdtool itself."""

import os
import random
import subprocess
import time
from zoneinfo import ZoneInfo

import pytest

rrdtool = pytest.importorskip("rrdtool")

from series.rrd.feeder import Feeder  # noqa: E402
from series.rrd.files import Rrd  # noqa: E402
from series.rrd.history import import_file  # noqa: E402
from series.sqlite.store import SqliteStore  # noqa: E402

from tests.server.series.benches import DAY, NOON, Clock  # noqa: E402

A, B = "a1" * 16, "b2" * 16
MIDNIGHT = NOON // DAY * DAY
ZONE = ZoneInfo("Europe/Brussels")


@pytest.fixture
def store(tmp_path):
    made = SqliteStore(str(tmp_path / "s"), clock=Clock())
    yield made
    made.close()


@pytest.fixture(params=["direct", "rrdcached"])
def feeder(request, tmp_path, store):
    """librrd on the files, and through a daemon of our own."""
    if request.param == "direct":
        made = Feeder(store, str(tmp_path / "rrd"))
        yield made
        made.close()
        return
    socket = f"unix:{tmp_path}/sock"
    daemon = subprocess.Popen(["rrdcached", "-g", "-l", socket, "-p", str(tmp_path / "pid"), "-b", str(tmp_path), "-w", "3600", "-O"])
    for _ in range(200):
        if os.path.exists(tmp_path / "sock"):
            break
        time.sleep(0.02)
    made = Feeder(store, str(tmp_path / "rrd"), Rrd(socket))
    yield made
    made.close()
    daemon.terminate()
    daemon.wait()


def household(start, count, first=1000, seed=1):
    rng = random.Random(seed)
    tuples, counter = [], first
    for i in range(count):
        counter += rng.randrange(10)
        tuples.append((start + 60 * i + rng.randrange(30), counter))
    return tuples


def append(store, sensor, tuples):
    for at in range(0, len(tuples), 4000):
        store.append(sensor, tuples[at : at + 4000], NOON)


def rates(path, step, start, end):
    """rrdtool's own rows [(end of bucket, Wh/s)] that are known."""
    (first, _last, width), _names, rows = rrdtool.fetch(path, "AVERAGE", "-r", str(step), "-s", str(start), "-e", str(end))
    assert width == step
    return [(first + (i + 1) * width, row[0]) for i, row in enumerate(rows) if row[0] is not None]


def energies(store, sensor, found, step):
    return [store.profile(sensor, [end - step, end])[0][0] for end, _rate in found]


@pytest.mark.parametrize("step", [60, 900])
def test_the_file_says_what_the_store_says(store, feeder, step):
    append(store, A, household(NOON - DAY, 1380))
    feeder.feed([A], NOON - 3 * 3600, ZONE)
    feeder.feed([A], NOON, ZONE)  # goes on where it stopped
    feeder._rrd.flush(feeder.path(A))
    found = rates(feeder.path(A), step, NOON - DAY + 3600, NOON - 3 * 3600)
    assert len(found) > 19 * 3600 / step
    assert [rate * step for _end, rate in found] == pytest.approx(energies(store, A, found, step), abs=1e-6)


def test_late_tuples_rebuild_the_file(store, feeder):
    tuples = household(NOON - DAY, 1380)
    gap = tuples[400:600]
    append(store, A, tuples[:400] + tuples[600:])
    feeder.feed([A], NOON, ZONE)
    assert store.append(A, gap, NOON).late == len(gap)
    feeder.late(A)
    feeder.feed([A], NOON, ZONE)
    found = rates(feeder.path(A), 60, NOON - DAY + 3600, NOON - 3 * 3600)
    assert [rate * 60 for _end, rate in found] == pytest.approx(energies(store, A, found, 60), abs=1e-6)


def test_a_wrap_and_a_reset_are_no_holes(store, feeder):
    start = NOON - 10 * 3600
    tuples = [(start + 60 * i, ((1 << 32) - 500 + 5 * i) % (1 << 32)) for i in range(300)]
    tuples += [(start + 60 * i, 5 * (i - 299)) for i in range(300, 550)]
    append(store, A, tuples)
    feeder.feed([A], NOON, ZONE)
    feeder._rrd.flush(feeder.path(A))
    found = rates(feeder.path(A), 60, start + 60, start + 540 * 60)
    assert len(found) >= 539
    assert [rate * 60 for _end, rate in found] == pytest.approx([5] * len(found))


def test_nights_hold_the_mean_of_two_to_five(store, feeder):
    append(store, A, household(MIDNIGHT - 5 * DAY, 5 * 1440))
    feeder.feed([A], NOON, ZONE)
    feeder._rrd.flush(feeder.path(A, ".night"))
    found = rates(feeder.path(A, ".night"), DAY, MIDNIGHT - 4 * DAY, MIDNIGHT - DAY)
    want = [store.profile(A, [end - DAY + 3600, end - DAY + 4 * 3600])[0][0] / (3 * 3600) for end, _rate in found]  # 02:00 is 01:00 UTC
    assert len(found) >= 3
    assert [rate for _end, rate in found] == pytest.approx(want, rel=1e-6)


def test_draws_a_png(store, feeder):
    append(store, A, household(NOON - DAY, 1380))
    feeder.feed([A], NOON, ZONE)
    image = feeder.png(A, NOON - DAY, NOON, 3600.0, "watt")
    assert image.startswith(b"\x89PNG\r\n\x1a\n") and len(image) > 2000
    assert feeder.png(B, NOON - DAY, NOON, 3600.0, "watt") is None


def test_an_existing_file_gives_a_sensor_its_history(store, feeder):
    """Fed from one sensor, imported into another: the energy of each day is the same, and leads up to the same counter."""
    append(store, A, household(MIDNIGHT - 50 * DAY, 50 * 1440, first=20_000_000))
    feeder.feed([A], NOON, ZONE)
    feeder._rrd.flush(feeder.path(A))
    assert import_file(store, B, feeder.path(A), NOON) > 900
    days = range(MIDNIGHT - 49 * DAY, MIDNIGHT, DAY)
    assert store.profile(B, days)[0].tolist() == pytest.approx(store.profile(A, days)[0].tolist(), abs=2)
    assert store.imported_until(B) >= MIDNIGHT - 3600
    assert store.imported_until(A) == 0
    assert abs(store.last(B)[1] - store.last(A)[1]) < 60
