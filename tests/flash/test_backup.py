# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup comes back as it went, or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flukso.flash.backup import STAGES, Backup, BackupError, at_stage, dump, load, whole

GOOD = Backup(
    1_790_000_000, b"\x1e\x94\x0b", (0xEC, 0xDE, 0xF9), bytes(16384), bytes(range(256)) * 2, (1, 2, 3, 4, 5, 6), (1, 0), b":00\n", "saved"
)


@pytest.mark.parametrize("flash", [b"", bytes(range(256)) * 64])
@pytest.mark.parametrize("stage", STAGES)
def test_comes_back_as_it_went(flash, stage):
    kept = at_stage(GOOD._replace(flash=flash), stage)
    assert load(dump(kept)) == kept


def test_every_damaged_byte_is_noticed():
    data = dump(GOOD._replace(flash=b""))
    for at in range(len(data)):
        with pytest.raises(BackupError):
            load(data[:at] + bytes([data[at] ^ 0x01]) + data[at + 1 :])
        with pytest.raises(BackupError):
            load(data[:at])


@given(st.binary(max_size=400))
def test_raises_only_backup_error(data):
    with pytest.raises(BackupError):
        load(data)


@pytest.mark.parametrize("change", [{"signature": b""}, {"fuses": (1, 2)}, {"flash": b"1"}, {"eeprom": b""}, {"stage": "later"}])
def test_an_incomplete_backup_is_refused(change):
    assert not whole(GOOD._replace(**change))
    with pytest.raises(BackupError, match="incomplete"):
        load(dump(GOOD._replace(**change)))
