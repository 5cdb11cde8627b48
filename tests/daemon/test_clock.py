# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is believed about the time, and how readings are dated before, after and through jumps of the
clock.
"""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flukso.backlog import Store
from flukso.clock import (
    AGREE_S,
    ALONE,
    ALONE_S,
    CONFIRM_S,
    CONFIRMED,
    KERNEL,
    NONE,
    SECOND_S,
    SERVER,
    SLEW,
    SLEW_MAX_S,
    Believer,
    note,
    plausible,
    resume,
)

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "timestamps.json").read_text())
A = "a" * 32
T0 = 1_700_000_000
BUILT = T0 - 200 * 86400
HOUR, DAY, YEAR = 3600, 86400, 365 * 86400
FAR_BACK, FAR_AHEAD = -30 * DAY, 12 * YEAR


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
    shift = believer.observe(case["believed"]["wall"], case["believed"]["mono"], True)
    assert believer.believed and believer.source == KERNEL
    if shift is not None:
        store.shift(*shift)
    assert store.buffer(A).batch(10) == [tuple(pair) for pair in case["tuples"]]


class House:
    """A daemon's clockwork: reads each second, uploads each 300 s when it may. `wrong_s`: of the
    machine's clock; `ntp`: the kernel's word.

    The counter is the seconds since T0, so that every tuple tells by how much it is misdated.
    """

    BOOT = "b00t"

    def __init__(self, wrong_s=0, ntp=True, store=None, mono=50.25, began=T0):
        self.mono, self.truth, self.wrong_s, self.ntp = mono, began - mono, wrong_s, ntp
        self.sent, self.uploads, self.shifts, self.dropped = [], [], [], 0
        self.store = Store() if store is None else store
        self.believer, self.newest_sent, undated = resume(
            self.store.note, self.BOOT, mono, self.store.newest(), BUILT
        )
        if undated is not None:
            self.dropped += self.store.forget(undated)
        self.uploading = True

    def now(self):
        return self.truth + self.mono

    def wall(self):
        return self.now() + self.wrong_s

    def jump(self, by_s, ntp=False):
        """The clock is set: the kernel calls it unsynchronised unless NTP did it."""
        self.wrong_s += by_s
        self.ntp = ntp

    def apply(self, shift):
        if shift is not None:
            moved, dropped = self.store.shift(*shift)
            self.dropped += dropped
            if moved:
                self.shifts.append(shift)
            self.newest_sent = min(self.newest_sent, shift.start + shift.delta_s - 1)

    def run(self, seconds):
        for _ in range(int(seconds)):
            self.mono += 1
            if self.believer.date(self.wall(), self.mono) is None or int(self.mono) % 5 == 0:
                self.apply(
                    self.believer.observe(self.wall(), self.mono, self.ntp, self.newest_sent)
                )
            self.store.add(A, self.believer.stamp(self.mono), int(self.now()) - T0)
            if int(self.mono) % 300 == 0 and self.uploading and self.believer.settled:
                self.upload()
        return self

    def upload(self):
        self.store.age()
        batch = self.store.buffer(A).batch(10_000)
        self.sent += batch
        self.newest_sent = max(self.newest_sent, batch[-1][0])
        self.uploads.append(self.mono)
        self.store.buffer(A).ack(batch)

    def hear(self, timestamp=None, trip_s=0.4):
        """A heartbeat's signed answer, the right time unless another is given."""
        asked, self.mono = self.mono, self.mono + trip_s
        self.apply(self.believer.observe(self.wall(), self.mono, self.ntp, self.newest_sent))
        timestamp = int(self.now()) if timestamp is None else timestamp
        self.apply(self.believer.signed(timestamp, asked, self.mono, self.newest_sent))
        self.mono += 1 - trip_s
        return self

    def misdated(self):
        return max((abs(ts - T0 - counter) for ts, counter in self.sent), default=0)

    def check(self, most_s=1):
        """Everything sent is dated as it was read, nothing twice, nothing out of order."""
        assert self.misdated() <= most_s
        for (ts, counter), (later, more) in zip(self.sent, self.sent[1:], strict=False):
            assert ts < later and counter < more
        return self

    def whole(self):
        """No minute is missing from the first reading on."""
        gaps = [b[0] - a[0] for a, b in zip(self.sent, self.sent[1:], strict=False)]
        assert self.sent[0][1] <= 2 and max(gaps) <= 61
        return self


