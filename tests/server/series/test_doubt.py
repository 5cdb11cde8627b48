# SPDX-License-Identifier: GPL-3.0-or-later
"""What a store does while its clock is in doubt: it takes everything, and thins nothing."""

import contextlib

import pytest

from flukso_server.series.appending import append
from flukso_server.series.sqlite.store import SqliteStore
from flukso_server.series.store import SeriesError
from flukso_server.series.trust import Trust
from tests.server.series.benches import DAY, NOON, Clock

A = "a1" * 16
ALL = 1 << 32


@contextlib.contextmanager
def service(tmp_path, clock, counting):
    """A store as the service that takes uploads opens it."""
    store = SqliteStore(str(tmp_path / "s"), trust=Trust(clock, counting))
    try:
        yield store
    finally:
        store.close()


@pytest.mark.parametrize("when", ["while running", "at the start"])
@pytest.mark.parametrize("owners", [0, 1, 5])
@pytest.mark.parametrize("days", [1, 61, 500, -1, -61, -500])
def test_a_clock_that_jumps_thins_nothing_and_loses_no_upload(tmp_path, when, owners, days):
    clock, counting = Clock(), Clock(1000)
    sent = [(NOON - 59 * DAY + 3600 * n, n) for n in range(59 * 24)]
    with service(tmp_path, clock, counting) as store:
        append(store, A, sent, clock.now)
        store.merge()
        before = store.horizons()
        if when == "while running":
            _jump_and_return(store, clock, counting, owners, days)
    if when == "at the start":
        clock.now += days * DAY
        with service(tmp_path, clock, counting) as store:
            clock.now -= days * DAY  # what comes is right
            _jump_and_return(store, clock, counting, owners, days)
    with service(tmp_path, clock, counting) as store:
        assert store.raw(A, NOON - 59 * DAY, NOON) == sent
        assert store.horizons() == before
        more = [(NOON + 60 * n, 5000 + n) for n in range(720)]
        counting.now += DAY // 2
        clock.now += DAY // 2
        store.trust.heard("a household", clock.now)
        assert append(store, A, more, clock.now).new == len(more)
        assert store.raw(A, NOON, ALL) == more


def _jump_and_return(store, clock, counting, owners, days):
    for n in range(owners):
        store.trust.heard(str(n), clock.now)
    clock.now += days * DAY
    counting.now += 25
    for n in range(owners):
        store.trust.heard(str(n), clock.now - days * DAY + 25)
    store.merge()
    clock.now -= days * DAY


def test_what_is_from_the_future_of_a_clock_that_nobody_confirms_is_put_off(tmp_path):
    clock, counting = Clock(NOON - DAY), Clock(1000)
    ten = [(NOON + 60 * n, n) for n in range(10)]
    with service(tmp_path, clock, counting) as store:
        with pytest.raises(SeriesError, match="ahead of a clock that is in doubt"):
            append(store, A, ten, clock.now)
        clock.now += DAY + 600
        assert append(store, A, ten, clock.now).new == 10, "sent again, none is lost"


def test_what_is_from_the_future_of_a_clock_that_devices_confirm_is_refused(tmp_path):
    clock, counting = Clock(), Clock(1000)
    with service(tmp_path, clock, counting) as store:
        for n in range(3):
            store.trust.heard(str(n), clock.now + 5)
        store.trust.heard("wrong", clock.now + DAY)
        outcome = append(store, A, [(NOON + DAY, 1)], clock.now)
        assert outcome.refused == 1 and outcome.ahead_s == DAY


def test_a_silent_community_ages_in_time(tmp_path):
    clock, counting = Clock(), Clock(1000)
    with service(tmp_path, clock, counting) as store:
        store.trust.heard("household", clock.now)
        append(store, A, [(NOON - 40 * DAY + 60 * n, n) for n in range(1000)], clock.now)
        for _ in range(30):
            clock.now += DAY
            counting.now += DAY
            store.merge()
        assert store.horizons().raw == clock.now // DAY - 60
        assert len(store.raw(A, 0, ALL)) < 200
