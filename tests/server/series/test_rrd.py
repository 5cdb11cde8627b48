# SPDX-License-Identifier: GPL-3.0-or-later
"""The RRD view, read back with rrdtool itself."""

import fcntl
import os
import random
import socket
import subprocess
import threading
import time
from zoneinfo import ZoneInfo

import pytest

from flukso_server.series.appending import append
from flukso_server.series.reading import coverage, profile

rrdtool = pytest.importorskip("rrdtool")

from flukso_server.series.rrd import cached  # noqa: E402
from flukso_server.series.rrd.feeder import FOLDERS, Feeder, Graph  # noqa: E402
from flukso_server.series.rrd.files import Rrd, steps_back  # noqa: E402
from flukso_server.series.rrd.history import import_file, tuples_of  # noqa: E402
from flukso_server.series.rrd.notes import Notes  # noqa: E402
from flukso_server.series.rule import Rule  # noqa: E402
from flukso_server.series.sqlite.store import SqliteStore  # noqa: E402
from flukso_server.series.terms import Correction  # noqa: E402
from tests.server.series.benches import DAY, NOON, Clock  # noqa: E402

A, B = "a1" * 16, "b2" * 16
MIDNIGHT = NOON // DAY * DAY
ZONE = ZoneInfo("Europe/Brussels")
DAY_GRAPH = Graph(NOON - DAY, NOON, 3600.0, "watt")


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
    address = f"unix:{tmp_path}/sock"
    daemon = subprocess.Popen(
        [
            "rrdcached",
            "-g",
            "-l",
            address,
            "-p",
            str(tmp_path / "pid"),
            "-b",
            str(tmp_path),
            "-w",
            "3600",
            "-O",
        ]
    )
    for _ in range(200):
        if os.path.exists(tmp_path / "sock"):
            break
        time.sleep(0.02)
    made = Feeder(store, str(tmp_path / "rrd"), Rrd(address))
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


def fill(store, sensor, tuples):
    for at in range(0, len(tuples), 4000):
        append(store, sensor, tuples[at : at + 4000], NOON)


def note(feeder, sensor, since):
    """As another process does."""
    notes = Notes(feeder._folder)
    notes.add_late({sensor: since})
    notes.close()


def rates(path, step, start, end):
    """rrdtool's own rows [(end of bucket, Wh/s)] that are known."""
    (first, _last, width), _names, rows = rrdtool.fetch(
        path, "AVERAGE", "-r", str(step), "-s", str(start), "-e", str(end)
    )
    assert width == step
    return [(first + (i + 1) * width, row[0]) for i, row in enumerate(rows) if row[0] is not None]


def energies(store, sensor, found, step):
    return [profile(store, sensor, [end - step, end])[0][0] for end, _rate in found]


@pytest.mark.parametrize("step", [60, 900])
def test_the_file_says_what_the_store_says(store, feeder, step):
    fill(store, A, household(NOON - DAY, 1380))
    feeder.feed([A], NOON - 3 * 3600, ZONE)
    feeder.feed([A], NOON, ZONE)  # goes on where it stopped
    feeder._rrd.flush(feeder.path(A))
    found = rates(feeder.path(A), step, NOON - DAY + 3600, NOON - 3 * 3600)
    assert len(found) > 19 * 3600 / step
    assert [rate * step for _end, rate in found] == pytest.approx(
        energies(store, A, found, step), abs=1e-6
    )


def test_late_tuples_rebuild_the_file(store, feeder):
    tuples = household(NOON - DAY, 1380)
    gap = tuples[400:600]
    fill(store, A, tuples[:400] + tuples[600:])
    feeder.feed([A], NOON, ZONE)
    outcome = append(store, A, gap, NOON)
    assert (outcome.late, outcome.late_from) == (len(gap), gap[0][0])
    note(feeder, A, outcome.late_from)
    assert feeder.late_sensors() == [A]
    feeder.feed([A], NOON, ZONE)
    assert feeder.late_sensors() == []
    found = rates(feeder.path(A), 60, NOON - DAY + 3600, NOON - 3 * 3600)
    assert [rate * 60 for _end, rate in found] == pytest.approx(
        energies(store, A, found, 60), abs=1e-6
    )


