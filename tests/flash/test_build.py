# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make` is told to build the firmware with holds on a tree that is built, too; nothing else
is built again.
"""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IDS = ["{:032x}".format(number) for number in range(4)]
OBJECT = "hw/main.o"


def made(folder, name, *words):
    """Return what a file of the UART board's firmware holds, and when it was written, after this
    `make`.
    """
    command = [
        "make",
        "-s",
        "-C",
        ROOT / "avr",
        "BOARD=uart",
        "BUILD={}".format(folder),
        folder / name,
        *words,
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return (folder / name).read_bytes(), (folder / name).stat().st_mtime_ns


def test_extra_builds_a_built_object_anew(tmp_path):
    _, written = made(tmp_path, OBJECT)
    assert made(tmp_path, OBJECT)[1] == written
    _, anew = made(tmp_path, OBJECT, "EXTRA=-DNOTHING='1'")
    assert (
        written
        < anew
        == made(tmp_path, OBJECT, "EXTRA=-DNOTHING='1'")[1]
        < made(tmp_path, OBJECT)[1]
    )


def test_ids_come_into_a_built_eeprom_image(tmp_path):
    plain, _ = made(tmp_path, "flukso.eep")
    named, written = made(tmp_path, "flukso.eep", "IDS={}".format(" ".join(IDS)))
    assert named != plain and made(tmp_path, "flukso.eep", "IDS={}".format(" ".join(IDS))) == (
        named,
        written,
    )
    assert made(tmp_path, "flukso.eep")[0] == plain
