# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuses: words for the field's values, and no way to lock oneself out."""

import pytest

from flukso.flash import fuses


def test_the_fields_fuses_in_words():
    assert fuses.describe(0xEC, 0xD6, 0xF9) == [
        "clock: crystal 3 to 8 MHz",
        "EEPROM: kept by a chip erase",
        "brown-out reset: 1.8 V",
        "watchdog: by the program",
        "start: at address 0",
    ]


def test_a_factory_new_chip_in_words():
    lines = fuses.describe(0x62, 0xDF, 0xF9)
    assert lines[:3] == [
        "clock: internal 8 MHz oscillator, divided by 8",
        "EEPROM: erased by a chip erase",
        "brown-out reset: off",
    ]


@pytest.mark.parametrize("high", [0xD6, 0xDE])
def test_eesave_alone_is_changed(high):
    assert fuses.kept_eeprom(high) == 0xD6
    assert not fuses.refusal("hfuse", fuses.kept_eeprom(high))


PLANNED = [
    ("field", "spi", 0xD6, 0xF9, []),
    ("eeprom-wiped", "spi", 0xDE, 0x01, [("hfuse", 0xD6)]),
    ("brown-out", "spi", 0xD4, 0x01, [("hfuse", 0xD6)]),
    ("boot-section", "spi", 0xD6, 0xF8, [("efuse", 0x01)]),
    ("generation-1", "uart", 0xDD, 0xF8, [("hfuse", 0xD5)]),
]


@pytest.mark.parametrize(
    "board, high, extended, want", [pytest.param(*row[1:], id=row[0]) for row in PLANNED]
)
def test_only_what_differs_is_written(board, high, extended, want):
    assert fuses.planned(board, high, extended) == want


LOCKED_OUT = [
    ("RSTDISBL", "hfuse", 0x56),
    ("DWEN", "hfuse", 0x96),
    ("SPIEN", "hfuse", 0xF6),
    ("BOOTRST", "efuse", 0x00),
    ("the low fuse", "lfuse", 0xEC),
]


@pytest.mark.parametrize("words, name, value", LOCKED_OUT)
def test_refuses_what_locks_out(words, name, value):
    assert fuses.refusal(name, value).startswith(words)


def test_nothing_that_is_planned_locks_out():
    for high in range(256):
        for extended in range(8):
            for board in ("spi", "uart"):
                assert not [
                    item for item in fuses.planned(board, high, extended) if fuses.refusal(*item)
                ]


@pytest.mark.parametrize(
    "board, low, fits",
    [("spi", 0xEC, True), ("spi", 0xE2, False), ("uart", 0xE2, True), ("uart", 0xEC, False)],
)
def test_a_board_is_told_by_its_clock(board, low, fits):
    assert (fuses.misfit(board, low) == "") == fits
