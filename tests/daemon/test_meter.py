# SPDX-License-Identifier: GPL-3.0-or-later
"""Counter and board clock become a rate; a wrap, a reset or a restart never shows as a spike or
below zero.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flukso.meter import UNITS, WINDOW_S, Meter
from flukso.quantities import FLOW, LPERDAY, POWER, QUANTITIES, WATT

MEASURED = {WATT: POWER, LPERDAY: FLOW}

TOP = 1 << 32
PULSES = [  # unit, seconds, first (counter, milli, ms), second, rate
    ("1-wh-in-an-hour", WATT, 3600, (0, 0, 0), (1, 0, 3600000), 1),
    ("3600-w", WATT, 1, (10, 0, 5000), (11, 0, 6000), 3600),
    ("half-wh", WATT, 1, (10, 500, 5000), (11, 0, 6000), 1800),
    ("no-milli", WATT, 1, (10, None, 5000), (11, None, 6000), 3600),
    ("counter-wraps", WATT, 2, (TOP - 1, 0, 5000), (1, 0, 7000), 3600),
    ("board-clock-wraps", WATT, 2, (5, 0, TOP - 1000), (7, 0, 1000), 3600),
    ("both-wrap", WATT, 2, (TOP - 1, 0, TOP - 1000), (1, 0, 1000), 3600),
    ("water", LPERDAY, 10, (0, 0, 0), (1, 0, 10000), 8640),
    ("rounded-up", LPERDAY, 7, (0, 0, 0), (1, 0, 7000), 12343),  # 12342.86
    ("rounded-down", LPERDAY, 7, (0, 0, 0), (1, 0, 7001), 12341),  # 12341.09
    ("milli-back-at-the-same-counter", WATT, 60, (10, 1, 5000), (10, 0, 65000), None),
    ("same-pulse-again", WATT, 1, (10, 0, 5000), (10, 0, 5000), None),
    ("counter-reset", WATT, 1, (4000000, 0, 5000), (1, 0, 6000), None),
    ("counter-back-by-one", WATT, 1, (4000000, 0, 5000), (3999999, 0, 6000), None),
    ("board-restart", WATT, 60, (10, 0, 5000000), (11, 0, 900), None),
    ("board-clock-runs-away", WATT, 60, (10, 0, 5000), (11, 0, 900000), None),
    ("too-much", WATT, 1, (0, 0, 0), (1000, 0, 1000), None),
]


@pytest.mark.parametrize(
    "unit, seconds, first, second, rate", [pytest.param(*case[1:], id=case[0]) for case in PULSES]
)
def test_rate_from_two_pulses(unit, seconds, first, second, rate):
    meter = Meter(MEASURED[unit])
    assert meter.pulse(100, *first).rate is None
    assert meter.pulse(100 + seconds, *second).rate == rate
    if rate is None:
        assert meter.window(100 + seconds, 0) == []


def test_the_window_holds_sixty_seconds_and_a_hole_takes_the_next_value():
    meter = Meter()
    for second, watt in ((10, 100), (11, 110), (15, 150)):
        meter.power(second, 0, watt)
    shown = meter.window(17.4, 1700000017.4)
    assert len(shown) == WINDOW_S
    assert shown[0] == (1700000017 - 59, None) and shown[-1] == (1700000017, None)
    assert dict(shown[-9:]) == {
        1700000009: None, 1700000010: 100, 1700000011: 110, 1700000012: 150, 1700000013: 150,
        1700000014: 150, 1700000015: 150, 1700000016: None, 1700000017: None,
    }  # fmt: skip


def test_a_long_silence_takes_the_next_value_too():
    meter = Meter()
    meter.power(10, 0, 100)
    meter.power(500, 0, 200)
    assert {watt for _, watt in meter.window(500, 500)} == {200}
    assert {watt for _, watt in meter.window(2000, 2000)} == {None}


def test_an_impossible_power_is_not_shown():
    meter = Meter()
    assert not meter.power(10, 0, 15461863934)
    assert meter.window(10, 10) == []


def test_a_bare_counter_that_moved_gives_no_rate_with_the_next_pulse():
    meter = Meter()
    meter.pulse(10, 5, 0, 1000)
    meter.count(20, 9)
    assert meter.pulse(21, 10, 0, 12000).rate is None
    assert meter.pulse(22, 11, 0, 13000).rate == 3600


def test_a_wall_clock_that_jumps_moves_the_window_and_nothing_else():
    meter = Meter()
    for second in range(60):
        meter.power(second, 0, second)
    near, far = meter.window(59, 1000), meter.window(59, 5000000)
    assert [watt for _, watt in near] == [watt for _, watt in far] == list(range(60))
    assert far[0][0] == 5000000 - 59


STEPS = st.tuples(
    st.floats(0, 5000),
    st.integers(0, TOP - 1),
    st.one_of(st.none(), st.integers(0, 999)),
    st.integers(0, TOP - 1),
)


@given(st.lists(STEPS, max_size=30), st.sampled_from([WATT, LPERDAY]))
def test_never_a_spike_or_a_negative(steps, unit):
    meter = Meter(MEASURED[unit])
    now = 0.0
    for passed, counter, milli, board_ms in steps:
        now += passed
        meter.pulse(now, counter, milli, board_ms)
        assert all(
            rate is None or 0 <= rate <= UNITS[unit][1] for _, rate in meter.window(now, now)
        )


WARM, DAMP = QUANTITIES["temperature"], QUANTITIES["humidity"]
HELD = [  # quantity, first counter, counter ten seconds later, what is told
    ("a-room", WARM, 1000, 1000 + 2944, 212),  # 294.4 K, tenths
    ("frost", WARM, 1000, 1000 + 2631, -100),
    ("wraps", WARM, TOP - 1000, 1944, 212),
    ("an-unreadable-probe", WARM, 1000, 1000, None),
    ("too-hot", WARM, 1000, 1000 + 4100, None),
    ("a-new-stretch", WARM, 3_000_000, 0, None),
    ("dry", DAMP, 7, 7, 0),
    ("wet", DAMP, 7, 7 + 1000, 1000),
    ("too-wet", DAMP, 7, 7 + 1012, None),
]


@pytest.mark.parametrize(
    "quantity, first, second, told", [pytest.param(*c[1:], id=c[0]) for c in HELD]
)
@pytest.mark.parametrize("pulses", [False, True], ids=["counter", "pulses"])
def test_the_rate_of_a_held_counter_is_its_mean_in_tenths(quantity, first, second, told, pulses):
    meter = Meter(quantity)
    for at, counter in ((100, first), (110, second)):
        meter.pulse(at, counter, 0, 1000 * at) if pulses else meter.count(at, counter)
    assert meter.rate == told and meter.resets == 0 and meter.counter == second
