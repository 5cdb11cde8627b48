# SPDX-License-Identifier: GPL-3.0-or-later
"""Pulse inputs on the simulated board: holds, contacts that bounce, exact constants, and what
resets and cuts leave of them.
"""

import random
from fractions import Fraction

import pytest

from tests.sim.board import live

# a reed that closes and bounces; the last one is no bounce
CLOSING_US = [
    1500,
    2000,
    3000,
    1800,
    2500,
    1500,
]
# unit, pulses: a pulse is so many Wh
METERS = [
    (5, 16),
    (5, 32),
    (5, 64),
    (1, 10),
    (8, 3),
    (16, 3),
    (1000, 6667),
    (1, 16),
    (65535, 65534),
    (125, 12),
]


def seen(board, port):
    """Hold in force in µs, accepted pulses, those that 1 ms would have accepted, too short ones."""
    values = board.master.ask("gx{:02x}".format(port))[4:]
    hold, count, former, short = (int(values[i : i + 4], 16) for i in range(0, 16, 4))
    return hold * 10, count, former, short


def edges(board, k, distances_us):
    for at in range(0, len(distances_us), 400):
        board.ask("edges {} {}".format(k, " ".join(str(us) for us in distances_us[at : at + 400])))


# holds


def test_a_reed_that_bounces_counts_once(board):
    for _ in range(20):
        edges(board, 0, [300000, *CLOSING_US, 200000, *CLOSING_US])
        board.run(0.6)
    assert live(board)[3] == 20
    hold_us, count, former, short = seen(board, 3)
    assert (hold_us, count, short) == (20000, 20, 0)
    assert former >= 100  # what 1 ms of hold made of it


def bouncing(rand, closings, shortest_us, longest_us):
    """Distances of the edges of so many closings, each with up to eight bounces when it closes and
    when it opens.
    """
    distances = []
    for _ in range(closings):
        for stands_us in (rand.randrange(60_000, 300_000), rand.randrange(60_000, 300_000)):
            distances.append(stands_us)
            distances += [
                rand.randrange(shortest_us, longest_us) for _ in range(2 * rand.randrange(9))
            ]
    return distances


@pytest.mark.parametrize(("shortest_us", "longest_us"), [(1500, 5000), (5000, 19_000), (20, 1500)])
def test_contacts_that_bounce_long_count_once_on_both_inputs(board, shortest_us, longest_us):
    rand = random.Random(shortest_us)
    for _ in range(3):
        ends_us = 0
        for k in (0, 1):
            distances = bouncing(rand, 15, shortest_us, longest_us)
            edges(board, k, distances)
            ends_us = max(ends_us, sum(distances))
        board.run(ends_us / 1e6 + 0.1)
    assert live(board)[3:5] == [45, 45]
    assert [seen(board, port)[1::2] for port in (3, 4)] == [(45, 0)] * 2


def test_a_contact_that_stays_closed_counts_once(board):
    edges(board, 0, [1000] + [8_000_000, 3000] * 9 + [8_000_000])  # and opens for 3 ms now and then
    board.run(90)
    board.ask("pulse 0 2 200000 50000")
    board.run(1)
    assert live(board)[3] == 3
    assert seen(board, 3)[3] == 0


def test_a_pulse_may_be_as_short_as_the_hold(board):
    """But for the 0.1 ms that interrupts may take."""
    for hold_us in (1000, 5000, 20000, 100000):
        board.master.holds(hold_us)
        before = live(board)[3]
        edges(
            board, 0, [us for n in range(20) for us in (2 * hold_us + 3000 + 37 * n, hold_us + 110)]
        )
        board.run(0.1 + 3.2e-6 * 20 * (hold_us + 2000))
        assert live(board)[3] - before == 20
        short = seen(board, 3)[3]
        edges(
            board, 0, [us for n in range(20) for us in (2 * hold_us + 3000 + 37 * n, hold_us - 110)]
        )
        board.run(0.1 + 3.2e-6 * 20 * (hold_us + 2000))
        assert live(board)[3] - before == 20
        assert seen(board, 3)[3] - short == 20


MAPS = ["000102030405", "000102040305", "010002040305"]


def test_what_is_set_while_pulses_run_loses_none(board):
    """Inputs are swapped, holds and constants set, the board is reset: each pulse counts once,
    wherever it counts.
    """
    rand = random.Random(4)
    sent = 0
    for _ in range(12):
        for k in (0, 1):
            number = rand.randrange(1, 6)
            board.ask("pulse {} {} 400000 160000".format(k, number))
            sent += number
        ends_us = board.control.time_us() + 2_400_000
        while board.control.time_us() < ends_us:
            act = rand.choice(
                [
                    "sp" + rand.choice(MAPS),
                    "so0{}{:04x}".format(rand.choice("34"), rand.choice([20, 100, 2000, 5000, 0])),
                    "sm040001",
                    "reset",
                ]
            )
            if act == "reset":
                board.ask(act)
                board.run(0.12)
            else:
                board.master.set(act)
            board.run(rand.random() * 0.1)
        board.run(0.3)
        assert sum(live(board)) == sent


def test_a_pulse_that_is_too_short_is_told(board):
    edges(board, 0, [1000, 5000])
    board.run(1)
    assert live(board)[3] == 0
    assert seen(board, 3) == (20000, 0, 1, 1)


