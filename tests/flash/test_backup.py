# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup comes back as it went, or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flukso.flash.backup import FILE_MAX, Backup, BackupError, dump, load, whole

FLASH, EEPROM = bytes(range(256)) * 64, bytes(range(256)) * 2
GOOD = Backup(
    1_790_000_000,
    b"\x1e\x94\x0b",
    (0xEC, 0xDE, 0xF9),
    FLASH,
    EEPROM,
    (1, 2, 3, 4, 5, 2**32 - 1),
    (1, 0),
    (2, 1),
    b"\n{}",
)


@pytest.mark.parametrize(
    "change",
    [{}, {"image": b""}, {"image": FLASH}, {"counters": (), "firmware": (), "hardware": ()}],
)
def test_comes_back_as_it_went(change):
    kept = GOOD._replace(**change)
    assert load(dump(kept)) == kept
    assert len(dump(kept)) <= FILE_MAX


def test_every_damaged_byte_is_noticed():
    data = dump(GOOD)
    for at in [*range(400), *range(400, len(data), 97), *range(len(data) - 20, len(data))]:
        with pytest.raises(BackupError):
            load(data[:at] + bytes([data[at] ^ 0x01]) + data[at + 1 :])
        with pytest.raises(BackupError):
            load(data[:at])


@given(st.binary(max_size=400))
def test_raises_only_backup_error(data):
    with pytest.raises(BackupError):
        load(data)


@pytest.mark.parametrize(
    "change",
    [
        {"signature": b""},
        {"fuses": (1, 2)},
        {"flash": b"1"},
        {"eeprom": b""},
        {"image": FLASH + b"\0"},
        {"counters": (1, 2)},
    ],
)
def test_an_incomplete_backup_is_refused(change):
    assert not whole(GOOD._replace(**change))
    with pytest.raises(BackupError, match="incomplete"):
        load(dump(GOOD._replace(**change)))
