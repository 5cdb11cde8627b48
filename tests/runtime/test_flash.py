# SPDX-License-Identifier: GPL-3.0-or-later
"""flukso-flash frozen into the routers' runtime, on big-endian MIPS under qemu with its package's
heap; avrdude is this machine's.
"""

import os
import subprocess

import pytest

from tests.runtime.conftest import started
from tools.flash.preloads import library
from tools.flash.station import COUNTERS, Station, historic_chip
from tools.harness.simulator import FIRMWARE

pytestmark = pytest.mark.timeout(300)
HEAP, FROZEN = started("flukso-firmware/files/flukso-flash")


@pytest.fixture
def tool(mips, tmp_path):
    """A function that runs the tool: (its exit status, what it said)."""
    env = {
        **os.environ,
        "MICROPYPATH": ".frozen",
        "LD_PRELOAD": str(library("impatient", tmp_path)),
    }
    start = [*mips[:-1], "heapsize=" + HEAP, *FROZEN]

    def run(*words):
        done = subprocess.run(
            [*start, *[str(word) for word in words]],
            capture_output=True,
            text=True,
            env=env,
            cwd=tmp_path,
            timeout=120,
        )
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.fixture
def board(tmp_path):
    with Station(tmp_path, historic_chip("declared-1", COUNTERS), "declared-1") as running:
        yield running


def test_an_image_is_checked_and_a_board_read(tool, board, tmp_path):
    status, said = tool("check", FIRMWARE)
    assert status == 0 and "for the spi board" in said and "intact" in said, said
    (tmp_path / "damaged.hex").write_text(FIRMWARE.read_text().replace(":10", ":11", 1))
    status, said = tool("check", tmp_path / "damaged.hex")
    assert status == 9 and "line 1" in said, said
    status, said = tool("info", *board.options())
    assert status == 0 and "counters: " + " ".join(str(counter) for counter in COUNTERS) in said, (
        said
    )
    assert (
        "EEPROM: historic, hardware 2.1" in said
        and board.chip.erases == board.chip.fuse_writes == 0
    )


def test_a_board_is_updated(tool, board):
    status, said = tool("update", FIRMWARE, *board.options())
    assert status == 0 and "kept" in said, said
    assert board.firmware() == ((2, 1), COUNTERS) and not board.backup.exists()
