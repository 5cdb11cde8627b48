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
    assert lines[:3] == ["clock: internal 8 MHz oscillator, divided by 8", "EEPROM: erased by a chip erase", "brown-out reset: off"]


@pytest.mark.parametrize("high", [0xD6, 0xDE])
def test_eesave_alone_is_changed(high):
    assert fuses.kept_eeprom(high) == 0xD6
    assert not fuses.refusal(0xEC, fuses.kept_eeprom(high), 0x01)


LOCKED_OUT = [
    ("RSTDISBL", 0xEC, 0x56, 0x01),
    ("DWEN", 0xEC, 0x96, 0x01),
    ("SPIEN", 0xEC, 0xF6, 0x01),
    ("CKSEL", 0xE0, 0xD6, 0x01),
    ("CKSEL", 0xE2, 0xD6, 0x01),
    ("CKDIV8", 0x6C, 0xD6, 0x01),
    ("BOOTRST", 0xEC, 0xD6, 0x00),
]


@pytest.mark.parametrize("name, low, high, extended", LOCKED_OUT)
def test_refuses_what_locks_out(name, low, high, extended):
    assert fuses.refusal(low, high, extended).startswith(name)


def test_unused_bits_of_the_extended_fuse_do_not_count():
    assert fuses.same_extended(0xF9, 0x01)
    assert not fuses.same_extended(0xF9, 0x00)
