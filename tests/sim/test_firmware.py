# SPDX-License-Identifier: GPL-3.0-or-later
"""The firmware of the SPI board on the simulated board: inputs, resets, dips, the bus."""

import random

import pytest

from tests.sim.board import live, vectors
from tests.sim.history import IMAGES, check_taken_over
from tools.harness.bus import crc8


def test_each_interrupt_states_how_many_cycles_it_may_take():
    served, budgets = vectors("spi")
    assert served == set(budgets)


# inputs


def test_pulses_of_30_ms_count_exactly(board):
    board.ask("pulse 0 40 100000 30000")
    board.ask("pulse 1 25 150000 30000")
    board.run(5)
    assert live(board)[3:5] == [40, 25]
    assert board.master.counters()[3:5] == [40, 25]


def test_a_hundred_hertz_on_both_inputs_count_exactly_while_polled(board):
    board.master.holds(1000)
    board.ask("pulse 0 300 10000 5000")
    board.ask("pulse 1 300 10000 5000")
    for _ in range(20):
        board.master.ask("gd")
        board.run(0.1)
    board.run(2)
    assert live(board)[3:5] == [300, 300]


@pytest.mark.parametrize("spacing_us", [50, 100, 200, 450, 700, 900])
def test_bursts_count_for_nothing(board, spacing_us):
    edges = int(5000 / spacing_us) // 2 * 2
    board.ask("edges 0 " + " ".join([str(spacing_us)] * edges))
    board.run(0.1)
    assert live(board)[3] == 0


def test_a_bouncing_pulse_counts_once(board):
    random.seed(3)
    for _ in range(20):
        bounce = [random.randrange(20, 500) for _ in range(10)]
        back = [random.randrange(20, 500) for _ in range(10)]
        board.ask("edges 0 " + " ".join(str(us) for us in [*bounce, 300, 30000, *back]))
        board.run(0.1)
    assert live(board)[3] == 20


@pytest.mark.parametrize("width", ["0.5", "5", "100", "800"])
def test_spikes_count_for_nothing(board, width):
    for _ in range(10):
        board.ask("edges 1 1000 " + width)
        board.run(0.02)
    assert live(board)[4] == 0
    assert board.stat("falls1") == 10


def test_energy_and_power_follow_the_clamps(board):
    start = live(board)
    for k, watt in enumerate((12000, 3000, 100)):
        board.ask("clamp {} {}".format(k, watt))
    board.run(2.2)
    board.master.ask("gd")
    board.run(1.1)
    delta = board.master.ask("gd")[2:]
    before = board.control.energy_wh()
    assert len(delta) % 18 == 0 or len(delta) % 22 == 0
    size = 22 if len(delta) == 66 else 18
    powers = {
        int(delta[i : i + 2], 16): int(delta[i + size - 8 : i + size], 16)
        for i in range(0, len(delta), size)
    }
    for k, watt in enumerate((12000, 3000, 100)):
        assert powers[k] == pytest.approx(watt, abs=0.5 + 0.0005 * watt + 0.5)
    board.run(60)
    got = [b - a for a, b in zip(start, live(board), strict=True)]
    want = board.control.energy_wh()
    assert before[0] < want[0]
    for k in range(3):
        assert got[k] == pytest.approx(want[k], abs=1.7)


# resets and power


def test_reset_loses_nothing(board):
    board.ask("clamp 0 12000")
    board.ask("pulse 0 50 100000 30000")
    for _ in range(10):
        board.run(0.537)
        board.ask("reset")
    board.ask("clamp 0 0")
    board.run(2)
    counters = live(board)
    assert counters[3] == 50
    assert counters[0] == pytest.approx(board.control.energy_wh()[0], abs=1.5)


def test_a_power_failure_loses_at_most_a_watt_hour(board):
    board.ask("clamp 0 12000")
    board.ask("pulse 0 30 50000 20000")
    board.run(3)
    board.ask("supply 4000")
    board.run(0.06)
    before = live(board)
    board.ask("cut")
    board.run(5)
    board.ask("supply 5000")
    board.ask("power")
    board.ask("clamp 0 0")
    board.run(0.5)
    after = live(board)
    assert before[3] == 30
    for was, came in zip(before, after, strict=True):
        assert was - 1 <= came <= was
    assert int(board.master.ask("gb")[2:], 16) >= 1


def test_a_dip_without_a_power_cut_loses_nothing(board):
    board.ask("clamp 0 12000")
    board.ask("pulse 0 100 50000 20000")
    for _ in range(10):
        board.run(0.4)
        board.ask("supply 4000")
        board.run(0.003)
        board.ask("supply 5000")
    board.ask("clamp 0 0")
    board.run(2)
    counters = live(board)
    assert counters[3] == 100
    assert counters[0] == pytest.approx(board.control.energy_wh()[0], abs=1.1)


def test_the_led_is_off_in_a_dip(board):
    board.ask("clamp 0 12600")
    lit = 0
    for _ in range(300):
        board.run(0.01)
        lit += board.stat("led", "pins")
    assert lit > 0
    board.ask("supply 4000")
    for _ in range(100):
        board.run(0.005)
        assert board.stat("led", "pins") == 0


