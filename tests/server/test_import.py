# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices that were provisioned beforehand come from a CSV file, all or none."""

import contextlib
import sqlite3
import subprocess
import sys
import threading
import time

import pytest

from server.testbed import ROOT
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
    (f"{'34' * 16},{'9' * 32}".encode(), b"line 2: the device has another key above"),
    (f"{'56' * 16},{NEW_KEY},{'01' * 16}\n{'57' * 16},{NEW_KEY},{'01' * 16}".encode(), b"line 3: sensor"),
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


def test_a_long_list_lets_others_write_in_between(platform, tmp_path):
    """While 2,000 devices come, another process writes again and again, and waits for none of them long."""
    file = tmp_path / "devices.csv"
    file.write_text("".join(f"{n + (9 << 124):032x},{NEW_KEY},{n + (8 << 124):032x}\n" for n in range(2000)))
    before = devices(platform)
    command = [sys.executable, "-m", "server", "import_devices", str(file)]
    with subprocess.Popen(command, cwd=ROOT, env=platform.environment, stdout=subprocess.PIPE, text=True) as importer:
        assert importer.stdout
        first = importer.stdout.readline()
        longest = 0.0
        waits = 0
        while importer.poll() is None:
            began = time.monotonic()
            with contextlib.closing(sqlite3.connect(platform.folder / "accounts.db", timeout=10, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                other.execute("ROLLBACK")
            longest = max(longest, time.monotonic() - began)
            waits += 1
            time.sleep(0.02)
            if waits == 1:
                rest = threading.Thread(target=importer.stdout.read)
                rest.start()
        rest.join()
    assert first.startswith("9") and importer.returncode == 0 and devices(platform) == before + 2000
    assert waits >= 3 and longest < 3, (waits, longest)