def test_fifty_hertz_on_an_open_wire_are_no_pulses(board):
    edges(board, 0, [1000] + [10000] * 499)
    board.run(6)
    assert live(board)[3] == 0
    assert seen(board, 3)[1:] == (0, 250, 250)
    assert seen(board, 4)[1:] == (0, 0, 0)


@pytest.mark.parametrize("hold_us", [200, 400, 1000, 1560, 5000, 20000])
@pytest.mark.parametrize("hertz", [1, 3, 10, 25, 50, 128, 256, 500, 1000])
def test_pulses_count_exactly(board, hertz, hold_us):
    """Each whose low and high last a third longer than the hold, and none whose low is a third
    shorter; on both inputs, polled.
    """
    period_us = 1000000 // hertz
    good, bad = hold_us * 4 / 3 <= 0.3 * period_us, hold_us * 2 / 3 >= 0.3 * period_us
    if not good and not bad:
        return  # too near to ask for either
    number = min(300, max(5, 2 * hertz))
    board.master.holds(hold_us)
    for k in (0, 1):
        board.ask("pulse {} {} {}".format(k, number, period_us))
    for _ in range(4):
        board.run(number / hertz / 4)
        board.master.ask("gd")
    board.run(0.3)
    assert live(board)[3:5] == ([number] * 2 if good else [0, 0])
    assert seen(board, 3)[3] == (0 if good else number)


def test_holds_follow_the_constants(board):
    for unit, pulses, hold_us in (
        (1, 1, 20000),
        (5, 16, 6250),
        (5, 64, 1560),
        (8, 3, 20000),
        (1, 16, 1250),
    ):
        board.master.set("sn03{:04x}{:04x}".format(unit, pulses))
        assert seen(board, 3)[0] == hold_us
    board.master.set("sm030000")
    board.master.set("sf0301f4")  # half a litre
    assert seen(board, 3)[0] == 10000


def test_a_hold_survives_power(board):
    board.master.set("so0407d0")
    board.master.set("so030064")
    board.master.set("ct")
    board.ask("cut")
    board.run(0.1)
    board.ask("power")
    board.run(1)
    assert (seen(board, 3)[0], seen(board, 4)[0]) == (1000, 20000)


# exact constants


def counted(unit, pulses, number):
    return number * unit // pulses


@pytest.mark.parametrize(("unit", "pulses"), METERS)
def test_no_pulse_is_rounded(board, unit, pulses):
    board.master.holds(1000)
    for i, port in ((3, 0), (4, 1)):
        board.master.set("sn{:02x}{:04x}{:04x}".format(i, unit, pulses))
        board.ask("pulse {} 3201 5000 2500".format(port))
    board.run(17)
    assert live(board)[3:5] == [counted(unit, pulses, 3201)] * 2


@pytest.mark.parametrize(("unit", "pulses"), METERS)
def test_resets_and_cuts_lose_no_part_of_a_watt_hour(board, unit, pulses):
    board.master.holds(1000)
    for i in (3, 4):
        board.master.set("sn{:02x}{:04x}{:04x}".format(i, unit, pulses))
    board.master.set("ct")
    rand = random.Random(unit * pulses)
    sent = [0, 0]
    for turn in range(30):
        for k in (0, 1):
            number = rand.randrange(1, 20)
            board.ask("pulse {} {} 10000 5000".format(k, number))
            sent[k] += number
        board.run(0.3)
        if turn % 3 == 0:
            board.ask(rand.choice(["reset", "hang"]))
            board.run(0.6)
            continue
        board.ask("supply 4000")
        if rand.randrange(3) == 0:
            board.run(rand.uniform(0.001, 0.05))
            board.ask("supply 5000")  # a dip that is over
            board.run(0.5)
            continue
        board.run(0.0305)  # what a save with a short record may take
        board.ask("cut")
        board.run(0.2)
        board.ask("supply 5000")
        board.ask("power")
        board.run(0.5 if turn % 3 == 1 else 1.5)
        if turn % 9 == 4:
            board.master.set("ct")
    want = [counted(unit, pulses, number) for number in sent]
    assert live(board)[3:5] == want


def test_a_remainder_is_told_in_thousandths(board):
    board.master.holds(1000)
    board.master.set("sa16")
    board.master.set("sn0300050010")
    for number in range(1, 20):
        board.ask("pulse 0 1 10000 5000")
        board.run(0.05)
        delta = board.master.ask("gd")[2:]
        entry = [delta[i : i + 22] for i in range(0, len(delta), 22) if delta[i : i + 2] == "03"][0]
        exact = Fraction(5, 16) * number
        assert int(entry[2:10], 16) == int(exact)
        assert int(entry[10:14], 16) == int(exact % 1 * 1000)


def test_another_constant_keeps_what_there_is_of_a_watt_hour(board):
    board.master.holds(1000)
    board.master.set("sn0300050010")
    board.ask("pulse 0 3 10000 5000")  # 15/16 Wh
    board.run(0.1)
    board.master.set("sn0300010010")
    board.ask("pulse 0 1 10000 5000")
    board.run(0.1)
    assert live(board)[3] == 1
    board.master.set("sc0300000000")  # forgets it
    board.ask("pulse 0 15 10000 5000")
    board.run(0.5)
    assert live(board)[3] == 0
