# SPDX-License-Identifier: GPL-3.0-or-later
"""Dating of readings: before the clock is right, and through jumps of it, stamps only ever rise."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flukso.buffer import Store
from flukso.clock import CONFIRM_S, SLEW, SLEW_MAX_S, Believer, plausible

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "timestamps.json").read_text())
A = "a" * 32
T0 = 1_700_000_000
HOUR, DAY, YEAR = 3600, 86400, 365 * 86400


@pytest.mark.parametrize("case", VECTORS["plausible"], ids=lambda case: case["id"])
def test_plausible(case):
    assert plausible(case["wall"]) is case["plausible"]


@pytest.mark.parametrize("case", VECTORS["redated"], ids=lambda case: case["id"])
def test_redates_what_was_read_before(case):
    believer, store = Believer(0.0), Store()
    for mono, counter in case["samples"]:
        assert believer.observe(mono + 5, mono) is None
        assert store.add(A, believer.stamp(mono), counter)
    assert not believer.believed
    shift = believer.observe(case["believed"]["wall"], case["believed"]["mono"])
    assert believer.believed
    if shift is not None:
        assert store.shift(*shift)
    assert store.buffer(A).batch(10) == [tuple(pair) for pair in case["tuples"]]


class House:
    """A daemon's clockwork: reads each second, uploads each 300 s unless the server is away."""

    def __init__(self, wall=T0, restored=0):
        self.mono, self.ahead, self.sent, self.uploads = 50.25, wall - 50.25, [], []
        self.store = Store()
        if restored:
            self.store.add(A, restored, 0)
        self.believer = Believer(self.mono, restored)
        self.counter = 0
        self.uploading = True
        self.shifts = []

    def wall(self):
        return self.mono + self.ahead

    def run(self, seconds):
        for _ in range(int(seconds)):
            self.mono += 1
            self.counter += 1
            shift = self.believer.observe(self.wall(), self.mono, self.sent[-1][0] if self.sent else 0)
            if shift is not None:
                self.shifts.append(shift)
                self.store.shift(*shift)
            self.store.add(A, self.believer.stamp(self.mono), self.counter)
            if self.uploading and self.believer.believed and int(self.mono) % 300 == 0:
                self.upload()
        return self

    def upload(self):
        self.store.age()
        batch = self.store.buffer(A).batch(10_000)
        assert batch, "uploads stopped"
        self.sent += batch
        self.uploads.append(self.mono)
        self.store.buffer(A).ack(batch)

    def check(self):
        """Every stamp sent rises with its counter: nothing twice, nothing out of order."""
        for (ts, counter), (later, more) in zip(self.sent, self.sent[1:], strict=False):
            assert ts < later and counter < more
        assert len(self.store) < 400
        return self


def test_a_steady_clock_is_followed():
    house = House().run(2 * HOUR).check()
    assert len(house.uploads) == 24
    assert house.sent[-1][0] == int(house.uploads[-1] + house.ahead)
    assert house.believer.jumps == 0


@pytest.mark.parametrize("jump", [3, HOUR, DAY, YEAR])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_jump_neither_stops_nor_doubles_nor_reorders(jump, sign):
    house = House().run(HOUR)
    house.ahead += sign * jump
    house.run(2 * HOUR).check()
    assert len(house.uploads) == 36
    assert house.believer.jumps == 1


@pytest.mark.parametrize("jump", [3, HOUR, DAY, YEAR])
@pytest.mark.parametrize("sign", [1, -1])
def test_there_and_back(jump, sign):
    house = House().run(HOUR)
    for _ in range(3):
        house.ahead += sign * jump
        house.run(HOUR)
        house.ahead -= sign * jump
        house.run(HOUR)
    house.check()
    assert len(house.uploads) == 84