def test_a_wrap_and_a_reset_are_no_holes(store, feeder):
    start = NOON - 10 * 3600
    tuples = [(start + 60 * i, ((1 << 32) - 500 + 5 * i) % (1 << 32)) for i in range(300)]
    tuples += [(start + 60 * i, 5 * (i - 299)) for i in range(300, 550)]
    fill(store, A, tuples)
    feeder.feed([A], NOON, ZONE)
    feeder._rrd.flush(feeder.path(A))
    found = rates(feeder.path(A), 60, start + 60, start + 540 * 60)
    assert len(found) >= 539
    assert [rate * 60 for _end, rate in found] == pytest.approx([5] * len(found))


def test_what_is_doubted_counts_nothing_in_the_file_and_a_correction_is_followed(store, feeder):
    """A dip to 0, a torn bit, a step to another meter; then the owner names another such moment."""
    start = NOON - 10 * 3600
    tuples = [(start + 60 * i, 5_000_000 + 5 * i + 600 * (i >= 400) * 60) for i in range(550)]
    tuples[100], tuples[200] = (tuples[100][0], 0), (tuples[200][0], tuples[200][1] | 1 << 31)
    fill(store, A, tuples)
    for unknown in (1, 2):
        if unknown == 2:
            store.correct(A, Correction("replaced", tuples[300][0], tuples[300][0]))
            note(feeder, A, 0)
        feeder.feed([A], NOON, ZONE)
        feeder._rrd.flush(feeder.path(A))
        found = rates(feeder.path(A), 60, start + 60, start + 540 * 60)
        assert len(found) == 540 - unknown
        assert [rate * 60 for _end, rate in found] == pytest.approx([5] * len(found))
        assert [rate * 60 for _end, rate in found] == pytest.approx(
            energies(store, A, found, 60), abs=1e-6
        )


def test_nights_hold_the_mean_of_two_to_five(store, feeder):
    fill(store, A, household(MIDNIGHT - 5 * DAY, 5 * 1440))
    feeder.feed([A], NOON, ZONE)
    feeder._rrd.flush(feeder.path(A, ".night"))
    found = rates(feeder.path(A, ".night"), DAY, MIDNIGHT - 4 * DAY, MIDNIGHT - DAY)
    # 02:00 is 01:00 UTC
    want = [
        profile(store, A, [end - DAY + 3600, end - DAY + 4 * 3600])[0][0] / (3 * 3600)
        for end, _rate in found
    ]
    assert len(found) >= 3
    assert [rate for _end, rate in found] == pytest.approx(want, rel=1e-6)


def test_one_process_at_a_time_changes_the_files(store, feeder):
    """Each puts values of its own behind the last one in the file."""
    fill(store, A, household(NOON - DAY, 1380))
    # of another process: a lock belongs to who opened the file
    other = os.open(os.path.join(feeder._folder, "lock"), os.O_RDWR)
    fcntl.flock(other, fcntl.LOCK_EX)
    feeding = threading.Thread(target=feeder.feed, args=([A], NOON, ZONE))
    feeding.start()
    feeding.join(0.3)
    assert feeding.is_alive() and not os.path.exists(feeder.path(A))
    os.close(other)  # as its end does
    feeding.join(20)
    assert not feeding.is_alive() and os.path.exists(feeder.path(A))


def test_draws_a_png(store, feeder):
    fill(store, A, household(NOON - DAY, 1380))
    feeder.feed([A], NOON, ZONE)
    image = feeder.png(A, DAY_GRAPH)
    assert image.startswith(b"\x89PNG\r\n\x1a\n") and len(image) > 2000
    assert feeder.png(B, DAY_GRAPH) is None
    nights = feeder.png(A, DAY_GRAPH._replace(start=NOON - 28 * DAY, night=True))
    assert nights.startswith(b"\x89PNG\r\n\x1a\n") and nights != image


