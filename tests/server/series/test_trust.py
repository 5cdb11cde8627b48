# SPDX-License-Identifier: GPL-3.0-or-later
"""When the server's clock is believed: it jumps at the start and while running."""

import logging

import pytest

from flukso_server.series.trust import QUIET_S, STUBBORN_S, State, Trust

DAY, HOUR = 86_400, 3600
NOW = 1_790_000_000
JUMPS = [sign * days * DAY for days in (1, 61, 500) for sign in (1, -1)]


class World:
    """True time, a server whose clock may be wrong, and devices whose clocks may be, too."""

    def __init__(self, wrong_s=0, state=None, newest_ts=0):
        self.true, self.wrong_s = float(NOW), wrong_s
        self.trust = Trust(lambda: self.true + self.wrong_s, lambda: self.true - 12_345)
        self.trust.resume(state, newest_ts)

    def run(self, seconds, right=0, wrong=(), each_s=HOUR):
        """Let time pass; heartbeats come from `right` owners, and from others with wrong clocks."""
        for _ in range(int(seconds // each_s)):
            self.true += each_s
            for n in range(right):
                self.trust.heard(f"right {n}", self.true)
            for n, by_s in enumerate(wrong):
                self.trust.heard(f"wrong {n}", self.true + by_s)
            self.sure = self.trust.is_sure()
        return self.trust.is_sure()


@pytest.mark.parametrize("jump_s", JUMPS)
@pytest.mark.parametrize("owners", [0, 1, 30])
def test_a_clock_that_jumps_is_in_doubt_until_it_is_right(jump_s, owners):
    world = World()
    assert world.run(DAY, owners)
    world.wrong_s = jump_s
    assert not world.run(6 * DAY, owners)
    world.wrong_s = 0
    assert world.run(HOUR, owners) == (owners > 0), "it jumped back; nobody attests it"
    assert world.run(QUIET_S, owners)


@pytest.mark.parametrize("jump_s", JUMPS)
@pytest.mark.parametrize("owners", [0, 1, 30])
def test_a_clock_that_is_wrong_at_the_start(jump_s, owners):
    world = World(jump_s, State(NOW - HOUR, 30 * DAY, True), NOW - HOUR)
    assert not world.run(6 * DAY, owners)
    world.wrong_s = 0
    assert world.run(QUIET_S + HOUR, owners)


def test_a_clock_that_many_contradict_is_never_believed():
    world = World()
    world.wrong_s = 500 * DAY
    assert not world.run(100 * DAY, 3, each_s=6 * HOUR)


def test_a_machine_that_was_off_is_believed_when_devices_confirm_it():
    for owners in (1, 30):
        world = World(0, State(NOW - 40 * DAY, 0, True), NOW - 40 * DAY)
        assert not world.trust.is_sure()
        assert world.run(HOUR, owners)


def test_a_short_pause_is_none():
    assert World(0, State(NOW - 5 * HOUR, 0, True), NOW).run(HOUR)
    assert not World(0, State(NOW - 5 * HOUR, 0, False), NOW).run(HOUR), (
        "nor does it settle a doubt"
    )
    assert World().run(HOUR), "new files hold nothing that could be lost"
    assert not World(0, None, NOW - 5 * HOUR).run(HOUR), "files of an earlier release"


def test_devices_that_are_silent_for_a_month_change_nothing():
    world = World()
    assert world.run(DAY, 30)
    assert world.run(30 * DAY)


@pytest.mark.parametrize("by_s", [-500 * DAY, -DAY, HOUR, 61 * DAY])
def test_a_wrong_device_neither_stops_nor_starts_anything_for_ever(by_s):
    many = World()
    assert many.run(DAY, 3, wrong=[by_s] * 2), "a minority counts for nothing"
    many.wrong_s = by_s
    assert not many.run(60 * DAY, 3, wrong=[by_s] * 2, each_s=6 * HOUR), "nor does it confirm"
    lone = World()
    assert not lone.run(DAY, wrong=[by_s])
    assert lone.run(STUBBORN_S, wrong=[by_s]), "it is in doubt for so long, and then believed"
    pair = World()
    assert pair.run(DAY, 1, wrong=[by_s]), "one against one tells nothing new"


def test_restarts_do_not_begin_the_waiting_anew():
    world = World()
    for _ in range(130):
        sure = world.run(6 * HOUR, wrong=[DAY])
        state = world.trust.state()
        true = world.true
        world = World(0, None)
        world.true = true + HOUR
        world.trust = Trust(lambda w=world: w.true + w.wrong_s, lambda w=world: w.true)
        world.trust.resume(state, NOW)
    assert sure


def test_many_voters_are_bounded_and_each_owner_has_one_vote():
    world = World()
    for n in range(20_000):
        world.trust.heard(str(n), world.true + DAY)
    assert len(world.trust._votes) == 10_000
    world = World()
    for _ in range(100):
        world.trust.heard("hostile", world.true + DAY)
    for n in range(2):
        world.trust.heard(str(n), world.true)
    assert world.trust.is_confirmed()


def test_it_is_said_once(caplog):
    world = World()
    with caplog.at_level(logging.WARNING, "series"):
        world.run(DAY, 3)
        world.wrong_s = 500 * DAY
        world.run(3 * DAY, 3)
        world.wrong_s = 0
        world.run(DAY, 3)
    texts = [record.getMessage() for record in caplog.records]
    assert len(texts) == 2 and "in doubt (devices of 3 owners" in texts[0]
    assert texts[1].endswith("believed again")
