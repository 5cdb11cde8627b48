# SPDX-License-Identifier: GPL-3.0-or-later
"""The inbox's rows, and the two ways in which an upload is taken: unrolled for usual ones, tuple by
tuple for all others.
"""

import queue
import sqlite3
import struct
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flukso_server.series import SeriesError, TupleError
from flukso_server.series.appending import append
from flukso_server.series.sqlite.inbox import UPLOADS_A_ROW, Inbox, join_uploads, split_row
from flukso_server.series.sqlite.memory import Memory
from flukso_server.series.sqlite.sensor import Sensor
from flukso_server.series.sqlite.store import SqliteStore

# also right where other work takes the CPU
BUSY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
NOW = 1_790_000_000
NAME = "5" * 32
# of even length, as uploads are
UPLOADS = st.binary(min_size=1, max_size=20).map(lambda text: text + text)


@BUSY
@given(st.lists(UPLOADS, min_size=1, max_size=UPLOADS_A_ROW))
def test_a_row_holds_its_uploads(uploads):
    assert list(split_row(join_uploads(uploads))) == uploads


def test_a_lone_upload_is_a_row_as_it_is():
    assert join_uploads([b"ab"]) == b"ab"
    assert list(split_row(b"ab")) == [b"ab"]


def test_more_uploads_than_a_row_takes_come_back_in_order(tmp_path):
    uploads = [struct.pack("<16sII", b"s" * 16, ts, 0) for ts in range(2 * UPLOADS_A_ROW + 1)]
    inbox = Inbox(str(tmp_path / "inbox"))
    try:
        assert inbox.add(uploads, 0) == 3
        assert [upload for _ident, row in inbox.after(0) for upload in split_row(row)] == uploads
    finally:
        inbox.close()


TIMES = st.integers(NOW - 300, NOW + 300)
COUNTERS = st.integers(-1, 1 << 32) | st.sampled_from([0, 1.5, None])
TUPLES = st.lists(st.tuples(TIMES, COUNTERS) | st.tuples(TIMES) | st.integers(), max_size=20)


def taken(tuples, known: bool):
    """The outcome, the rows and the sensor after an upload; known: by the usual way, if it is a
    usual upload.
    """
    memory, rows = Memory(), []
    sensor = Sensor(bytes.fromhex(NAME))
    sensor.first_ts = sensor.last_ts = NOW - 200
    sensor.pending += struct.pack("<II", NOW - 200, 0)
    memory.sensors[NAME] = sensor
    if known:
        return (
            memory.add([(NAME, tuples)], NOW, None, rows)[0],
            rows,
            sensor.last_ts,
            sensor.last_counter,
        )
    try:
        outcome = memory._add_unusual(NAME, tuples, NOW, None, rows)
    except TupleError as error:
        outcome = error
    return outcome, rows, sensor.last_ts, sensor.last_counter


@BUSY
@given(TUPLES)
def test_both_ways_agree(tuples):
    usual, slow = taken(tuples, True), taken(tuples, False)
    assert str(usual[0]) == str(slow[0])
    assert usual[1:] == slow[1:]


@pytest.mark.parametrize("count", [1, 5, 16, 17])
def test_both_ways_agree_on_usual_uploads(count):
    tuples = [(NOW - 100 + n, n) for n in range(count)]
    usual = taken(tuples, True)
    assert usual == taken(tuples, False)
    assert usual[0].new == count


def test_a_forgotten_sensor_has_a_first_time_again(store):
    append(store, NAME, [(NOW, 5)], NOW)
    store.forget(NAME)
    append(store, NAME, [(NOW + 60, 6)], NOW + 60)
    assert store.first(NAME) == NOW + 60


def test_an_inbox_that_somebody_holds_is_answered_while_they_do(tmp_path):
    """Also what came while an earlier upload waited; and with the lock gone all is as before."""
    store = SqliteStore(str(tmp_path / "s"), clock=lambda: NOW, merge=False)
    other = sqlite3.connect(tmp_path / "s.inbox", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    answered: queue.SimpleQueue = queue.SimpleQueue()
    try:
        for n in range(2):
            store.append([(NAME, [(NOW, n)])], NOW, lambda results: answered.put(*results))
            if not n:
                time.sleep(0.5)  # the first one is waiting by now: the second is of another group
        found = [answered.get(timeout=60) for _ in range(2)]
    finally:
        other.execute("ROLLBACK")
        other.close()
    assert all(isinstance(result, SeriesError) for result in found)
    assert append(store, NAME, [(NOW, 7)], NOW).new == 1
    store.close()