def test_ripple_across_the_threshold_wears_nothing_out(board):
    before = int(board.ask("eeprom-wear").split()[0])
    board.ask("clamp 0 12000")
    for _ in range(600):  # 50 dips a second, as a rectifier without its capacitor
        board.ask("supply 4700")
        board.run(0.01)
        board.ask("supply 5000")
        board.run(0.01)
    worst = int(board.ask("eeprom-wear").split()[0]) - before
    # 60 saves in 6 slots; the historic firmware: 600 writes of each cell that changes
    assert worst <= 10


@pytest.mark.slow  # an hour of simulated time
def test_a_supply_that_stays_good_until_it_is_gone_costs_an_hour_at_most(board):
    board.ask("pulse 0 36000 100000 30000")
    board.run(3605)
    before = live(board)[3]
    board.ask("cut")
    board.run(1)
    board.ask("power")
    board.ask("level 0 1")
    board.run(1)
    assert before > 35000
    assert live(board)[3] >= before - 36001
    assert live(board)[3] > 0


def test_settings_survive_power(board):
    board.master.set("sm0300ff")
    board.master.set("ct")
    board.master.set("sm030007")  # not committed
    board.ask("cut")
    board.run(0.1)
    board.ask("power")
    board.run(1)
    assert board.master.ask("gm03") == "gm0300ff"
    assert board.master.ask("gp") == "gp000102030405"


# the bus


@pytest.mark.parametrize(
    "start",
    [
        b"l",
        b"lge2sf",
        b"lgd",
        b"lsc00",
        b"lgp",
        b"\0",
        b"\0\0\0",
        b"lgd92.\0",
        b"u4142",
        b"lgd92.\0\0l",
    ],
)
def test_after_a_dead_master_the_first_complete_command_is_answered(board, start):
    for delay_ms in (0, 0.3, 1, 2, 3.7, 5, 8, 12, 20, 40):
        board.master.send(start)
        board.run(delay_ms / 1000)
        assert board.master.ask("gs").startswith("gs02"), delay_ms


def test_random_bytes_never_silence_the_board(board):
    random.seed(4)
    settings = [board.master.ask(command) for command in ("gp", "gm00", "gf03", "gh")]
    for _ in range(40):
        board.master.send(bytes(random.randrange(256) for _ in range(random.randrange(1, 60))))
    assert [board.master.ask(command) for command in ("gp", "gm00", "gf03", "gh")] == settings
    assert board.stat("resets") == 1


def test_a_lost_reply_does_not_lose_the_delta(board):
    board.ask("pulse 0 5 100000 30000")
    board.run(1)
    message = b"lgd92."
    board.master.send(message + b"\0\0")
    board.run(0.02)
    board.master.send(b"\0" * 10)  # the master dies inside the reply
    delta = board.master.ask("gd")
    assert "0300000005" in delta


def reply_begins_at_once(board, command: str, wait_s: float) -> bool:
    """Whether the reply is there when the master first asks for it, wait_s after the message."""
    board.master.send("l{}{:02x}.".format(command, crc8(command.encode())).encode())
    board.run(wait_s)
    return board.master.send(b"\0\0\0").strip(b"\0") == b"l"


def test_six_changed_sensors_are_answered_within_15_ms(board):
    board.master.set("sa16")
    board.master.holds(1000)
    board.master.set("sp0501020304ff")  # sensor 5 from a clamp, sensor 0 by being set
    board.master.set("sm05ffff")
    for k in range(3):
        board.ask("clamp {} 12500".format(k))
    for k in range(2):
        board.ask("pulse {} 1000 20000 10000".format(k))
    rand = random.Random(3)
    for _ in range(10):
        board.master.set("sc0000000000")
        board.run(1.1 + rand.random() / 100)
        assert reply_begins_at_once(board, "gd", 0.015)
        assert len(board.master.read()) == len("gd") + 6 * 22 + len("xx.u")


def test_new_settings_are_committed_within_400_ms(board):
    for turn in range(4):
        board.master.set("sp050403020100" if turn % 2 else "sp000102030405")
        for i in range(6):
            board.master.set("sm{:02x}{:04x}".format(i, 0x1234 * (turn + 1) + i & 0xFFFF))
            board.master.set("sf{:02x}{:04x}".format(i, 100 * turn + i))
            board.master.set("se{:02x}{:02x}".format(i, (turn + i) % 2))
            board.master.set("sc{:02x}{:08x}".format(i, 0x01010101 * (turn * 6 + i)))
        assert reply_begins_at_once(board, "ct", 0.4)
        assert b"ct" in board.master.read()


def test_a_reset_leaves_no_old_time_with_a_pulse(board):
    board.master.set("sa16")
    board.master.holds(1000)
    board.master.set("ct")
    rand = random.Random(3)
    for _ in range(10):
        board.run(20)
        board.ask("pulse 0 100 10000 5000")
        board.run(1.01 - rand.random() / 10)
        board.ask("level 0 1")
        board.ask("reset")
        board.run(0.2)
        delta = board.master.ask("gd")[2:]
        for i in range(0, len(delta), 22):
            if delta[i : i + 2] == "03":
                assert int(delta[i + 14 : i + 22], 16) < 1000


# a historic EEPROM


@pytest.mark.parametrize("layout", IMAGES)
def test_a_historic_eeprom_is_taken_over(flukso, layout):
    image = IMAGES[layout]
    sim = flukso(board=image.board)
    sim.ask("eeprom " + image.cells.hex())
    sim.run(3)
    check_taken_over(sim, image)
    sim.ask("cut")
    sim.run(0.1)
    sim.ask("power")
    sim.run(2)
    check_taken_over(sim, image)
