# SPDX-License-Identifier: GPL-3.0-or-later
"""The firmware of the UART board: its lines on a pseudo-terminal (docs/design/protocols.md §2)."""

import fcntl
import os
import random
import re
import subprocess

import pytest

from tests.sim.board import FIRMWARE, ROOT, vectors

PULSE = re.compile(r"pls ([0-9a-f]{32}):(\d{10})(?::(\d{10}))?$")
POWER = re.compile(r"pwr ([0-9a-f]{32}):(\d{10})$")


@pytest.fixture
def uart(flukso, tmp_path):
    """The board and a function that returns the lines it has sent since."""
    with open(ROOT / "avr/build/uart.lock", "w") as lock:  # several workers may want it
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(
            ["make", "-s", "-C", ROOT / "avr", "firmware", "BOARD=uart"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    eep = FIRMWARE["uart"].with_suffix(".eep")
    sim = flukso("--eeprom", str(eep), "--uart", "pty:{}".format(tmp_path / "line"), board="uart")
    line = os.open(tmp_path / "line", os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)

    rest = [b""]

    def lines(seconds):
        got = rest[0]
        for _ in range(round(seconds * 10)):
            sim.run(0.1)
            try:
                got += os.read(line, 4096)
            except BlockingIOError:
                pass
        *whole, rest[0] = got.split(b"\n")
        return [text.decode("ascii").rstrip("\r") for text in whole]

    sim.lines = lines
    yield sim
    os.close(line)


def test_it_is_silent_for_20_seconds_and_then_tells_pulses_and_power(uart):
    uart.ask("clamp 0 6000")
    uart.ask("clamp 1 100")
    assert uart.lines(19) == []
    uart.lines(4)
    uart.ask("pulse 0 3 500000")
    told = uart.lines(10)
    assert all(PULSE.match(text) or POWER.match(text) for text in told), told
    watts = {}
    for text in told:
        match = POWER.match(text)
        if match:
            watts.setdefault(match[1], []).append(int(match[2]))
    assert len(watts) == 2
    (_, six), (_, one) = sorted(watts.items(), key=lambda item: -max(item[1]))
    assert all(watt == pytest.approx(6000, abs=4) for watt in six)
    assert all(watt == pytest.approx(100, abs=1.5) for watt in one)
    assert 9 <= len(six) <= 11
    clocked = [PULSE.match(text) for text in told if PULSE.match(text) and PULSE.match(text)[3]]
    assert len(clocked) == 3
    assert [int(match[3]) - int(clocked[0][3]) for match in clocked] == pytest.approx(
        [0, 500, 1000], abs=2
    )


def test_it_counts_energy_exactly(uart):
    uart.run(1)
    start = uart.control.counters()
    begun = uart.control.energy_wh()
    for k, watt in enumerate((11000, 300)):
        uart.ask("clamp {} {}".format(k, watt))
    uart.run(300)
    for k in range(2):
        want = uart.control.energy_wh()[k] - begun[k]
        assert uart.control.counters()[k] - start[k] == pytest.approx(want, abs=1)


def test_its_counters_survive_a_power_failure(uart):
    uart.lines(21)
    uart.ask("pulse 0 20 100000 30000")
    uart.run(3)
    before = uart.control.counters()
    uart.ask("supply 4000")
    uart.run(0.06)
    uart.ask("cut")
    uart.run(1)
    uart.ask("supply 5000")
    uart.ask("power")
    uart.run(1)
    assert before[2] == 20
    assert uart.control.counters()[2] == 20


@pytest.mark.parametrize(("hold_us", "hertz"), [(200, 400), (1000, 300), (5000, 60), (20000, 15)])
def test_exact_constants_and_holds_of_the_eep_lose_nothing(uart, tmp_path, hold_us, hertz):
    """3,200 pulses a kWh on both inputs, with resets, dips and cuts; what is too short counts for
    nothing.
    """
    command = [FIRMWARE["uart"].with_name("make_eep"), "hold={}".format(hold_us), "pulses=3200"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    cells = bytearray(b"\xff" * 512)
    for line in text.split():
        count, at = int(line[1:3], 16), int(line[3:7], 16)
        if line[7:9] == "00":
            cells[at : at + count] = bytes.fromhex(line[9 : 9 + 2 * count])
    uart.ask("cut")
    uart.ask("eeprom " + cells.hex())
    uart.ask("power")
    uart.run(1)
    rand = random.Random(hertz)
    number, sent = max(2, hertz // 8), 0
    for _ in range(20):
        for k in (0, 1):
            uart.ask("pulse {} {} {} {}".format(k, number, 1000000 // hertz, 500000 // hertz))
        uart.run(number / hertz + 0.1)
        sent += number
        act = rand.randrange(4)
        if act == 0:
            uart.ask("reset")
        elif act == 1:
            uart.ask("hang")
        else:
            uart.ask("supply 4000")
            uart.run(0.0305 if act == 2 else rand.random() * 0.05)
            if act == 2:
                uart.ask("cut")
                uart.run(0.1)
            uart.ask("supply 5000")
            if act == 2:
                uart.ask("power")
        uart.run(0.7)
    assert uart.control.counters()[2:] == [sent * 5 // 16] * 2
    for k in (0, 1):
        uart.ask("pulse {} 20 {} {}".format(k, 100_000, max(50, hold_us * 2 // 3 - 200)))
    uart.run(2.5)
    assert uart.control.counters()[2:] == [sent * 5 // 16] * 2


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("spacing_us", [20, 50, 100, 200, 300, 400, 500, 600, 800])
def test_storms_of_edges_stop_neither_the_clock_nor_the_main_loop(uart, spacing_us, both):
    uart.run(1)
    begun_ms, begun_us = uart.words("meter_ms", 1, 4)[0], uart.control.time_us()
    for _ in range(4):
        for k in range(1 + both):
            uart.ask("edges {} {}".format(k, " ".join([str(spacing_us)] * 600)))
        uart.run(600 * spacing_us / 1e6)
    uart.run(0.3)
    passed_ms = (uart.control.time_us() - begun_us) / 1000
    assert uart.words("meter_ms", 1, 4)[0] - begun_ms == pytest.approx(passed_ms, abs=3)
    assert (uart.stat("resets"), uart.stat("watchdog")) == (1, 0)


VECTORS = {  # of the ATmega168, as the simulator names them
    "INT0": 1,
    "INT1": 2,
    "WDT": 6,
    "TIMER1_CAPT": 10,
    "TIMER1_COMPA": 11,
    "USART_UDRE": 19,
    "EE_READY": 22,
}


def test_no_interrupt_takes_longer_than_the_firmware_states(uart):
    served, budgets = vectors("uart")
    assert served == set(budgets) == set(VECTORS.values())
    uart.lines(21)
    uart.ask("isr clear")
    for spacing_us in (100, 400, 700, 5000):
        for k in (0, 1):
            uart.ask("edges {} {}".format(k, " ".join([str(spacing_us)] * 100)))
        uart.lines(2)
        uart.ask("supply 4000")
        uart.run(0.06)
        uart.ask("supply 5000")
    uart.ask("pulse 0 1 100000 30000")
    uart.run(0.3)
    uart.ask("hang")
    uart.run(0.2)
    longest = {name: uart.stat(name, "isr") for name in VECTORS}
    assert [name for name in VECTORS if not 0 < longest[name] <= budgets[VECTORS[name]]] == [], (
        longest
    )


def test_it_tells_of_a_brown_out_and_of_a_watchdog_reset(uart):
    uart.lines(21)
    uart.ask("supply 4000")
    uart.run(0.03)
    uart.ask("supply 5000")
    assert "msg BROWN-OUT" in uart.lines(2)
    uart.ask("hang")
    told = uart.lines(22)
    assert told.count("msg WDT") == 1
    assert "msg BROWN-OUT" not in told
    assert uart.stat("resets") == 2


def test_its_counters_survive_a_hung_main_loop(uart):
    uart.run(1)
    uart.ask("pulse 0 30 100000 30000")
    for _ in range(3):
        uart.run(1)
        uart.ask("hang")
    uart.run(2)
    assert uart.control.counters()[2] == 30