def test_a_synchronised_clock_is_followed():
    house = House().run(2 * HOUR).check().whole()
    assert len(house.uploads) == 24 and house.believer.jumps == 0 and house.shifts == []
    assert house.sent[-1][0] == int(house.now() - house.mono + house.uploads[-1])


@pytest.mark.parametrize(
    "wrong_s",
    [-DAY, FAR_BACK, FAR_AHEAD, 45, -T0 + 30],
    ids=["day", "30-days", "12-years", "45-s", "1970"],
)
def test_nothing_goes_up_before_ntp_has_set_the_clock(wrong_s):
    house = House(wrong_s, ntp=False).run(HOUR)
    assert house.sent == [] and house.believer.source == NONE
    house.jump(-wrong_s, ntp=True)
    house.run(HOUR).check().whole()
    assert house.believer.source == KERNEL and len(house.shifts) == 1


@pytest.mark.parametrize("ntp", [False, None])
def test_the_server_confirms_a_clock_within_a_minute(ntp):
    for wrong_s, source in (
        (0, CONFIRMED),
        (AGREE_S - 2, CONFIRMED),
        (2 - AGREE_S, CONFIRMED),
        (AGREE_S + 2, NONE),
        (-AGREE_S - 2, NONE),
    ):
        house = House(wrong_s, ntp).run(20).hear()
        assert house.believer.source == source
        assert house.run(HOUR).misdated() <= AGREE_S and bool(house.sent) is (source == CONFIRMED)


@pytest.mark.parametrize(
    "wrong_s",
    [-DAY, FAR_BACK, FAR_AHEAD, 300, -T0 + 30],
    ids=["day", "30-days", "12-years", "5-min", "1970"],
)
def test_where_ntp_is_blocked_the_server_s_time_dates_from_the_second_answer_on(wrong_s):
    house = House(wrong_s, ntp=False).run(300).hear()
    assert house.believer.source == NONE and house.believer.wants_at >= house.mono + SECOND_S - 2
    house.run(SECOND_S).hear()
    assert house.believer.source == SERVER
    house.run(HOUR).check(most_s=2).whole()
    assert (
        abs(house.believer.behind_s(house.wall(), house.mono) + wrong_s) < 2
        and len(house.shifts) == 1
    )


def test_an_answer_of_long_ago_is_not_believed_however_often_it_is_played():
    house = House(ntp=None).run(10)
    for _ in range(50):
        house.hear(T0 - DAY).run(SECOND_S + 7)
    assert house.believer.source == NONE and house.sent == []
    house = House().run(10)
    house.ntp = False
    house.hear(T0 - DAY).run(SECOND_S).hear(T0 - DAY).run(HOUR)
    assert house.believer.source == KERNEL and house.misdated() <= 1


def test_an_answer_that_took_long_says_nothing_and_is_asked_again():
    house = House(ntp=None).run(10).hear(trip_s=21)
    assert house.believer.source == NONE and house.believer.wants_at > house.mono
    assert house.hear(trip_s=5).believer.source == CONFIRMED


@pytest.mark.parametrize("timestamp", [0, -5, 1, 1 << 40, 10**30, True])
def test_a_signed_time_that_cannot_be_is_no_time(timestamp):
    house = House(ntp=None).run(10).hear(timestamp).run(100).hear(timestamp)
    assert house.believer.source == NONE and house.believer.settled is False


