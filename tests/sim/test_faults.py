# SPDX-License-Identifier: GPL-3.0-or-later
"""The firmware under faults: a hung main loop, RESET, ripple, dips at bad moments, a historic
EEPROM and power cuts.
"""

import random

import pytest

from tests.sim.board import live
from tests.sim.history import IMAGES, check_taken_over

SHORT_RECORD_OPS = 15  # the last is its byte of pieces
HOLD_US = 1000  # short, where a pulse may begin or end in the fault itself


def operations(sim) -> int:
    return int(sim.ask("eeprom-ops").split()[0])


def keep_short_holds(sim) -> None:
    sim.master.holds(HOLD_US)
    sim.master.ask("ct")
    sim.run(1)


def power_cycle(sim) -> None:
    sim.ask("cut")
    sim.run(0.1)
    sim.ask("power")
    sim.run(0.5)


def power_cycle_after_dip(sim) -> None:
    sim.ask("cut")
    sim.ask("supply 5000")
    sim.run(0.1)
    sim.ask("power")
    sim.run(0.5)


# the main loop hangs


def test_a_hung_main_loop_loses_nothing(board):
    """The inputs go on while it hangs; after the reset what they measured is accounted."""
    board.ask("clamp 0 12000")
    board.ask("pulse 0 60 100000 30000")
    for _ in range(5):
        board.run(1)
        board.ask("hang")
    board.ask("clamp 0 0")
    board.run(3)
    assert board.stat("resets") == 6
    assert live(board)[3] == 60
    assert live(board)[0] == pytest.approx(board.control.energy_wh()[0], abs=1)
    assert board.master.ask("gw") == "gw0005"


def test_the_watchdogs_interrupt_writes_a_record_before_its_reset(board):
    board.ask("pulse 0 20 50000 20000")
    board.run(2)
    before = operations(board)
    board.ask("hang")
    board.run(0.12)
    assert operations(board) == before
    board.run(0.045)
    assert operations(board) == before + SHORT_RECORD_OPS
    assert board.stat("resets") == 1
    power_cycle(board)  # before it resets
    assert live(board)[3] == 20


def test_a_board_that_hangs_for_ever_wears_nothing_out(board):
    board.ask("pulse 0 100000 50000 20000")
    worn = int(board.ask("eeprom-wear").split()[0])
    for _ in range(100):
        board.run(0.4)
        board.ask("hang")
        board.run(0.3)
    assert board.stat("resets") == 101
    # as many saves as a row of dips gets
    assert int(board.ask("eeprom-wear").split()[0]) - worn <= 60


def test_reset_at_random_instants_loses_nothing(board):
    rand = random.Random(6)
    keep_short_holds(board)
    board.ask("clamp 0 12000")
    board.ask("clamp 1 300")
    board.ask("pulse 0 100 50000 20000")
    board.ask("pulse 1 300 20000 10000")
    for _ in range(60):
        board.run(0.05 + rand.random() / 10)
        board.ask("reset")
    board.ask("clamp 0 0")
    board.ask("clamp 1 0")
    board.run(2)
    assert live(board)[3:5] == [100, 300]
    for k in range(2):
        # A reset takes less than 3 ms of sampling.
        assert live(board)[k] == pytest.approx(
            board.control.energy_wh()[k], abs=1 + 60 * 0.003 * 12000 / 3600
        )
    assert board.stat("watchdog") == 0


# the supply


@pytest.mark.parametrize("low_ms", [0.05, 0.3, 2, 8])
def test_ripple_across_the_threshold_costs_no_energy(board, low_ms):
    keep_short_holds(board)
    board.ask("clamp 0 12000")
    board.ask("pulse 0 40 50000 20000")
    worn = int(board.ask("eeprom-wear").split()[0])
    for _ in range(300):
        board.ask("supply 4700")
        board.run(low_ms / 1000)
        board.ask("supply 5000")
        board.run((10 - low_ms) / 1000)
    board.ask("clamp 0 0")
    board.run(1)
    assert live(board)[3] == 40
    assert live(board)[0] == pytest.approx(board.control.energy_wh()[0], abs=1)
    assert int(board.ask("eeprom-wear").split()[0]) - worn <= 10  # 60 saves in 6 slots, and no more


