# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices that were provisioned beforehand come from a CSV file, all or none."""

import pytest

from tests.server.client import DEVICE, OTHER_DEVICE, OTHER_SENSOR

NEW, NEWER = "ab" * 16, "cd" * 16
NEW_KEY = "0123456789abcdef" * 2
COUNT = "from devices.models import Device; print(Device.objects.count())"


def imported(platform, path) -> str:
    """What the command prints."""
    return platform.command("import_devices", str(path))


def devices(platform) -> int:
    return int(platform.command("shell", "-v0", "-c", COUNT))


def test_a_list_is_taken_with_its_comments_and_repeated_without_harm(platform, tmp_path):
    file = tmp_path / "devices.csv"
    file.write_text(f"device,key,sensors\n# of the workshop\n\n{NEW},{NEW_KEY}\n{NEWER}, {NEW_KEY.upper()} ,{'ef' * 16}\n")
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
    (f"{'12' * 16},{NEW_KEY}".encode() + b"," + b",".join(b"%032x" % n for n in range(99)), b"line 2: more than"),
    (b"\xff\xfe\x00", b"decode"),
    (b'"' + b"1" * 200_000, b"field larger than"),
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