@pytest.mark.parametrize("by_s", [3, HOUR, DAY, FAR_AHEAD, FAR_BACK])
@pytest.mark.parametrize("sign", [1, -1])
def test_trust_lasts_with_the_monotonic_clock(by_s, sign):
    house = House().run(HOUR)
    house.jump(sign * by_s)
    house.run(3 * HOUR).check().whole()
    assert house.believer.jumps == 1 and house.believer.wants_at is not None and house.shifts == []
    house.jump(-sign * by_s)
    house.run(HOUR).check().whole()
    assert len(house.uploads) == 60


def test_a_kernel_that_contradicts_must_do_so_for_minutes_and_nothing_is_posted_meanwhile():
    house = House().run(HOUR)
    house.jump(DAY, ntp=True)
    house.run(CONFIRM_S - 10)
    uploads = len(house.uploads)
    assert not house.believer.settled
    house.jump(-DAY, ntp=True)
    house.run(HOUR).check().whole()
    assert house.shifts == [] and len(house.uploads) == uploads + 12


@pytest.mark.parametrize("by_s", [DAY, -DAY, FAR_AHEAD, FAR_BACK])
def test_what_is_held_moves_with_a_kernel_that_corrects_itself(by_s):
    house = House()
    house.uploading = False
    house.run(600)
    house.uploading = True
    house.run(300)
    assert house.sent  # some of it
    house.uploading = False
    house.run(600)
    house.jump(by_s, ntp=True)
    house.run(CONFIRM_S + 60)
    assert house.believer.settled and len(house.shifts) == 1
    assert house.store.buffer(A).batch(1000)[0][1] - house.sent[-1][1] <= 61
    assert all(
        abs(ts - T0 - counter - by_s) <= 1 for ts, counter in house.store.buffer(A).batch(1000)
    )
    house.sent, house.uploading = [], True
    house.run(HOUR)
    assert (
        all(abs(ts - T0 - counter - by_s) <= 1 for ts, counter in house.sent)
        and len(house.sent) > 60
    )


def test_what_was_dated_in_the_future_goes_back_to_now_at_once():
    house = House(FAR_AHEAD)  # a kernel that errs
    house.run(HOUR)
    assert house.sent
    house.sent = []
    house.jump(-FAR_AHEAD, ntp=True)
    house.run(HOUR).check()
    assert house.believer.settled and len(house.uploads) > 15


def test_a_little_back_the_stamps_slow_down_until_the_time_has_caught_up():
    house = House(40)
    house.run(HOUR)
    house.jump(-40, ntp=True)
    house.run(SLEW * 40 + HOUR).check(most_s=40)
    house.sent = [(ts, counter) for ts, counter in house.sent if counter > HOUR + SLEW * 40]
    assert house.check().believer.offset == house.believer.true and SLEW_MAX_S >= HOUR


def test_drift_is_followed_and_is_no_jump():
    house = House().run(10)
    for _ in range(100):
        house.wrong_s += 0.3
        house.run(60)
    assert house.believer.jumps == 0 and abs(house.believer.behind_s(house.wall(), house.mono)) < 1


def test_the_server_corrects_what_the_monotonic_clock_drifts():
    house = House(-DAY, ntp=False).run(10).hear().run(SECOND_S).hear()
    for hour in range(1, 100):  # our second is 0.1 % too long
        house.truth += 3.6
        house.run(60).hear()
        assert abs(house.believer.true - house.truth) < 6, hour
    assert house.believer.source == SERVER


def test_the_kernel_is_believed_before_the_server_and_that_is_said():
    house = House().run(100).hear(T0 + 5000)
    assert house.believer.source == KERNEL and house.believer.disagrees_s in range(4890, 4910)
    house.run(100).hear()
    assert house.believer.disagrees_s == 0 and house.run(600).check()


def test_without_any_source_a_clock_is_used_after_an_hour():
    house = House(ntp=None).run(10)
    house.run(2 * HOUR)
    assert house.believer.source == NONE  # no server was there either
    house.believer.unsigned(house.mono)
    house.run(ALONE_S - 10)
    assert house.believer.source == NONE and house.sent == []
    house.run(HOUR).check()
    assert house.believer.source == ALONE and house.sent[0][1] <= 2


