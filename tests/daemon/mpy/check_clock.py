# SPDX-License-Identifier: GPL-3.0-or-later
"""Dating of readings on either interpreter."""

import json

from flukso.backlog import Store, load
from flukso.clock import (
    ALONE,
    ALONE_S,
    CONFIRM_S,
    CONFIRMED,
    KERNEL,
    NONE,
    SECOND_S,
    SERVER,
    Believer,
    note,
    plausible,
    resume,
)

VECTORS = __file__.rpartition("/")[0] + "/../../vectors/timestamps.json"
A = "a" * 32
T0 = 1700000000
DAY = 86400
WRONG = (-DAY, -30 * DAY, 12 * 365 * DAY, 30 - T0)


def vectors():
    with open(VECTORS) as file:
        return json.load(file)


def test_vectors():
    found = vectors()
    for case in found["plausible"]:
        assert plausible(case["wall"]) is case["plausible"], case["id"]
    for case in found["redated"]:
        believer, store = Believer(0.0), Store()
        for mono, counter in case["samples"]:
            believer.observe(mono, mono)
            store.add(A, believer.stamp(mono), counter)
        shift = believer.observe(case["believed"]["wall"], case["believed"]["mono"], True)
        if shift is not None:
            store.shift(*shift)
        assert store.buffer(A).batch(9) == [tuple(pair) for pair in case["tuples"]], case["id"]


class Clockwork:
    """Believer and store of a daemon; its counter is the seconds since T0."""

    def __init__(self, wrong_s, mono=10.25, store=None):
        self.mono, self.wrong_s, self.ntp = mono, wrong_s, None
        self.store = store or Store()
        self.believer = resume(self.store.note, "boot", mono, self.store.newest())[0]

    def apply(self, shift):
        if shift is not None:
            self.store.shift(*shift)

    def run(self, seconds):
        for _ in range(seconds):
            self.mono += 1
            wall = T0 + self.mono + self.wrong_s
            if self.believer.date(wall, self.mono) is None:
                self.apply(self.believer.observe(wall, self.mono, self.ntp))
            self.store.add(A, self.believer.stamp(self.mono), int(self.mono))
        return self

    def hear(self):
        self.apply(self.believer.signed(int(T0 + self.mono), self.mono - 0.5, self.mono))
        return self

    def dated(self):
        return max([abs(ts - T0 - counter) for ts, counter in self.store.buffer(A).batch(2000)])


def test_ntp_that_comes_late():
    for wrong_s in WRONG:
        work = Clockwork(wrong_s).run(400)
        assert work.believer.source == NONE
        work.wrong_s, work.ntp = 0, True
        assert work.run(100).believer.source == KERNEL and work.dated() <= 1, wrong_s
        work.wrong_s, work.ntp = wrong_s, False
        assert work.run(CONFIRM_S + 100).believer.settled and work.dated() <= 1


def test_ntp_that_never_comes():
    for wrong_s in WRONG:
        work = Clockwork(wrong_s).run(400).hear()
        assert work.believer.source == NONE
        work.run(SECOND_S).hear()
        assert work.believer.source == SERVER and work.run(100).dated() <= 2, wrong_s
    assert Clockwork(30).run(10).hear().believer.source == CONFIRMED


def test_nobody_says_the_time():
    work = Clockwork(0).run(10)
    work.believer.unsigned(work.mono)
    assert work.run(ALONE_S + 20).believer.source == ALONE and work.dated() <= 1


def test_a_restart():
    work = Clockwork(-30 * DAY).run(400)
    work.store.note = note(work.believer, "boot", work.mono, 0)
    after = Clockwork(-30 * DAY, work.mono + 20, load(work.store.dump())).run(100)
    after.wrong_s, after.ntp = 0, True
    after.run(10)
    assert after.dated() <= 1 and after.store.buffer(A).batch(1) == [(T0 + 11, 11)]
    other = resume(work.store.note, "other", 3.5, work.store.newest())
    assert other[0].source == NONE and other[2] == work.believer.session
    assert resume(b"1 b none x", "b", 1.0, 7)[1:] == (0, None)
