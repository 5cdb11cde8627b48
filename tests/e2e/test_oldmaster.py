# SPDX-License-Identifier: GPL-3.0-or-later
"""The historic router polls our firmware: no fault in its fixed 20 ms, in either length of a delta
entry.
"""

import pytest

from tools.fakes.oldmaster import OldMaster, Wrong
from tools.harness.bus import Control
from tools.harness.chain import Simulator

SETTINGS = [
    "sp000102030405",
    *["se0{}01".format(n) for n in range(5)],
    *["sm0{}142b".format(n) for n in range(3)],
    "sm030001",
    "sm04000a",
]


@pytest.fixture
def firmware(tmp_path):
    running = Simulator(tmp_path)
    yield running
    running.close()


@pytest.fixture
def control(firmware):
    with Control(firmware.control_url) as line:
        line.ask("advance 0.2")  # nobody talks to a board that is starting
        line.ask("speed max")
        yield line


@pytest.mark.parametrize("digits", [18, 22])
def test_no_poll_goes_wrong(control, digits):
    master = OldMaster(control, digits)
    master.sync(
        ["sh00020{}".format(0 if digits == 18 else 1), "sa{:02x}".format(digits), *SETTINGS]
    )
    for number, watt in enumerate((11_500, 230, 0)):
        control.ask("clamp {} {}".format(number, watt))
    control.ask("pulse 0 25 1000000")
    control.ask("pulse 1 50 500000")
    master.run(40)
    assert master.faults == []
    assert master.polls == 360 and len(master.deltas) == 40
    for n in range(3):
        control.ask("clamp {} 0".format(n))
    master.run(2)
    last, live = master.last_counters(), control.counters()
    assert [last[n] for n in range(5)] == live[:5]
    assert (last[3], last[4]) == (25, 500)
    assert all({0, 1, 2} <= {entry.sensor for entry in entries} for _, entries in master.deltas[1:])
    powers = [
        entry.extra for _, entries in master.deltas[3:38] for entry in entries if entry.sensor == 0
    ]
    assert all(abs(power - 11_500) <= 12.5 for power in powers)


def test_a_message_cut_off_by_a_dead_master_costs_one_command_at_most(control):
    master = OldMaster(control)
    master.sync(SETTINGS)
    for cut in range(1, 12):
        control.spi(b"lsc0100000064aa.\0\0"[:cut], 300)
        master._sleep(50_000)
        try:
            assert master.ask("gw") == "gw0000"
        except Wrong:
            assert master.ask("gw") == "gw0000", cut


def test_settings_survive_a_power_cut_after_commit(control):
    master = OldMaster(control)
    master.sync(SETTINGS)
    control.ask("cut")
    master._sleep(1_000_000)
    control.ask("power")
    master._sleep(1_000_000)
    assert master.ask("gm00") == "gm00142b"
    assert master.ask("ge04") == "ge0401"
    assert master.ask("gp") == "gp000102030405"
