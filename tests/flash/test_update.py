# SPDX-License-Identifier: GPL-3.0-or-later
"""Updates through the real avrdude: counters survive, and a cut at any write is recovered from."""

import struct

import pytest

from flukso.flash import avrdude, ihex, image, update
from flukso.flash.update import Failed, Refused, State
from tests.e2e.chain import FIRMWARE
from tests.fakes.isp_chip import EESAVE, Chip
from tests.flash.bench import Bench

COUNTERS = (1, 255, 65_536, 4_294_967_290, 123_456_789, 0)


def running():
    """A chip on which our firmware runs."""
    chip = Chip(hfuse=0xDE)
    chip.flash[:] = ihex.read(FIRMWARE.read_bytes(), avrdude.FLASH_SIZE)
    return chip


def newer():
    """The same firmware under a higher version, as an image."""
    found = image.load(FIRMWARE.read_bytes())
    memory = bytearray(found.memory)
    memory[image.DESCRIPTOR_AT + 7] += 1
    struct.pack_into("<I", memory, image.CRC_AT, image.checksum(memory))
    return ihex.write(memory)


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path, running())
    made.set_counters(*COUNTERS)
    return made


def test_counters_and_settings_survive_an_update(bench):
    before = bench.run(bench.state())
    result = bench.run(update.update(bench, newer()))
    after = bench.run(bench.state())
    assert result.before == result.after == after.counters == COUNTERS
    assert after.settings == before.settings
    assert after.version == (before.version[0], before.version[1] + 1)
    assert not bench.chip.fuses["hfuse"] & EESAVE and bench.chip.erases == 0  # this chip object only mirrors the folder
    assert bench.kept() is None and bench.daemon == "running"


@pytest.mark.parametrize("nth", [1, 2, 40])
def test_a_power_cut_in_any_write_is_recovered_from(bench, nth):
    bench.run_avrdude = bench.avrdude

    def cut_while_writing(operations):
        bench.cut_at = nth if any(":w:" in operation for operation in operations) else 0
        bench.run_avrdude(operations)

    bench.avrdude = cut_while_writing
    with pytest.raises(Failed, match="recover"):
        bench.run(update.update(bench, newer()))
    assert bench.daemon == "running" and bench.kept() is not None
    bench.cut_at, bench.avrdude = 0, bench.run_avrdude
    result = bench.run(update.recover(bench))
    assert result.counters_kept and result.after == COUNTERS and bench.kept() is None


def test_the_old_firmware_can_be_brought_back(bench):
    old = bytes(bench.chip.flash)
    bench.cut_at, bench.run_avrdude = 0, bench.avrdude

    def cut_while_writing(operations):
        bench.cut_at = 20 if "erase" in operations else 0
        bench.run_avrdude(operations)

    bench.avrdude = cut_while_writing
    with pytest.raises(Failed):
        bench.run(update.update(bench, newer()))
    bench.cut_at, bench.avrdude = 0, bench.run_avrdude
    assert bench.run(update.recover(bench, old=True)).after == COUNTERS
    assert bytes(bench.chip.flash) == old


FOUND = image.Image(b"", "spi", (2, 5))
REFUSED = [
    ("board", FOUND, State((1, 0), (2, 1), (), None), "uart", "not for uart"),
    ("other-image", FOUND._replace(board="uart"), State((1, 0), (2, 1), (), None), "auto", "answers over SPI"),
    ("hardware", FOUND, State((1, 0), (2, 2), (), None), "auto", "another board"),
    ("silent", FOUND, None, "auto", "does not answer"),
    ("older", FOUND, State((2, 6), (2, 1), (), None), "auto", "older than 2.6"),
]


@pytest.mark.parametrize("found, state, board, words", [pytest.param(*row[1:], id=row[0]) for row in REFUSED])
def test_refuses(found, state, board, words):
    with pytest.raises(Refused, match=words) as caught:
        update.check(found, state, board, force=False)
    if caught.value.forcible:
        update.check(found, state, board, force=True)
    else:
        with pytest.raises(Refused):
            update.check(found, state, board, force=True)


def test_a_foreign_chip_is_left_alone(bench):
    bench.chip_folder.joinpath("fuses.json").unlink()
    before = {file.name: file.read_bytes() for file in bench.chip_folder.glob("*.bin")}
    with pytest.raises(avrdude.AvrdudeError, match="ATmega48"):
        avrdude.part_of(b"\x1e\x92\x05")
    with pytest.raises(image.ImageError):
        bench.run(update.update(bench, newer()[:-40]))
    assert {file.name: file.read_bytes() for file in bench.chip_folder.glob("*.bin")} == before
