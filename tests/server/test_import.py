# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices that were provisioned beforehand come from a CSV file, all or none."""

import pytest

from tests.server.database import count
from tools.harness.device import DEVICE, OTHER_DEVICE, OTHER_SENSOR

NEW, NEWER = "ab" * 16, "cd" * 16
NEW_KEY = "0123456789abcdef" * 2


def imported(platform, path) -> str:
    """What the command prints."""
    return platform.command("import_devices", str(path))


def devices(platform) -> int:
    return count(platform, "devices.Device")


def test_a_list_is_taken_with_its_comments_and_repeated_without_harm(platform, tmp_path):
    file = tmp_path / "devices.csv"
    file.write_text(
        f"device,key,sensors\n# of the workshop\n\n{NEW},{NEW_KEY}\n{NEWER}, {NEW_KEY.upper()} "
        f",{'ef' * 16}\n"
    )
    before = devices(platform)
    told = imported(platform, file)
    assert [line.split(",")[0] for line in told.split()] == [NEW, NEWER]
    assert devices(platform) == before + 2
    assert imported(platform, file) == told
    assert devices(platform) == before + 2


WRONG = (
    (b"short,key", b"line 2: device, key and sensors have 32 hex digits each"),
    (DEVICE.encode(), b"line 2: device, key and sensors"),
    (f"{DEVICE},{'9' * 32}".encode(), b"line 2: the device is known with another key"),
    (f"{OTHER_DEVICE[:-1]}z,{NEW_KEY}".encode(), b"line 2: device, key and sensors"),
    (f"{'12' * 16},{NEW_KEY},{OTHER_SENSOR}".encode(), b"line 2: sensor"),
    (
        f"{'12' * 16},{NEW_KEY}".encode() + b"," + b",".join(b"%032x" % n for n in range(99)),
        b"line 2: more than",
    ),
    (b"\xff\xfe\x00", b"decode"),
    (b'"' + b"1" * 200_000, b"field larger than"),
    (f"{'34' * 16},{'9' * 32}".encode(), b"line 2: the device has another key above"),
    (
        f"{'56' * 16},{NEW_KEY},{'01' * 16}\n{'57' * 16},{NEW_KEY},{'01' * 16}".encode(),
        b"line 3: sensor",
    ),
)


def test_a_wrong_line_is_named_and_nothing_of_the_list_is_taken(platform, tmp_path):
    file = tmp_path / "devices.csv"
    before = devices(platform)
    for wrong, said in WRONG:
        file.write_bytes(f"{'34' * 16},{NEW_KEY}\n".encode() + wrong + b"\n")
        with pytest.raises(RuntimeError) as refused:
            imported(platform, file)
        told = str(refused.value)
        assert said in told.encode()
        assert "Traceback" not in told and NEW_KEY not in told
    assert devices(platform) == before


def test_a_file_that_is_not_there_is_said(platform, tmp_path):
    with pytest.raises(RuntimeError) as refused:
        imported(platform, tmp_path / "none.csv")
    assert "No such file" in str(refused.value)


LOOKS_EACH_S = 0.1  # SQLite looks so often whether the lock that it waits for is free


def test_a_long_list_lets_others_write_in_between(platform, tmp_path):
    """Of 2,000 devices a hundred are written at a time; then another can write at once, and has
    longer than SQLite takes to look again.
    """
    file = tmp_path / "devices.csv"
    file.write_text(
        "".join(f"{n + (9 << 124):032x},{NEW_KEY},{n + (8 << 124):032x}\n" for n in range(2000))
    )
    database = str(platform.folder / "accounts.db")

    imported, before, pauses = platform.call(
        "tests.server.inside.importing.pauses", database, str(file)
    )
    assert imported == 2000 and devices(platform) == before + 2000
    assert [stored - before for _seconds, stored in pauses] == list(range(100, 2000, 100))
    assert min(seconds for seconds, _stored in pauses) > LOOKS_EACH_S
