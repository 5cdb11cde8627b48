# SPDX-License-Identifier: GPL-3.0-or-later
"""Which image may go to which board and chip."""

import pytest

from flukso.flash import fitness, ihex, image
from flukso.flash.fitness import Chip, Refused, State
from tools.flash.images import versioned
from tools.flash.station import historic_eeprom

FOUND = image.Image(b"", "spi", (2, 5), 18)
HISTORIC = State((1, 0), (2, 1), (0,) * 6, None)
BLANK = b"\xff" * 16384
COUNTERS = (1, 2, 3, 4, 5, 6)

REFUSED = [  # words, image, state, board, was there a way to ask
    ("not for uart", FOUND, HISTORIC, "uart", True),
    ("answers over SPI", FOUND._replace(board="uart"), HISTORIC, "auto", True),
    ("another board", FOUND, HISTORIC._replace(hardware=(2, 2)), "auto", True),
    ("does not answer", FOUND, None, "auto", True),
    ("older than 2.6", FOUND, HISTORIC._replace(version=(2, 6)), "auto", True),
]
FORCIBLE = ("does not answer", "older than 2.6")


@pytest.mark.parametrize("words, found, state, board, asked", REFUSED)
def test_refuses_a_board(words, found, state, board, asked):
    with pytest.raises(Refused, match=words) as caught:
        fitness.check_board(found, state, board, False, asked)
    assert caught.value.forcible == (words in FORCIBLE)
    if caught.value.forcible:
        fitness.check_board(found, state, board, True, asked)
    else:
        with pytest.raises(Refused):
            fitness.check_board(found, state, board, True, asked)


@pytest.mark.parametrize("version", [(0, 0), (1, 0), (255, 255), (2, 4), (2, 5)])
def test_takes_a_board_that_is_not_newer(version):
    fitness.check_board(FOUND, HISTORIC._replace(version=version), "auto", False, True)
    fitness.check_board(FOUND, None, "spi", False, False)


def chip(low=0xEC, lock=0xFF, flash=BLANK, cells=b"\xff" * 512):
    return Chip(b"\x1e\x94\x0b", (low, 0xD6, 1), lock, flash, cells)


def with_firmware(*version):
    return bytes(ihex.read(versioned(*version), 16384))


CHIPS = [  # words, image, chip, forcible
    ("lock bits", FOUND, chip(lock=0xFC), False),
    ("clock", FOUND, chip(low=0xE2), False),
    ("clock", FOUND._replace(board="uart"), chip(), False),
    ("of the uart board", FOUND, chip(flash=with_firmware(2, 1, "uart")), False),
    ("older than 3.0", FOUND, chip(flash=with_firmware(3, 0)), True),
]


@pytest.mark.parametrize("words, found, target, forcible", CHIPS)
def test_refuses_a_chip(words, found, target, forcible):
    with pytest.raises(Refused, match=words):
        fitness.check_chip(found, target, False)
    if forcible:
        fitness.check_chip(found, target, True)
    else:
        with pytest.raises(Refused):
            fitness.check_chip(found, target, True)


def test_takes_a_new_chip_and_a_historic_one():
    for flash in (BLANK, b"\x0c\x94" * 4000 + BLANK[8000:], with_firmware(2, 5)):
        fitness.check_chip(FOUND, chip(flash=flash), False)


def test_counters_are_those_that_the_eeprom_holds():
    target = chip(cells=historic_eeprom("declared-1", COUNTERS))
    assert fitness.committed(None, target) == COUNTERS
    # counted on until the commit
    assert fitness.committed(HISTORIC._replace(counters=(1, 2, 3, 3, 5, 6)), target) == COUNTERS
    assert fitness.committed(None, chip()) == ()
    assert fitness.committed(HISTORIC, chip()) == (0,) * 6


@pytest.mark.parametrize(
    "cells", [b"\xff" * 512, historic_eeprom("declared-1", (1, 2, 3, 4, 5, 5)), b"\x00" * 512]
)
def test_counters_that_the_eeprom_does_not_hold_are_not_risked(cells):
    with pytest.raises(Refused, match="stored|hold"):
        fitness.committed(HISTORIC._replace(counters=COUNTERS), chip(cells=cells))