@pytest.mark.parametrize("timestamp, trip_s", [(0, 0.4), (None, 25)])
def test_a_server_that_can_tell_no_time_is_no_source_either(timestamp, trip_s):
    house = House(ntp=None).run(10)
    for _ in range(90):
        house.hear(timestamp, trip_s).run(60)
    house.check()
    assert house.believer.source == ALONE and house.sent[0][1] <= 2


@pytest.mark.parametrize(
    "wrong_s, checked", [(BUILT - T0 - 2 * DAY, 0), (-T0 + 30, 0), (-DAY, T0 - HOUR), (T0 * 2, 0)]
)
def test_a_clock_that_cannot_be_right_is_never_used(wrong_s, checked):
    house = House(wrong_s, ntp=None)
    house.believer.checked = checked
    house.believer.unsigned(house.mono)
    house.run(5 * HOUR)
    assert house.believer.source == NONE and house.sent == []


def test_alone_a_jump_must_stand_for_an_hour_too():
    house = House(ntp=None)
    house.believer.unsigned(house.mono)
    house.run(ALONE_S + 900)
    house.jump(FAR_AHEAD, ntp=None)
    house.run(420)  # 7 minutes
    house.jump(-FAR_AHEAD, ntp=None)
    house.run(2 * HOUR).check()
    house.jump(DAY, ntp=None)
    house.run(2 * HOUR)
    assert abs(house.believer.behind_s(house.wall(), house.mono)) < 1


@pytest.mark.parametrize("wrong_s", [-30 * DAY, DAY, FAR_AHEAD])
@pytest.mark.parametrize("source", [KERNEL, SERVER, CONFIRMED])
def test_kernel_and_server_override_a_clock_that_was_alone(wrong_s, source):
    house = House(wrong_s, ntp=None)
    house.believer.unsigned(house.mono)
    house.run(ALONE_S + 3000)
    assert house.believer.source == ALONE and house.sent
    house.uploading, house.sent = False, []
    house.run(600)
    if source != SERVER:
        house.jump(-wrong_s, ntp=source == KERNEL)
    if source != KERNEL:
        house.hear().run(SECOND_S).hear()
    house.run(60)
    assert house.believer.source == source
    house.uploading = True
    house.run(HOUR).check(most_s=2)
    assert house.sent[0][1] <= ALONE_S + 3000 + 301  # what was held went along


def restart(house, gap_s=60, boot=None, wrong_s=None, ntp=None):
    """Save, let another process go on after a while; boot: in another one."""
    house.store.note = note(
        house.believer, House.BOOT if boot is None else boot, house.mono, house.newest_sent
    )
    house.store.dump()
    mono = 3.5 if boot else house.mono + gap_s
    after = House(
        house.wrong_s if wrong_s is None else wrong_s, ntp, house.store, mono, house.now() + gap_s
    )
    after.sent = house.sent
    return after


@pytest.mark.parametrize("wrong_s", [-30 * DAY, FAR_AHEAD, -T0 + 100])
def test_readings_that_were_never_dated_are_dated_after_a_restart_too(wrong_s):
    house = House(wrong_s, ntp=False).run(1000)
    after = restart(house).run(500)
    assert after.sent == [] and after.believer.source == NONE
    after.jump(-wrong_s, ntp=True)
    after.run(1000).check().whole()
    assert after.dropped == 0


def test_trust_outlives_a_restart_in_the_same_boot():
    house = House(-DAY, ntp=False).run(10).hear().run(SECOND_S).hear().run(HOUR)
    after = restart(house)
    assert after.believer.source == SERVER
    after.run(HOUR).check(most_s=2).whole()


def test_a_steady_clock_moves_nothing_at_a_restart():
    for ntp in (True, False):
        house = House(ntp=ntp).run(100).hear().run(500)
        after = restart(house, ntp=ntp).run(600).check().whole()
        assert after.shifts == [] and after.dropped == 0