def test_a_short_jump_leaves_no_trace():
    house = House().run(HOUR)
    house.ahead += DAY
    house.run(CONFIRM_S - 10)
    house.ahead -= DAY
    house.run(HOUR).check()
    assert not house.shifts[1:] and house.believer.behind_s(house.wall(), house.mono) < 1


def test_a_lasting_jump_ahead_is_taken_with_all_that_was_not_sent():
    house = House().run(HOUR)
    last_sent = house.sent[-1][0]
    house.ahead += DAY
    house.run(HOUR).check()
    assert abs(house.believer.behind_s(house.wall(), house.mono)) < 1
    gaps = [b[0] - a[0] for a, b in zip(house.sent, house.sent[1:], strict=False) if b[0] - a[0] > 100]
    assert len(gaps) == 1 and house.sent[-1][0] > last_sent + DAY


def test_nothing_sent_yet_a_jump_is_taken_at_once_in_both_directions():
    for jump in (DAY, -DAY, YEAR, -YEAR):
        house = House()
        house.uploading = False
        house.run(HOUR)
        house.ahead += jump
        house.run(2)
        house.upload()
        assert abs(house.believer.behind_s(house.wall(), house.mono)) < 1
        assert house.sent[-1] == (int(house.wall()), house.counter)
        assert house.sent[0] == (int(house.wall()) - HOUR - 1, 1)


def test_stamps_that_are_ahead_slow_down_until_the_clock_has_caught_up():
    house = House().run(HOUR)
    house.ahead -= HOUR
    house.run(CONFIRM_S + SLEW * HOUR + 60).check()
    assert abs(house.believer.behind_s(house.wall(), house.mono)) < 1


def test_a_clock_far_behind_is_not_chased():
    house = House().run(HOUR)
    house.ahead -= SLEW_MAX_S + HOUR
    before = house.believer.stamp(house.mono)
    house.run(HOUR).check()
    assert house.believer.stamp(house.mono) == before + HOUR


def test_the_clock_of_1970_until_the_time_is_known():
    house = House(wall=30).run(HOUR)
    assert not house.sent and not house.believer.believed
    house.ahead = T0 - house.mono
    house.run(HOUR).check()
    assert house.sent[0] == (T0 - HOUR + 1, 1)
    assert len(house.uploads) == 12


def test_a_clock_that_falls_back_to_1970_is_not_followed():
    house = House().run(HOUR)
    house.ahead -= T0
    house.run(HOUR).check()
    assert len(house.uploads) == 24
    assert house.believer.stamp(house.mono) - T0 in range(2 * HOUR - 1, 2 * HOUR + 2)


def test_restored_readings_stay_before_ours():
    house = House(wall=T0, restored=T0 - 500).run(HOUR).check()
    assert house.sent[0] == (T0 - 500, 0) and house.sent[1][0] == T0 + 1
    house = House(wall=T0 - DAY, restored=T0).run(HOUR).check()  # a file's time at boot; the right time comes later
    assert house.sent[1][0] == T0 + 60
    house.ahead += DAY + 7200
    house.run(HOUR).check()
    assert abs(house.believer.behind_s(house.wall(), house.mono)) < 1


def test_before_the_clock_is_right_restored_readings_are_not_redated():
    house = House(wall=30, restored=T0).run(600)
    house.ahead = T0 + 5000 - house.mono
    house.run(HOUR).check()
    assert house.sent[0] == (T0, 0)
    assert house.sent[1] == (T0 + 5000 - 599, 1)


@given(
    st.lists(st.tuples(st.integers(-2 * YEAR, 2 * YEAR) | st.integers(-5, 5) | st.integers(-4000, 4000), st.integers(0, 700)), max_size=12),
    st.booleans(),
)
@settings(deadline=None, max_examples=60)
def test_any_history_of_jumps(history, away):
    house = House()
    for jump, seconds in history:
        house.ahead += jump
        house.uploading = not away or seconds % 2 == 0
        house.run(seconds)
    house.uploading = True
    house.run(301).check()
    assert house.uploads
