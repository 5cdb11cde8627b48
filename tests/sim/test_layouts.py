# SPDX-License-Identifier: GPL-3.0-or-later
"""From firmware 2.0 to this one and back, and from historic EEPROMs: counters and settings stay,
wherever the power is cut.
"""

import random
from pathlib import Path

import pytest

from tests.sim.board import FIRMWARE, Sim
from tests.sim.history import CELLS, IDS, IMAGES
from tests.sim.master import Master

LAYOUT_1 = {
    board: Path(__file__).with_name("images") / (board + "-2.0.txt") for board in ("spi", "uart")
}
SETTINGS = ("gp", "gh", "ge03", "gm00", "gf00", "gm03", "gf04")
TRIAL_H = 24
COUNTERS_2_0 = 0x2A1  # sensor_counter in the RAM of generation 1's firmware 2.0
NO_DAMAGE = (0, 0)  # falls, age


class Board:
    """An EEPROM that goes from one firmware to another; kind is that of the boards."""

    def __init__(self, folder):
        self.folder = folder
        self.kind = "spi"
        self.cells = b"\xff" * CELLS
        self._sims = {}

    def _sim(self, image):
        if image not in self._sims:
            folder = self.folder / str(len(self._sims))
            folder.mkdir()
            self._sims[image] = Sim(folder, image, "--board", self.kind)
        return self._sims[image]

    def run(self, image, what, seconds=1.0):
        """Power on, let what(sim, master) happen, cut the power; what it returned."""
        sim = self._sim(image)
        if sim.stat("power", "pins"):
            sim.ask("cut")
        sim.ask("supply 5000")
        sim.ask("cut-at 4000000000 before")  # none
        sim.ask("eeprom " + self.cells.hex())
        sim.run(0.05)
        sim.ask("power")
        sim.run(seconds)
        answer = what(sim, Master(sim))
        if sim.stat("power", "pins"):
            sim.ask("cut")
        self.cells = bytes.fromhex(sim.ask("eeprom"))
        return answer

    def close(self):
        for sim in self._sims.values():
            sim.close()


@pytest.fixture
def board(tmp_path):
    running = Board(tmp_path)
    yield running
    running.close()


@pytest.fixture
def first(board):
    """The same of generation 1."""
    board.kind = "uart"
    return board


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
    stage = rand.choice(["before", "erased", "written", "middle"])
    sim.ask("cut-at {} {}".format(operation, stage))
    sim.run(1.2)
    return not sim.stat("power", "pins")


@pytest.mark.parametrize("records", range(12))
def test_an_update_keeps_what_layout_1_holds(board, records):
    had, count = board.run(LAYOUT_1["spi"], prepare(records))
    assert board.run(FIRMWARE["spi"], settings) == had
    assert board.run(FIRMWARE["spi"], counters) == count
    if records % 4 == 0:
        last = board.run(LAYOUT_1["spi"], dip)
        assert board.run(FIRMWARE["spi"], counters) == last


EVERY = [pytest.param(False, id="some"), pytest.param(True, id="every", marks=pytest.mark.slow)]


def operations(every, share=8):
    """Numbers of operations, each or fewer and fewer of them."""
    operation = 1
    while True:
        yield operation
        operation += 1 if every else 1 + operation // share


def falls(sim, _):
    """How many records or copies were found damaged, and the age of what was taken last."""
    more = bytes.fromhex(
        sim.ask("symbol more 30" if len(sim.control.counters()) == 6 else "symbol more 26")
    )
    at = len(more) - 14
    return int.from_bytes(more[at : at + 2], "little"), more[at + 2]


@pytest.mark.parametrize("every", EVERY)
@pytest.mark.parametrize("records", [0, 3, 7, 8, 9, 10, 11])
def test_an_update_may_be_cut_at_any_operation(board, records, every):
    had, _ = board.run(LAYOUT_1["spi"], prepare(records))
    last = board.run(LAYOUT_1["spi"], dip)
    had[0] = "gp000102030405"
    start = board.cells
    for operation in operations(every):
        board.cells = start
        cut = board.run(FIRMWARE["spi"], lambda sim, _, n=operation: cut_while(sim, n, n), 0)
        torn = board.cells
        for image in (FIRMWARE["spi"], LAYOUT_1["spi"]):  # it goes on, or somebody goes back
            board.cells = torn
            assert board.run(
                image, lambda sim, master: (counters(sim, master), settings(sim, master)), 0.4
            ) == (last, had), operation
            if image == FIRMWARE["spi"]:
                assert board.run(image, falls) == NO_DAMAGE, operation
        if not cut:
            break
    assert operation > 60


# generation 1


def first_counters(sim, _=None):
    return sim.control.counters()


def first_counters_2_0(sim, _=None):
    data = bytes.fromhex(sim.ask("symbol {:#x} 16".format(COUNTERS_2_0)))
    return [int.from_bytes(data[i : i + 4], "little") for i in range(0, 16, 4)]


def first_ids(sim, _):
    data = bytes.fromhex(sim.ask("symbol settings 68"))[4:]
    return [data[i : i + 16].hex() for i in range(0, 64, 16)]


READ_FIRST = {FIRMWARE["uart"]: first_counters, LAYOUT_1["uart"]: first_counters_2_0}


def first_dip(image):
    """All four sensors get energy and pulses; the supply fails and holds as long as it must."""

    def steps(sim, _):
        for k in range(2):
            sim.ask("clamp {} 11000".format(k))
            sim.ask("pulse {} {} 60000 30000".format(k, 5 + k))
        sim.run(0.9)
        for k in range(2):
            sim.ask("clamp {} 0".format(k))
        sim.run(0.1)
        counted = READ_FIRST[image](sim)
        sim.ask("supply 4000")
        sim.run(0.06)
        return counted

    return steps