def builds(feeder, monkeypatch):
    """A list that gets each sensor whose file is built anew from now on."""
    built = []
    build = feeder._build
    monkeypatch.setattr(
        feeder, "_build", lambda sensor, *args: (built.append(sensor), build(sensor, *args))[1]
    )
    return built


def test_late_tuples_that_are_in_no_file_yet_build_nothing_anew(store, feeder, monkeypatch):
    """A device that sends its newest minute first."""
    tuples = household(NOON - 7200, 110)
    fill(store, A, tuples)
    feeder.feed([A], NOON - 3600, ZONE)
    built = builds(feeder, monkeypatch)
    note(feeder, A, tuples[70][0])
    feeder.feed([A], NOON, ZONE)
    assert (built, feeder.late_sensors()) == ([], [])
    note(feeder, A, tuples[70][0])  # now it is in the file
    feeder.feed([A], NOON, ZONE)
    assert (built, feeder.late_sensors()) == ([A], [])


def test_a_note_outlives_its_process_and_a_build_that_was_cut_short(
    store, feeder, tmp_path, monkeypatch
):
    fill(store, A, household(NOON - 7200, 110))
    feeder.feed([A], NOON, ZONE)
    note(feeder, A, NOON - 5000)
    monkeypatch.setattr(os, "replace", lambda *paths: 1 // 0)  # killed
    with pytest.raises(ZeroDivisionError):
        feeder.feed([A], NOON, ZONE)
    monkeypatch.undo()
    again = Feeder(store, str(tmp_path / "rrd"), feeder._rrd)
    built = builds(again, monkeypatch)
    assert again.late_sensors() == [A]
    again.feed(again.late_sensors(), NOON, ZONE)
    assert (built, again.late_sensors()) == ([A], [])
    again.close()


def test_a_note_that_comes_while_a_file_is_built_stays(store, feeder, monkeypatch):
    fill(store, A, household(NOON - 7200, 110))
    raw = store.raw
    monkeypatch.setattr(store, "raw", lambda *asked: (note(feeder, A, NOON - 5000), raw(*asked))[1])
    feeder.feed([A], NOON, ZONE)
    assert feeder.late_sensors() == [A]


def files(feeder):
    return sorted(
        name
        for _folder, _folders, names in os.walk(feeder._folder)
        for name in names
        if name.endswith((".rrd", ".new"))
    )


def test_the_next_owner_never_sees_the_graph_of_the_former_one(store, feeder):
    fill(store, A, household(NOON - 2 * DAY, 2800))
    feeder.feed([A], NOON, ZONE)
    store.forget(A)
    assert feeder.png(A, DAY_GRAPH) is None
    fill(store, A, [(NOON - 3600, 5), (NOON - 1800, 9)])
    assert feeder.png(A, DAY_GRAPH) is None
    feeder.feed([A], NOON, ZONE)
    assert feeder.png(A, DAY_GRAPH) is not None
    feeder._rrd.flush(feeder.path(A))
    assert min(end for end, _rate in rates(feeder.path(A), 60, NOON - DAY, NOON)) > NOON - 3600


def test_files_of_a_forgotten_series_are_removed(store, feeder):
    for sensor in (A, B):
        fill(store, sensor, household(NOON - 2 * DAY, 2800))
    feeder.feed([A, B], NOON, ZONE)
    feeder.forget(A)
    assert files(feeder) == [f"{B}.night.rrd", f"{B}.rrd"]
    feeder.feed([A], NOON, ZONE)
    store.forget(A)  # by another process
    assert [feeder.sweep(folder) for folder in FOLDERS if folder in (A[:2], B[:2])] == [[], [B]]
    assert files(feeder) == [f"{B}.night.rrd", f"{B}.rrd"]
    feeder.feed([A], NOON, ZONE)
    assert files(feeder) == [f"{B}.night.rrd", f"{B}.rrd"]


def test_a_sensor_that_was_forgotten_has_no_graph_of_its_earlier_life(store, feeder):
    fill(store, A, household(NOON - DAY, 1380))
    feeder.feed([A], NOON, ZONE)
    store.forget(A)
    assert feeder.png(A, DAY_GRAPH) is None
    fill(store, A, household(NOON - 300, 3))  # of another household, and not settled yet
    assert feeder.png(A, DAY_GRAPH) is None
    feeder.feed([A], NOON, ZONE)
    assert not os.path.exists(feeder.path(A)) and not os.path.exists(feeder.path(A, ".night"))


def test_a_sensor_that_is_forgotten_while_its_files_are_written_keeps_none(store, feeder):
    fill(store, A, household(NOON - DAY, 1380))
    written = feeder._feed_nights
    feeder._feed_nights = lambda *words: written(*words) + (store.forget(A) or 0)
    feeder.feed([A], NOON, ZONE)
    assert not os.path.exists(feeder.path(A)) and not os.path.exists(feeder.path(A, ".night"))


def test_an_existing_file_gives_a_sensor_its_history(store, feeder):
    """Fed from one sensor, imported into another: the energy of each day is the same, and leads up
    to the same counter.
    """
    fill(store, A, household(MIDNIGHT - 50 * DAY, 50 * 1440, first=20_000_000))
    feeder.feed([A], NOON, ZONE)
    feeder._rrd.flush(feeder.path(A))
    assert import_file(store, B, feeder.path(A), NOON) > 900
    days = range(MIDNIGHT - 49 * DAY, MIDNIGHT, DAY)
    assert profile(store, B, days)[0].tolist() == pytest.approx(
        profile(store, A, days)[0].tolist(), abs=2
    )
    assert store.imported_until(B) >= MIDNIGHT - 3600
    assert store.imported_until(A) == 0
    assert abs(store.last(B)[1] - store.last(A)[1]) < 60


GAPS = [  # id, the counter of the file's end, when the meter was away (hours before the end)
    ("a high counter", 20_000_000, [(30, 26), (130, 100)]),
    ("a counter too low to fall", 9000, [(30, 26), (130, 100)]),
    ("hours and weeks", 30_000, [(5, 4), (12, 11), (40 * 24, 3 * 24)]),
]


@pytest.mark.parametrize("last, gaps", [pytest.param(*rest, id=i) for i, *rest in GAPS])
def test_what_a_file_does_not_know_stays_unknown(store, tmp_path, last, gaps):
    """rrdtool says what it knows; the import says the same, also when its days age."""
    path, end = str(tmp_path / "old.rrd"), NOON // DAY * DAY
    Rrd().create(path, end - 60 * DAY)
    away = [(end - before * 3600, end - after * 3600) for before, after in gaps]
    times = range(end - 59 * DAY, end + 1, 300)
    start = last - len(times)
    words = [
        f"{ts}:U" if any(a < ts <= b for a, b in away) else f"{ts}:{start + i}"
        for i, ts in enumerate(times)
    ]
    for at in range(0, len(words), 1000):
        rrdtool.update(path, *words[at : at + 1000])
    assert import_file(store, A, path, NOON) > 100
    assert tuples_of(path)[-1] == (end, last - 1)
    clock = store._writer._clock
    for days in (0, 70, 400):
        clock.now += days * DAY
        store.trust.heard("household", clock.now)
        store.merge()
        for a, b in away:
            assert coverage(store, A, [a, b])[0] < 0.01
            assert profile(store, A, [a, b])[0][0] < 2
        known = [a for pair in sorted(away) for a in pair]
        spans = list(zip([end - 50 * DAY, *known[1::2]], [*known[0::2], end], strict=True))
        for a, b in spans:
            assert profile(store, A, [a, b])[0][0] == pytest.approx((b - a) / 300, abs=20)
            assert coverage(store, A, [a, b])[0] > 0.9


def test_an_import_that_was_cut_short_goes_on(store, feeder, monkeypatch):
    fill(store, A, household(MIDNIGHT - 50 * DAY, 50 * 1440, first=20_000_000))
    feeder.feed([A], NOON, ZONE)
    feeder._rrd.flush(feeder.path(A))
    monkeypatch.setattr("flukso_server.series.rrd.history.MAX_TUPLES", 500)
    whole = tuples_of(feeder.path(A))
    append(store, B, whole[-500:], NOON)
    assert import_file(store, B, feeder.path(A), NOON) == len(whole) - 500
    assert store.raw(B, 0, 1 << 32) == whole


def test_more_values_than_a_line_of_rrdcached_takes(feeder, store):
    """It takes 4,096 bytes: two hundred values."""
    start = NOON - 20 * 3600
    append(store, A, [(start + 60 * n, 10 * n) for n in range(30)], NOON)
    feeder.feed([A], NOON, ZONE)
    append(store, A, [(start + 60 * n, 10 * n) for n in range(30, 1000)], NOON)
    assert feeder.feed([A], NOON, ZONE) == 970
    assert feeder.png(A, Graph(start, NOON, 3600.0, "watt"))[:4] == b"\x89PNG"


def test_an_rrdcached_that_never_answers_is_given_up(tmp_path, store, monkeypatch):
    """One wait for all sensors, and after a while another look."""
    monkeypatch.setattr(cached, "WAIT_S", 0.2)
    monkeypatch.setattr(cached, "DEAF_S", 1e9)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent"))
        silent.listen(64)
        silent.setblocking(False)
        feeder = Feeder(store, str(tmp_path / "rrd"), Rrd(f"unix:{tmp_path}/silent"))
        append(store, A, [(NOON - 7200 + 60 * n, n) for n in range(100)], NOON)
        for _ in range(50):
            with pytest.raises(cached.Deaf, match="silent does not answer"):
                feeder.feed([A], NOON, ZONE)
        assert connections(silent) == 1
        monkeypatch.setattr(cached, "DEAF_S", 0)
        impatient = cached.Cached(f"unix:{tmp_path}/silent")
        for _ in range(2):
            with pytest.raises(cached.Deaf, match="silent does not answer"):
                impatient.ping()
        assert connections(silent) == 2
    feeder.close()


def connections(listener):
    """How often somebody has connected since the last time."""
    count = 0
    while True:
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


@pytest.mark.parametrize(
    "address", ["unix:/nowhere/sock", "/nowhere/sock", "127.0.0.1:1", "localhost:1"]
)
def test_an_rrdcached_that_is_not_there_is_said(address):
    with pytest.raises(cached.Deaf, match="does not answer"):
        cached.Cached(address).ping()


def test_a_held_counter_has_its_own_limits_and_its_gaps_are_unknown(tmp_path):
    """20 Wh/s would make every kelvin unknown; a probe that adds nothing is no 0 %."""
    start = NOON - 4 * 3600
    for rule, rate in ((Rule(213.15, 393.15, held=True), 290.0), (Rule(0, 100, held=True), 40.0)):
        store = SqliteStore(
            str(tmp_path / f"s{rate:g}"), clock=Clock(), rules=lambda _sensor, rule=rule: rule
        )
        lost = range(60, 90)
        tuples = [
            (start + i * 60, int(((1 << 32) - 5000 + i * 60 * rate) % (1 << 32)))
            for i in range(180)
            if i not in lost
        ]
        fresh = [(ts, (counter + (7 << 28)) % (1 << 32)) for ts, counter in tuples[60:]]
        append(store, A, [*tuples[:60], *fresh], NOON)
        (tmp_path / f"rrd{rate:g}").mkdir()
        feeder = Feeder(store, str(tmp_path / f"rrd{rate:g}"))
        feeder.feed([A], NOON, ZONE)
        known = [row for row in steps_back(feeder.path(A)) if row[1] - row[0] == 60]
        feeder.close()
        store.close()
        assert [value for _a, _b, value in known] == pytest.approx([rate] * len(known), abs=0.02)
        ends = {(b - start) // 60 for _a, b, _value in known}
        assert not ends & set(range(61, 90)) and {30, 59, 95, 150} <= ends