def test_readings_of_another_boot_that_never_learned_the_time_are_left_out():
    house = House(ntp=True).run(1000)
    house.uploading = False
    house.run(500)  # dated rightly, and held
    middle = restart(house, 600, boot="other", wrong_s=-30 * DAY, ntp=False)
    middle.run(1000)  # in another boot, without the time
    assert middle.believer.source == NONE
    held = len(middle.store)
    last = restart(middle, 700, boot="third", wrong_s=-60 * DAY, ntp=False)
    assert 10 <= last.dropped <= held - 5
    last.run(300)
    last.jump(60 * DAY, ntp=True)
    last.run(600).check()
    assert last.sent[-1][1] == int(last.uploads[-1] + last.truth) - T0 > 3000


def test_readings_of_another_boot_that_are_dated_after_now_are_left_out():
    house = House(FAR_AHEAD)  # a kernel that errs
    house.uploading = False
    house.run(600)
    after = restart(house, boot="other", wrong_s=-30 * DAY, ntp=False).run(100)
    assert after.store.newest() > T0 + FAR_AHEAD  # ours come after it for now
    after.jump(30 * DAY, ntp=True)
    after.run(HOUR).check()
    assert after.dropped >= 9 and after.sent[0][1] == 661


def test_a_clock_that_shows_less_than_a_reading_whose_time_was_known_is_not_used_alone():
    house = House(ntp=True).run(600)
    house.uploading = False
    house.run(60)
    after = restart(house, boot="other", wrong_s=-DAY, ntp=None)
    after.believer.unsigned(after.mono)
    after.run(3 * HOUR)
    assert after.believer.source == NONE
    after.jump(DAY, ntp=None)
    after.run(2 * HOUR).check()
    assert after.believer.source == ALONE


GOOD = b"1 b none 1 2 3 4 5 6 7"
NOTES = [
    b"",
    b"1",
    b"\xff\xfe",
    b"2" + GOOD[1:],
    GOOD.replace(b"none", b"who"),
    GOOD[:-1] + b"x",
    GOOD + b" 8",
]


@pytest.mark.parametrize("text", NOTES)
def test_a_note_that_cannot_be_read_is_none(text):
    believer, sent, undated = resume(text, "b", 100.0, T0)
    assert (believer.source, sent, undated, believer.restored) == (NONE, 0, None, T0)


def test_without_a_name_of_the_boot_nothing_goes_on():
    for boot in ("", "-", "two words", "x" * 65):
        house = House().run(100)
        believer, _, undated = resume(
            note(house.believer, boot, house.mono, 0), boot, house.mono, T0
        )
        assert believer.source == NONE and undated is None


@given(
    st.lists(
        st.tuples(
            st.integers(-2 * YEAR, 2 * YEAR) | st.integers(-5, 5) | st.integers(-4000, 4000),
            st.integers(0, 700),
            st.sampled_from(["set", "ntp", "heard", "restart", "away"]),
        ),
        max_size=12,
    ),
)
@settings(deadline=None, max_examples=60)
def test_any_history_of_wrong_clocks(history):
    """However the clock is set: while kernel and server tell the truth, what goes up is dated
    rightly, and it goes on.
    """
    house = House(ntp=False)
    for by_s, seconds, what in history:
        house.uploading = what != "away"
        if what == "ntp":
            house.jump(-house.wrong_s, ntp=True)
        elif what == "heard":
            house.hear()
        elif what == "restart":
            house = restart(house, ntp=house.ntp)
        else:
            house.jump(by_s)
        house.run(seconds)
        assert house.misdated() <= AGREE_S + 2
    house.uploading = True
    house.jump(-house.wrong_s, ntp=True)
    house.run(SLEW * AGREE_S + 601)
    assert house.believer.settled and abs(house.sent[-1][0] - T0 - house.sent[-1][1]) <= 1
