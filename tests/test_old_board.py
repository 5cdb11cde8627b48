# SPDX-License-Identifier: GPL-3.0-or-later
"""The model of the historic board has the historic board's habits, and the historic router gets on
with it.
"""

import pytest

from tests.test_vectors import cases
from tools.fakes.historic_board import HistoricBoard
from tools.fakes.oldboard import OldBoard
from tools.fakes.oldmaster import OldMaster
from tools.harness.bus import Bus, Control, Refused, crc8

SETTINGS = ["se0001", "se0101", "se0201", "se0301", "se0401", "sm030001", "sm04000a"]


@pytest.fixture(params=[18, 22])
def old(request, tmp_path):
    with OldBoard(tmp_path, request.param) as running:
        yield running


@pytest.fixture
def control(old):
    with Control(old.control_url) as line:
        yield line


@pytest.fixture
def master(old, control):
    return OldMaster(control, old.board.digits)


@pytest.mark.parametrize("case", cases("dialogues", "cases"))
def test_dialogues(master, case, old):
    for message, reply in case["steps"]:
        if old.board.digits == 18 and (message[1:3] in ("gf", "sf") or message[1:3] == "sh"):
            continue  # hardware 2.0 has no fraction
        read = master._turn(message.encode(), 500_000)
        want = b"gh000200" if old.board.digits == 18 and message[1:3] == "gh" else reply.encode()
        assert read == b"l" + want + b"%02x.u" % crc8(want)


def test_router_gets_every_delta_but_those_of_five_changed_sensors(master, control):
    master.sync(SETTINGS)
    control.ask("clamp 0 3600")
    master.run(20)
    assert not master.faults
    assert [entries[0].extra for _, entries in master.deltas[2:]] == [3600] * 18
    assert master.last_counters()[0] in (19, 20, 21)
    for line in ("pulse 0 10 1000000", "pulse 1 10 1000000"):
        control.ask(line)
    master.run(10)
    assert master.faults and all("CRC" in fault for _, _, fault in master.faults)


def test_reading_late_gives_what_reading_early_loses(old, master, control):
    master.sync(SETTINGS)
    control.ask("pulse 0 1 1")
    control.ask("pulse 1 1 1")
    master._sleep(1_500_000)
    early = master._turn(b"lgd" + b"%02x." % crc8(b"gd"), 10_000)
    assert old.board.wrong_replies == 1
    assert b"%02x" % crc8(early[1:-4]) != early[-4:-2]
    assert master.ask("gd") == "gd"  # the flags are gone
    assert master.ask("gc04") == "gc040000000a"


def test_weaknesses(master, old):
    assert master.ask("xx") == "xx"
    assert master.ask("sc0300000007") == "sc0300000007"
    master.ask("sc03")
    assert old.board.counter[3] == 0
    assert master._turn(b"lgc0000.", 20_000) == b"lzz%02x.u" % crc8(b"zz")


def test_a_terminator_without_its_zero_loses_the_next_command(old, control):
    ask = b"lgw" + b"%02x." % crc8(b"gw") + b"\0\0"
    control.spi(ask, 2000)
    assert control.spi(bytes(12), 300)[:10] == b"lgw0000%02x." % crc8(b"gw0000")
    control.spi(ask, 2000)
    assert control.spi(bytes(3), 300) == b"lu\0"


def test_reset_without_a_brown_out_goes_back_to_the_last_commit(master, control, old):
    master.sync([*SETTINGS, "sc0000000064"])
    control.ask("clamp 0 36000")
    master._sleep(10_000_000)
    assert control.counters()[0] >= 199
    control.ask("reset")
    assert control.counters()[0] == 100


def test_power_cut_and_wire_statuses(master, control, old):
    bus = Bus(old.bus_url)
    control.ask("cut")
    assert bus.transfer(b"abc", 300) == (1, b"\xff\xff\xff")
    control.ask("power")
    assert bus.transfer(b"\0\0", 300)[0] == 0
    with pytest.raises(Refused):
        control.ask("nonsense")
    bus.close()


def test_energy_is_exact():
    board = HistoricBoard()
    board.enabled[0] = 1
    board.watt[0] = 1234
    board.advance(3600 * 1_000_000)
    assert board.counter[0] == 1234
