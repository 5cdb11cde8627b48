# SPDX-License-Identifier: GPL-3.0-or-later
"""Inputs at their limits: fast pulses with a short hold time, storms of edges, the UART and its
RS-485 driver.
"""

import fcntl
import random
import subprocess

import pytest

from tests.sim.board import ROOT, Sim
from tests.sim.master import Master
from tools.harness.bus import crc8


@pytest.fixture(scope="module")
def fast_firmware():
    """The image for a hold time of 0.2 ms."""
    with open(ROOT / "avr/build/fast.lock", "w") as lock:  # several workers may want it
        fcntl.flock(lock, fcntl.LOCK_EX)
        command = [
            "make",
            "-s",
            "-C",
            ROOT / "avr",
            "firmware",
            "BUILD=build/spi-fast",
            "EXTRA=-DPULSE_HOLD_US=200ul",
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return ROOT / "avr/build/spi-fast/flukso.hex"


@pytest.fixture
def fast(tmp_path, fast_firmware):
    sim = Sim(tmp_path, fast_firmware)
    sim.run(1)
    sim.master = Master(sim)
    sim.master.prepare()
    yield sim
    sim.close()


@pytest.fixture
def board(flukso):
    sim = flukso()
    sim.run(1)
    sim.master = Master(sim)
    sim.master.prepare()
    return sim


def test_a_kilohertz_on_both_inputs_counts_exactly_while_polled(fast):
    for k in range(3):
        fast.ask("clamp {} 12000".format(k))
    fast.ask("pulse 0 5000 1000 500")
    fast.ask("pulse 1 5000 1000 500")
    for _ in range(60):
        fast.master.ask("gd")
        fast.run(0.03)
    fast.run(3)
    assert fast.control.counters()[3:5] == [5000, 5000]


def test_with_a_short_hold_time_shorter_bursts_count_for_nothing(fast):
    for spacing_us in (30, 50, 100, 150):
        fast.ask("edges 0 " + " ".join([str(spacing_us)] * (5000 // spacing_us // 2 * 2)))
        fast.run(0.05)
    assert fast.control.counters()[3] == 0


def test_storms_on_both_inputs_count_for_nothing_and_keep_the_bus_alive(board):
    rand = random.Random(9)
    for _ in range(20):
        for k in range(2):
            edges = [rand.randrange(50, 900) for _ in range(40)]
            board.ask("edges {} ".format(k) + " ".join(str(us) for us in edges))
        assert board.master.ask("gs").startswith("gs02")
        board.run(0.05)
    assert board.control.counters()[3:5] == [0, 0]
    assert board.stat("resets") == 1


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("spacing_us", [5, 20, 50, 85, 100, 150, 200, 300])
def test_storms_that_last_stop_neither_the_clock_nor_the_main_loop(fast, spacing_us, both):
    begun_ms, begun_us = fast.words("meter_ms", 1, 4)[0], fast.control.time_us()
    for _ in range(4):
        for k in range(1 + both):
            for _ in range(3):
                fast.ask("edges {} {}".format(k, " ".join([str(spacing_us)] * 600)))
        fast.run(1800 * spacing_us / 1e6)
        assert fast.master.ask("gs").startswith("gs02")
    fast.run(0.1)
    passed_ms = (fast.control.time_us() - begun_us) / 1000
    assert fast.words("meter_ms", 1, 4)[0] - begun_ms == pytest.approx(passed_ms, abs=3)
    assert (fast.stat("resets"), fast.stat("watchdog")) == (1, 0)


# the UART on port 6


def to_uart(board, data: bytes) -> None:
    board.master.send(b"u" + data.hex().encode() + b".")


def driver(board) -> int:
    return board.stat("rs485", "pins")


def test_the_driver_is_on_while_the_port_is_disabled_and_bytes_come_back(board):
    board.master.set("se0500")
    board.run(0.01)
    assert driver(board) == 1
    to_uart(board, b"hello")
    board.run(0.02)
    assert board.ask("uart-sent") == ""
    assert driver(board) == 1
    reply = read_with_uart(board)
    assert reply == b"hello"


def read_with_uart(board) -> bytes:
    """The bytes of the UART that come with the next reply."""
    message = "lgs{:02x}.".format(crc8(b"gs")).encode()
    board.master.send(message + b"\0\0")
    board.run(0.02)
    _, _, rest = board.master.read().partition(b".u")
    return bytes.fromhex(rest.decode())


def test_the_driver_is_on_exactly_while_the_board_sends(board):
    board.run(0.01)
    assert driver(board) == 0
    board.master.send(b"u4")
    board.control.spi(b"1", 10)
    seen = []
    for _ in range(40):
        board.run(0.00002)
        seen.append(driver(board))
    assert seen[-1] == 0
    on = sum(seen)
    assert 4 <= on <= 7  # ten bits at 115200 baud are 87 us
    assert board.ask("uart-sent") == "41"


def test_a_long_message_to_the_uart_goes_out_whole(board):
    data = bytes(range(1, 181))
    board.master.send(b"u")
    for i in range(0, len(data), 60):
        board.master.send(data[i : i + 60].hex().encode())
    board.run(0.05)
    assert bytes.fromhex(board.ask("uart-sent")) == data
    assert driver(board) == 0


def test_bytes_from_the_uart_come_with_the_replies_and_lost_ones_are_counted(board):
    board.ask("uart-send " + bytes(range(20)).hex())
    board.run(0.01)
    assert read_with_uart(board) == bytes(range(20))
    assert board.words("uart_overruns", 1) == [0]
    board.ask("uart-send " + bytes(range(50)).hex())
    board.run(0.02)
    assert read_with_uart(board) == bytes(range(31))
    assert board.words("uart_overruns", 1) == [19]
