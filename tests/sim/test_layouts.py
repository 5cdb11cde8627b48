# SPDX-License-Identifier: GPL-3.0-or-later
"""From firmware 2.0 to this one and back, and from historic EEPROMs: counters and settings stay, wherever the power is cut."""

import random
from pathlib import Path

import pytest

from tests.sim.board import FIRMWARE, Sim
from tests.sim.history import IMAGES
from tests.sim.master import Master

LAYOUT_1 = {board: Path(__file__).with_name("images") / (board + "-2.0.txt") for board in ("spi", "uart")}
SETTINGS = ("gp", "gh", "ge03", "gm00", "gf00", "gm03", "gf04")
TRIAL_H = 24


class Board:
    """An EEPROM that goes from one firmware to another."""

    def __init__(self, folder, cells=None):
        self.folder = folder
        self.cells = cells or b"\xff" * 512
        self.runs = 0

    def run(self, image, what, seconds=1.0):
        """Power on, let what(sim, master) happen, cut the power; what it returned."""
        self.runs += 1
        folder = self.folder / str(self.runs)
        folder.mkdir()
        sim = Sim(folder, image, "--seed", str(self.runs))
        try:
            sim.ask("eeprom " + self.cells.hex())
            sim.run(seconds)
            answer = what(sim, Master(sim))
            if sim.stat("power", "pins"):
                sim.ask("cut")
            self.cells = bytes.fromhex(sim.ask("eeprom"))
            return answer
        finally:
            sim.close()


def settings(_, master):
    return [master.ask(command) for command in SETTINGS]


def counters(_, master):
    return master.counters()


def prepare(records):
    """Counters and settings of one's own, committed, then so many records more."""

    def steps(sim, master):
        master.set("sp050403020100")
        master.set("sm03000a")
        master.set("sf0401f4")
        master.set("sm001234")
        master.set("ct")
        for n in range(records):
            for i in range(6):
                master.set("sc{:02x}{:08x}".format(i, 100000 * (n + 1) + i))
            master.set("ct")
        sim.run(0.5)
        return settings(sim, master), master.counters()

    return steps


def dip(sim, master):
    """A short record on top: a sensor moved on, the supply failed and held as long as it must."""
    master.set("sp000102030405")
    master.set("ct")
    sim.run(0.3)
    sim.ask("pulse 0 5 100000 40000")
    sim.run(0.7)
    before = master.counters()
    sim.ask("supply 4000")
    sim.run(0.0305)
    sim.ask("cut")
    return before


def cut_while(sim, operation, seed):
    """Start the board, with the power failing at that EEPROM operation; whether it did."""
    rand = random.Random(seed)
    stage = rand.choice(["before", "erased", "written", "half:{:02x}".format(rand.randrange(256))])
    sim.ask("cut-at {} {}".format(operation, stage))
    sim.run(1.2)
    return not sim.stat("power", "pins")


@pytest.mark.parametrize("records", range(12))
def test_an_update_keeps_what_layout_1_holds(tmp_path, records):
    board = Board(tmp_path)
    had, count = board.run(LAYOUT_1["spi"], prepare(records))
    assert board.run(FIRMWARE["spi"], settings) == had
    assert board.run(FIRMWARE["spi"], counters) == count
    if records % 4 == 0:
        last = board.run(LAYOUT_1["spi"], dip)
        assert board.run(FIRMWARE["spi"], counters) == last


@pytest.mark.parametrize("records", [0, 3, 7, 8, 9, 10, 11])
def test_an_update_may_be_cut_at_any_operation(tmp_path, records):
    board = Board(tmp_path)
    had, _ = board.run(LAYOUT_1["spi"], prepare(records))
    last = board.run(LAYOUT_1["spi"], dip)
    had[0] = "gp000102030405"
    start = board.cells
    operation = 1
    while True:
        board.cells = start
        cut = board.run(FIRMWARE["spi"], lambda sim, _, n=operation: cut_while(sim, n, n), 0)
        torn = board.cells
        for image in (FIRMWARE["spi"], LAYOUT_1["spi"]):  # it goes on, or somebody goes back
            board.cells = torn
            assert board.run(image, counters, 0.4) == last, operation
            assert board.run(image, settings, 0.4) == had, operation
        if not cut:
            break
        operation += 1 + operation // 8
    assert operation > 60


@pytest.mark.parametrize("records", range(0, 12, 3))
def test_a_downgrade_keeps_counters_and_settings(tmp_path, records):
    board = Board(tmp_path)
    had, count = board.run(FIRMWARE["spi"], prepare(records))
    assert board.run(LAYOUT_1["spi"], settings) == had
    assert board.run(LAYOUT_1["spi"], counters) == count
    last = board.run(FIRMWARE["spi"], dip)
    assert board.run(LAYOUT_1["spi"], counters) == last


def test_there_and_back_again_and_again(tmp_path):
    board = Board(tmp_path)
    for turn in range(8):
        image = LAYOUT_1["spi"] if turn % 2 else FIRMWARE["spi"]
        had, count = board.run(image, prepare(1 + turn))
        last = board.run(image, dip)
        assert last[:3] == count[:3]
        other = FIRMWARE["spi"] if turn % 2 else LAYOUT_1["spi"]
        assert board.run(other, counters) == last
        assert board.run(other, settings)[1:] == had[1:]


def test_what_is_new_starts_with_an_update(tmp_path):
    board = Board(tmp_path)
    board.run(LAYOUT_1["spi"], prepare(1))

    def new(_, master):
        return [master.ask(command) for command in ("ga", "gn03", "go03", "gv")]

    assert board.run(FIRMWARE["spi"], new) == ["ga12", "gn0300000000", "go030000", "gv{:012x}".format(TRIAL_H)]
    board.cells = b"\xff" * 512
    assert board.run(FIRMWARE["spi"], new)[3] == "gv000000000000"  # nothing to compare with


@pytest.mark.parametrize("name", [name for name, image in IMAGES.items() if image.board == "spi"])
def test_a_historic_eeprom_has_18_digits_wherever_it_is_cut(tmp_path, name):
    image = IMAGES[name]
    board = Board(tmp_path)
    operation = 1
    while True:
        board.cells = image.cells
        cut = board.run(FIRMWARE["spi"], lambda sim, _, n=operation: cut_while(sim, n, n), 0)
        if not cut:
            break
        assert board.run(FIRMWARE["spi"], lambda sim, master: (master.counters(), master.ask("ga")), 1.5) == (image.counters, "ga12")
        operation += 1 + operation // 6
    assert operation > 40


@pytest.mark.parametrize("cell", [86, 100, 111])
def test_damage_is_told(tmp_path, cell):
    board = Board(tmp_path)
    board.run(FIRMWARE["spi"], prepare(10))
    cells = bytearray(board.cells)
    slots = [int.from_bytes(cells[85 + 28 * n : 87 + 28 * n], "little") if cells[112 + 28 * n] != 0xFF else -1 for n in range(8)]
    newest = slots.index(max(slots))
    cells[cell + 28 * newest] ^= 0x10
    board.cells = bytes(cells)
    assert board.run(FIRMWARE["spi"], lambda _, master: master.ask("gv")) == "gv000101000000"
    assert board.run(FIRMWARE["spi"], lambda _, master: master.ask("gv")) == "gv000101000000"
