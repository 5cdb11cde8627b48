# SPDX-License-Identifier: GPL-3.0-or-later
"""The EEPROM's layouts are read as the firmware writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flukso.flash import eeprom
from tools.flash.station import COUNTERS, LAYOUTS, UART_IDS, historic_eeprom, uart_eeprom


@pytest.mark.parametrize("layout", LAYOUTS)
def test_historic_layouts(layout):
    found = eeprom.read(historic_eeprom(layout, COUNTERS))
    assert (
        found.counters == COUNTERS
        and found.layout.endswith(layout[-1])
        and ("reversed" in found.layout) == layout.startswith("rev")
    )


def test_the_historic_layout_of_generation_1():
    found = eeprom.read(uart_eeprom(COUNTERS[:4]))
    assert found == ("historic, generation 1", COUNTERS[:4], UART_IDS, ())
    damaged = bytearray(uart_eeprom(COUNTERS[:4]))
    damaged[3 * 37] = ord("x")
    assert eeprom.read(bytes(damaged)) == eeprom.UNKNOWN


HISTORIC = [(layout, historic_eeprom(layout, COUNTERS)) for layout in LAYOUTS] + [
    ("uart", uart_eeprom(COUNTERS[:4]))
]


@pytest.mark.parametrize("cells", [pytest.param(cells, id=layout) for layout, cells in HISTORIC])
def test_counters_are_put_into_a_historic_image_and_nothing_else_changes(cells):
    before = eeprom.read(cells)
    later = tuple((counter + 7) % eeprom.U32 for counter in before.counters)
    made = eeprom.with_counters(cells, later)
    assert eeprom.read(made) == before._replace(counters=later)
    assert eeprom.with_counters(made, before.counters) == cells
    assert (
        eeprom.with_counters(cells, later[1:]) is None
        and eeprom.with_counters(b"\xff" * 512, later) is None
    )


def test_the_journal_of_the_running_firmware(station):
    board = station()
    board.stop_board()
    found = eeprom.read(bytes(board.chip.eeprom))
    assert found.layout == "journal" and found.counters == COUNTERS and found.records[0] >= 1


def test_a_short_record_counts_on_from_the_full_one(station):
    """A brown-out writes a short record; the counter that moved is in it alone."""
    from tools.harness.bus import Control

    board = station()
    with Control(board.control_url) as control:
        control.ask("join")
        control.ask("pulse 0 7 100000")
        control.ask("advance 2")
        control.ask("supply 4000")
        control.ask("advance 0.2")
        want = tuple(control.counters())
    board.stop_board()
    found = eeprom.read(bytes(board.chip.eeprom))
    assert found.counters == want != COUNTERS and found.records[2] == 1


def test_blank_and_unknown():
    assert eeprom.read(b"\xff" * 512) == eeprom.BLANK
    assert eeprom.read(b"\x00" * 512) == eeprom.UNKNOWN


@given(st.binary(min_size=512, max_size=512))
def test_never_fails(memory):
    eeprom.read(memory)
