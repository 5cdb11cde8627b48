# SPDX-License-Identifier: GPL-3.0-or-later
"""The historic router of either form of deltas on every image of the firmware: no poll of it goes
wrong.
"""

import fcntl
import subprocess
from pathlib import Path

import pytest

from tests.sim.board import FIRMWARE, ROOT, Sim
from tests.sim.history import CELLS, IMAGES
from tests.sim.master import Master
from tools.fakes.oldmaster import OldMaster

BUILDS = ["usual", "18", "22", "2.0"]
FORMS = {"usual": 18, "18": 18, "22": 22}
BLANK = b"\xff" * CELLS
SETTINGS = [
    "sp000102030405",
    *["se0{}01".format(n) for n in range(6)],
    *["sm0{}142b".format(n) for n in range(3)],
    "sm030001",
    "sm04000a",
    "sf030000",
    "sf040000",
]


@pytest.fixture(scope="module")
def images():
    with open(ROOT / "avr/build/images.lock", "w") as lock:  # several workers may want them
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(
            ["make", "-s", "-C", ROOT / "avr", "images"], check=True, stdout=subprocess.DEVNULL
        )
    return {
        "usual": FIRMWARE["spi"],
        "18": ROOT / "avr/build/flukso-spi-18.hex",
        "22": ROOT / "avr/build/flukso-spi-22.hex",
        "2.0": Path(__file__).with_name("images") / "spi-2.0.txt",
    }


class Boards:
    """One EEPROM under one image after the other."""

    def __init__(self, folder, images, cells):
        self.folder, self.images, self.cells = folder, images, cells
        self.count = 0

    def run(self, build, what):
        folder = self.folder / str(self.count)
        folder.mkdir(parents=True)
        self.count += 1
        sim = Sim(folder, self.images[build])
        try:
            sim.ask("eeprom " + self.cells.hex())
            sim.run(1)
            answer = what(sim)
            sim.ask("cut")
            self.cells = bytes.fromhex(sim.ask("eeprom"))
            return answer
        finally:
            sim.close()


def poll(digits, minor, seconds=12):
    """A router that reads so many digits, and says the hardware's minor version as its
    configuration does, polls a busy board.
    """

    def steps(sim):
        router = OldMaster(sim.control, digits)
        router.sync(["sh00020{}".format(minor), *SETTINGS])
        before = Master(sim).counters()
        for number, watt in enumerate((11_500, 230, 4000)):
            sim.ask("clamp {} {}".format(number, watt))
        pulses = seconds - 1
        sim.ask("pulse 0 {} 1000000".format(pulses))
        sim.ask("pulse 1 {} 500000 200000".format(2 * pulses))
        router.run(seconds)
        for number in range(3):
            sim.ask("clamp {} 0".format(number))
        router.run(2)
        assert router.faults == []
        assert all(
            {0, 1, 2} <= {entry.sensor for entry in entries} for _, entries in router.deltas[1:]
        )
        last = router.last_counters()
        assert [last[n] for n in range(5)] == Master(sim).counters()[:5]
        assert [last[3] - before[3], last[4] - before[4]] == [pulses, 20 * pulses]
        return True

    return steps


@pytest.mark.parametrize("minor", [0, 1])
@pytest.mark.parametrize("build", BUILDS)
def test_an_empty_board_fits_its_router(tmp_path, images, build, minor):
    digits = FORMS.get(build, 22 if minor else 18)
    assert Boards(tmp_path, images, BLANK).run(build, poll(digits, minor))


@pytest.mark.parametrize("minor", [0, 1])
@pytest.mark.parametrize("build", FORMS)
@pytest.mark.parametrize("name", [name for name, image in IMAGES.items() if image.board == "spi"])
def test_a_board_that_is_updated_fits_its_router(tmp_path, images, build, name, minor):
    boards = Boards(tmp_path, images, IMAGES[name].cells)
    assert boards.run(build, poll(FORMS[build], minor, 4))


@pytest.mark.parametrize("first", BUILDS)
@pytest.mark.parametrize("second", FORMS)
def test_another_image_has_the_form_of_its_name(tmp_path, images, first, second):
    """And what an owner set by `sa` outlives power and `sh`, but not another form's image."""
    boards = Boards(tmp_path, images, BLANK)
    boards.run(first, poll(FORMS.get(first, 22), 1, 4))
    assert boards.run(second, poll(FORMS[second], 1, 4))
    other = 40 - FORMS[second]

    def set_other(sim):
        Master(sim).set("sa{:02x}".format(other))
        Master(sim).set("ct")

    boards.run(second, set_other)
    assert boards.run(second, poll(other, 0, 4))
    if first != "2.0":
        same = FORMS[first] == FORMS[second]
        assert boards.run(first, poll(other if same else FORMS[first], 1, 4))


def test_the_wrong_router_is_noticed(tmp_path, images):
    """Else these tests say nothing."""
    for build, digits in (("usual", 22), ("22", 18)):
        with pytest.raises(AssertionError):
            Boards(tmp_path / build, images, BLANK).run(build, poll(digits, 1, 4))
