# SPDX-License-Identifier: GPL-3.0-or-later
"""The chip's peripherals behave as the data sheet says, seen by small programs in the chip."""

import pytest

from tests.sim.board import HZ


def test_spi_answers_one_byte_later(chip):
    sim = chip("SPI_NOT")
    sim.run(0.01)
    assert sim.ask("spi 0102030405") == "00fefdfcfb"


def test_spi_sends_back_what_it_got_when_nothing_is_written(chip):
    sim = chip("SPI_ECHO")
    sim.run(0.01)
    assert sim.ask("spi 0102030405") == "0001020304"
    assert sim.words("result", 1) == [15]


def test_spi_bytes_take_simulated_time(chip):
    sim = chip("SPI_NOT")
    sim.run(0.01)
    before = sim.control.time_us()
    sim.ask("spi 00000000 1000")
    assert sim.control.time_us() - before == 4 * (16 + 1000)


def test_spi_without_a_listener_or_power_reads_ones(chip):
    sim = chip("CLOCK")
    sim.run(0.01)
    assert sim.ask("spi 0102") == "ffff"
    sim.ask("cut")
    assert sim.ask("spi 0102") == "ffff"


def test_eeprom_takes_its_time_and_writes_in_its_modes(chip):
    sim = chip("EEPROM")
    sim.run(0.1)
    result = sim.words("result", 16)
    assert result[15] == 1
    assert result[0] * 8 == pytest.approx(12546, abs=40)
    assert result[1] * 8 == pytest.approx(6648, abs=40)
    assert result[3] * 8 == pytest.approx(6648, abs=40)
    assert result[2] == 0x30  # 0xF0 and 0x3C
    assert result[4] == 0xFF
    assert result[6] == result[7] == 0xFF
    assert result[8] == 18
    assert (result[9], result[5]) == (0, 3)
    cells = bytes.fromhex(sim.ask("eeprom"))
    assert cells[16:20] == b"\xff\xff\x12\xff"
    assert sim.ask("eeprom-ops") == "4 3 3"
    assert sim.ask("eeprom-wear") == "2 16"


STAGES = [  # stage, what the cell holds; the first operation writes 0xF0 over 0xA5
    ("before", 0xA5),
    ("erased", 0xFF),
    ("half:77", 0x77),
    ("written", 0xF0),
]


@pytest.mark.parametrize("stage, want", STAGES)
def test_a_cut_leaves_the_cell_as_told(chip, stage, want):
    sim = chip("EEPROM")
    cells = bytearray(b"\xff" * 512)
    cells[16] = 0xA5
    sim.ask("eeprom " + cells.hex())
    sim.ask("cut-at 1 " + stage)
    sim.run(0.1)
    assert sim.stat("power", "pins") == 0
    assert bytes.fromhex(sim.ask("eeprom"))[16] == want
    sim.ask("power")
    sim.run(0.1)
    assert sim.words("result", 16)[15] == 1


def test_a_cut_at_any_time_only_sets_bits_while_erasing_and_clears_its_own_while_writing(chip):
    for ms in (0.2, 1.0, 2.2, 3.0):
        sim = chip("EEPROM")
        cells = bytearray(b"\xff" * 512)
        cells[16] = 0xA5
        sim.ask("eeprom " + cells.hex())
        sim.run(ms / 1000)
        sim.ask("cut")
        cell = bytes.fromhex(sim.ask("eeprom"))[16]
        if ms < 1.5:
            assert cell & 0xA5 == 0xA5
        else:
            assert cell & 0xF0 == 0xF0
        sim.close()


@pytest.mark.parametrize("watt", [0, 3.1, 12.39, 1234.5, 6000, 12345])
def test_the_adc_averages_to_the_watts_of_the_clamp(chip, watt):
    sim = chip("ADC")
    sim.ask("clamp 0 {}".format(watt))
    sim.ask("clamp 2 {}".format(watt / 2))
    sim.run(0.5)
    first = sim.words("sum", 3, 4), sim.words("samples", 3, 4)
    sim.run(3)
    second = sim.words("sum", 3, 4), sim.words("samples", 3, 4)
    assert sim.words("result", 2) == [1, 0]  # ADIF can be cleared
    samples = [b - a for a, b in zip(first[1], second[1], strict=True)]
    assert samples[0] == pytest.approx(3 * HZ / 8 / 230 / 3, abs=2)
    step_watt = 0.0024 * 0.449 * 230 * 50
    for channel, want in ((0, watt), (1, 0), (2, watt / 2)):
        mean = (second[0][channel] - first[0][channel]) / samples[channel] * step_watt
        assert mean == pytest.approx(want, abs=0.02)


