# SPDX-License-Identifier: GPL-3.0-or-later
"""A board of generation 1 on a programmer of a PC: an ATmega168V with the real UART firmware.
Nobody can ask it over a bus.
"""

import json

import pytest

from flukso.flash import cli
from tools.fakes.isp_chip import EESAVE, Chip
from tools.flash.station import COUNTERS, HISTORIC_FLASH, UART_IDS, uart_eeprom
from tools.flash.walk import cut_in_write
from tools.harness.bus import Control
from tools.harness.simulator import FIRMWARE, UART_FIRMWARE

COUNTED = COUNTERS[:4]
START_S = 5  # simulated seconds in which the firmware takes a historic EEPROM over


def chip() -> Chip:
    """An ATmega168V as the field has it: 8 MHz oscillator, an EEPROM that an erase wipes."""
    made = Chip("atmega168", lfuse=0xE2, hfuse=0xDF, efuse=0x01)
    made.flash[: len(HISTORIC_FLASH)] = HISTORIC_FLASH
    made.eeprom[:] = uart_eeprom(COUNTED)
    return made


@pytest.fixture
def board(station):
    return station(chip(), "uart")


def live_counters(board) -> tuple:
    """What the firmware counts on from, out of its RAM."""
    with Control(board.control_url) as control:
        control.ask("advance {}".format(START_S))
        return tuple(control.counters())


def info(board) -> dict:
    done = board.flash("info", "--json")
    assert done.returncode == 0, done.stdout
    return json.loads(done.stdout.splitlines()[-1])


def test_the_historic_board_is_read(board, tmp_path):
    said = info(board)
    assert (said["part"], said["eeprom"], tuple(said["counters"]), tuple(said["ids"])) == (
        "m168",
        "historic, generation 1",
        COUNTED,
        UART_IDS,
    )
    done = board.flash("backup", tmp_path / "generation-1.backup")
    assert done.returncode == 0 and " ".join(str(counter) for counter in COUNTED) in done.stdout
    assert board.chip.erases == board.chip.fuse_writes == board.chip.eeprom_writes == 0


def test_the_real_image_is_flashed_and_counts_on(board):
    done = board.flash("update", UART_FIRMWARE, "--board", "uart")
    assert done.returncode == 0 and "EEPROM verified" in done.stdout, done.stderr
    assert (
        board.chip.fuses == {"lfuse": 0xE2, "hfuse": 0xDF & ~EESAVE, "efuse": 0x01}
        and board.chip.erases == 1
    )
    assert live_counters(board) == COUNTED
    said = info(board)
    assert (said["eeprom"], tuple(said["counters"]), tuple(said["ids"])) == (
        "journal, generation 1",
        COUNTED,
        UART_IDS,
    )


@pytest.mark.parametrize(
    "words",
    [
        (FIRMWARE,),
        (FIRMWARE, "--board", "spi"),
        (FIRMWARE, "--force"),
        (UART_FIRMWARE, "--board", "spi"),
    ],
)
def test_an_image_of_the_other_board_is_refused(board, words):
    done = board.flash("update", *words)
    assert done.returncode == cli.REFUSED and board.chip.erases == board.chip.fuse_writes == 0, (
        done.stdout
    )


@pytest.mark.parametrize("nth", [1, 2, 30, 53])
def test_a_cut_is_recovered_from(board, nth):
    cut_in_write(board, "power", nth, ("update", UART_FIRMWARE))
    assert board.flash("recover").returncode == 0
    assert live_counters(board) == COUNTED


def test_going_back_brings_the_historic_image_with_what_was_counted_since(board, tmp_path):
    file = tmp_path / "generation-1.backup"
    assert board.flash("backup", file).returncode == 0
    assert board.flash("update", UART_FIRMWARE).returncode == 0
    with Control(board.control_url) as control:
        control.ask("join")
        control.ask("advance {}".format(START_S))
        control.ask("pulse 0 9")
        control.ask("advance 2")
        later = tuple(control.counters())
        control.ask("supply 4000")  # a brown-out stores it
        control.ask("advance 0.2")
    assert later != COUNTED
    done = board.flash("restore", file)
    assert done.returncode == 0, done.stderr
    said = info(board)
    assert (said["eeprom"], tuple(said["counters"]), tuple(said["ids"])) == (
        "historic, generation 1",
        later,
        UART_IDS,
    )
    assert bytes(board.chip.flash).rstrip(b"\xff") == HISTORIC_FLASH