def first_of_2_0(board, dips):
    """A generation-1 board that firmware 2.0 took over from a historic one and that lost its power
    so often; its counters.
    """
    image = IMAGES["first"]
    board.cells = image.cells
    last = board.run(LAYOUT_1["uart"], first_counters_2_0)
    assert last == image.counters
    for _ in range(dips):
        last = board.run(LAYOUT_1["uart"], first_dip(LAYOUT_1["uart"]))
    return last


@pytest.mark.parametrize("dips", range(0, 18, 2))
def test_generation_1_goes_from_2_0_and_back(first, dips):
    last = first_of_2_0(first, dips)
    assert first.run(FIRMWARE["uart"], first_counters) == last
    assert first.run(FIRMWARE["uart"], first_ids) == IDS
    assert first.run(FIRMWARE["uart"], falls) == NO_DAMAGE
    assert first.run(LAYOUT_1["uart"], first_counters_2_0) == last
    last = first.run(LAYOUT_1["uart"], first_dip(LAYOUT_1["uart"]))
    assert first.run(FIRMWARE["uart"], first_counters) == last
    last = first.run(FIRMWARE["uart"], first_dip(FIRMWARE["uart"]))
    assert first.run(LAYOUT_1["uart"], first_counters_2_0) == last
    assert first.run(FIRMWARE["uart"], falls) == NO_DAMAGE


@pytest.mark.parametrize("every", EVERY)
@pytest.mark.parametrize("dips", [0, 1, 4, 7, 9])
def test_generation_1_may_be_cut_at_any_operation(first, dips, every):
    last = first_of_2_0(first, dips)
    start = first.cells
    for operation in operations(every):
        first.cells = start
        cut = first.run(FIRMWARE["uart"], lambda sim, _, n=operation: cut_while(sim, n, n), 0)
        torn = first.cells
        for image, read in READ_FIRST.items():
            first.cells = torn
            assert first.run(image, read, 0.4) == last, operation
        first.cells = torn
        assert first.run(FIRMWARE["uart"], first_ids) == IDS, operation
        assert first.run(FIRMWARE["uart"], falls) == NO_DAMAGE, operation
        if not cut:
            break
    assert operation > 60


@pytest.mark.parametrize("every", EVERY)
@pytest.mark.parametrize("name", IMAGES)
def test_a_historic_eeprom_may_be_cut_at_any_operation(board, name, every):
    """The takeover goes on, or starts anew under firmware 2.0, from which the board comes back."""
    image = IMAGES[name]
    board.kind = image.board
    new, old = FIRMWARE[image.board], LAYOUT_1[image.board]
    read = (
        {new: first_counters, old: first_counters_2_0}
        if image.board == "uart"
        else {new: counters, old: counters}
    )
    for operation in operations(every, 4):
        board.cells = image.cells
        cut = board.run(new, lambda sim, _, n=operation: cut_while(sim, n, n), 0)
        torn = board.cells
        for way in ((new, new), (old, new), (new, old, new)):
            board.cells = torn
            for firmware in way:
                assert board.run(firmware, read[firmware], 0.6) == image.counters, (operation, way)
            assert board.run(new, falls) == NO_DAMAGE, (operation, way)
            if image.board == "spi":
                assert board.run(new, lambda _, master: master.ask("ga")) == "ga12"
        if not cut:
            break
    assert operation > 100


@pytest.mark.parametrize("records", range(0, 12, 3))
def test_a_downgrade_keeps_counters_and_settings(board, records):
    had, count = board.run(FIRMWARE["spi"], prepare(records))
    assert board.run(LAYOUT_1["spi"], settings) == had
    assert board.run(LAYOUT_1["spi"], counters) == count
    last = board.run(FIRMWARE["spi"], dip)
    assert board.run(LAYOUT_1["spi"], counters) == last


def test_there_and_back_again_and_again(board):
    for turn in range(8):
        image = LAYOUT_1["spi"] if turn % 2 else FIRMWARE["spi"]
        had, count = board.run(image, prepare(1 + turn))
        last = board.run(image, dip)
        assert last[:3] == count[:3]
        other = FIRMWARE["spi"] if turn % 2 else LAYOUT_1["spi"]
        assert board.run(other, counters) == last
        assert board.run(other, settings)[1:] == had[1:]


def test_what_is_new_starts_with_an_update(board):
    board.run(LAYOUT_1["spi"], prepare(1))

    def new(_, master):
        return [master.ask(command) for command in ("ga", "gn03", "go03", "gv")]

    assert board.run(FIRMWARE["spi"], new) == [
        "ga12",
        "gn0300000000",
        "go030000",
        "gv{:012x}".format(TRIAL_H),
    ]
    board.cells = b"\xff" * CELLS
    assert board.run(FIRMWARE["spi"], new)[3] == "gv000000000000"  # nothing to compare with


@pytest.mark.parametrize("cell", [86, 100, 111])
def test_damage_is_told(board, cell):
    board.run(FIRMWARE["spi"], prepare(10))
    cells = bytearray(board.cells)
    slots = [
        int.from_bytes(cells[85 + 28 * n : 87 + 28 * n], "little")
        if cells[112 + 28 * n] != 0xFF
        else -1
        for n in range(8)
    ]
    newest = slots.index(max(slots))
    cells[cell + 28 * newest] ^= 0x10
    board.cells = bytes(cells)
    assert board.run(FIRMWARE["spi"], lambda _, master: master.ask("gv")) == "gv000101000000"
    assert board.run(FIRMWARE["spi"], lambda _, master: master.ask("gv")) == "gv000101000000"