def test_the_adc_ends_at_1023(chip):
    sim = chip("ADC", "--clamp", "230:50")
    sim.ask("clamp 0 20000")
    sim.run(1)
    assert sim.words("sum", 1, 4)[0] == 1023 * sim.words("samples", 1, 4)[0]


def test_another_clamp_has_other_steps(chip):
    sim = chip("ADC", "--clamp", "230:500")
    sim.ask("clamp 0 1239.24")  # ten steps
    sim.run(4)
    assert sim.words("sum", 1, 4)[0] / sim.words("samples", 1, 4)[0] == pytest.approx(10, abs=0.01)


def test_the_watchdog_interrupts_and_then_resets(chip):
    sim = chip("WATCHDOG")
    sim.run(2)
    magic, interrupts, resets, mcusr, _ = sim.words("result", 6)[1:]
    assert (magic, interrupts, resets) == (0, 1, 1)
    assert mcusr & 8  # WDRF
    assert sim.stat("resets") == 2


def test_ram_survives_reset_but_not_power(chip):
    sim = chip("WATCHDOG")
    sim.run(0.1)
    sim.ask("reset")
    sim.run(0.1)
    assert sim.words("kept", 5)[3] & 2  # EXTRF
    assert sim.words("kept", 1) == [0]
    first = sim.ask("symbol kept 10")
    sim.ask("cut")
    sim.ask("power")
    garbage = sim.ask("symbol kept 10")
    sim.ask("cut")
    sim.ask("power")
    assert garbage != first
    assert garbage != sim.ask("symbol kept 10")


def test_the_uart_keeps_three_bytes_and_then_overruns(chip):
    sim = chip("UART")
    sim.run(0.001)
    assert sim.ask("uart-sent") == "61626364"
    sim.ask("uart-send 0102040810")
    sim.run(0.2)
    total, overruns, received = sim.words("result", 3)
    assert received == 3
    assert overruns >= 1
    assert total == 1 + 2 + 16
    sim.ask("uart-send 0102040810")
    sim.run(0.01)
    assert sim.words("result", 3)[2] == 8


def test_a_wrong_baud_rate_garbles(chip):
    sim = chip("UART", "--board", "uart")
    sim.run(0.01)
    assert sim.ask("uart-sent") != "61626364"


def test_the_comparator_captures_and_the_led_does_not(chip):
    sim = chip("COMPARATOR")
    sim.run(0.05)
    captures, _, loops = sim.words("result", 3)
    assert captures == 0
    assert loops > 100
    sim.ask("supply 4850")
    sim.run(0.001)
    assert sim.words("result", 1) == [0]
    sim.ask("supply 4830")
    sim.run(0.001)
    assert sim.words("result", 1) == [1]
    sim.ask("supply 5000")
    sim.run(0.001)
    sim.ask("supply 4000")
    sim.run(0.001)
    assert sim.words("result", 1) == [2]


def test_the_clock_prescaler_slows_the_cpu(chip):
    sim = chip("CLOCK")
    sim.run(0.1)
    before = int(sim.ask("cycles"))
    sim.run(1)
    assert int(sim.ask("cycles")) - before == pytest.approx(HZ / 8, abs=4)
    assert sim.words("result", 2) == [0, 3]


def test_edge_flags_can_be_cleared(chip):
    sim = chip("EDGES")
    sim.run(0.01)
    sim.ask("pulse 0 6 20000 5000")
    sim.ask("pulse 1 7")
    sim.run(1)
    assert sim.words("result", 2) == [3, 2]
    assert sim.ask("counters") == "0 0 0 5 7 0"


def test_edges_toggle_after_their_distances(chip):
    sim = chip("EDGES")
    sim.run(0.01)
    sim.ask("edges 0 1000 0.5 100 20.5")
    sim.run(0.01)
    assert sim.stat("falls0") == 2
    assert sim.ask("counters").split()[3] == "1"  # the first is thrown away
    assert sim.stat("pulse0", "pins") == 1


def test_interrupt_lengths_include_entry_and_return(chip):
    sim = chip("SPI_NOT")
    sim.run(0.01)
    sim.ask("isr clear")
    sim.ask("spi 00")
    # entry, the vector's jmp, the program's own to its reti
    assert sim.stat("SPI_STC", "isr") == 4 + 3 + 17
    assert sim.stat("off", "isr") >= sim.stat("SPI_STC", "isr")
