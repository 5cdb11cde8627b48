# SPDX-License-Identifier: GPL-3.0-or-later
"""Pulse inputs on the simulated board: holds, contacts that bounce, exact constants, and what resets and cuts leave of them."""

import random
from fractions import Fraction

import pytest

from tests.sim.board import live

CLOSING_US = [1500, 2000, 3000, 1800, 2500, 1500]  # a reed that closes and bounces; the last one is no bounce
METERS = [(5, 16), (5, 32), (5, 64), (8, 3), (16, 3), (1000, 6667), (1, 16), (125, 12)]  # unit, pulses: a pulse is so many Wh


def seen(board, port):
    """Hold in force in µs, accepted pulses, those that 1 ms would have accepted, too short ones."""
    values = board.master.ask("gx{:02x}".format(port))[4:]
    hold, count, former, short = (int(values[i : i + 4], 16) for i in range(0, 16, 4))
    return hold * 10, count, former, short


def edges(board, k, distances_us):
    board.ask("edges {} {}".format(k, " ".join(str(us) for us in distances_us)))


# holds


def test_a_reed_that_bounces_counts_once(board):
    for _ in range(20):
        edges(board, 0, [300000, *CLOSING_US, 200000, *CLOSING_US])
        board.run(0.6)
    assert live(board)[3] == 20
    hold_us, count, former, short = seen(board, 3)
    assert (hold_us, count, short) == (20000, 20, 0)
    assert former >= 100  # what 1 ms of hold made of it


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
    """Each whose low and high last a third longer than the hold, and none whose low is a third shorter; on both inputs, polled."""
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
    for unit, pulses, hold_us in ((1, 1, 20000), (5, 16, 6250), (5, 64, 1560), (8, 3, 20000), (1, 16, 1250)):
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
            board.ask("reset")
            board.run(0.3)
            continue
        board.ask("supply 4000")
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