def test_a_failing_supply_misses_at_most_the_last_10_ms_of_the_inputs(board):
    """At 100 Hz that is one pulse, and the one which is being debounced."""
    rand = random.Random(8)
    keep_short_holds(board)
    for _ in range(30):
        begin = [live(board)[3 + k] - board.stat("falls{}".format(k)) for k in range(2)]
        board.ask("pulse 0 1000 10000 5000")
        board.ask("pulse 1 1000 10000 5000")
        board.run(0.1 + rand.random() / 10)
        falls = [board.stat("falls{}".format(k)) for k in range(2)]
        board.ask("supply 4000")
        board.run(0.03)
        board.ask("level 0 1")
        board.ask("level 1 1")
        power_cycle_after_dip(board)
        for k in range(2):
            missed = begin[k] + falls[k] - live(board)[3 + k]
            assert missed <= 2
            assert missed >= -1  # one that fell just behind the threshold


def test_a_low_supply_gets_one_record_and_no_erasure(board):
    """The charge that is left is for what may still come; the slot that is free now is erased when
    the supply is good.
    """
    erased = []
    for _ in range(2):
        board.ask("pulse 0 5 50000 20000")
        board.run(1)
        before = operations(board)
        board.ask("supply 4000")
        board.run(0.09)
        assert operations(board) == before + SHORT_RECORD_OPS
        erased.append(int(board.ask("eeprom-ops").split()[1]))
        board.ask("supply 5000")
    board.run(0.2)
    assert erased[1] == erased[0]
    assert int(board.ask("eeprom-ops").split()[1]) > erased[1]


def test_dips_at_all_moments_of_a_series_of_sets_lose_none_of_them(board):
    """Counters set 20 ms apart, in the order and with the waits of a master; the supply fails at
    some instant of it.
    """
    rand = random.Random(7)
    for _ in range(40):
        values = [rand.randrange(1 << 32) for _ in range(6)]
        at = rand.randrange(6)
        for i, value in enumerate(values[: at + 1]):
            assert board.master.ask("sc{:02x}{:08x}".format(i, value)) == "sc{:02x}{:08x}".format(
                i, value
            )
        board.run(rand.random() * 0.2)
        want = live(board)
        assert want[: at + 1] == values[: at + 1]
        board.ask("supply 4000")
        board.run(0.055)
        board.ask("cut")
        board.ask("supply 5000")
        board.run(0.05)
        board.ask("power")
        board.run(0.05 + rand.random() * 0.2)
        assert live(board) == want


def test_a_counter_is_set_after_a_dip_that_took_the_last_slot(board):
    """The reply may be late then, and a repeated command changes nothing."""
    for value in range(1, 8):
        board.master.set("sc05{:08x}".format(value * 100000))
        board.run(0.004 * value)
        board.ask("supply 4000")
        board.run(0.002)
        board.ask("supply 5000")
        command = "sc05{:08x}".format(value * 100001)
        assert board.master.ask(command, 0.15) == command
        board.ask("supply 4000")
        board.run(0.055)
        want = live(board)
        power_cycle_after_dip(board)
        assert live(board) == want
        assert want[5] == value * 100001


# a historic EEPROM


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("layout", IMAGES)
def test_a_historic_eeprom_is_taken_over_whatever_power_does(flukso, layout, seed):
    """The power fails again and again while it is taken over, at any EEPROM operation and in any
    way.
    """
    image = IMAGES[layout]
    sim = flukso(board=image.board)
    rand = random.Random("{} {}".format(layout, seed))
    sim.ask("cut")
    sim.ask("eeprom " + image.cells.hex())
    for _ in range(60):
        sim.ask("power")
        stage = rand.choice(
            ["before", "erased", "written", "half:{:02x}".format(rand.randrange(256))]
        )
        sim.ask("cut-at {} {}".format(rand.randrange(1, 70), stage))
        sim.run(0.6)
        sim.ask("cut")
        sim.run(0.05)
    sim.ask("power")
    sim.run(3)
    check_taken_over(sim, image)
    sim.ask("cut")
    sim.run(0.05)
    sim.ask("power")
    sim.run(1)
    check_taken_over(sim, image)
