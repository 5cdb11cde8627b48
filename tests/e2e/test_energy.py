# SPDX-License-Identifier: GPL-3.0-or-later
"""The board's counters against the energy that went through the clamps, and its power against the
watts.
"""

import pytest

from tools.fakes.oldmaster import OldMaster
from tools.harness.bus import Control
from tools.harness.chain import Simulator
from tools.trace import csv_text

PPM = 50e-6
CLAMP_500A = ["sm0{}c9b3".format(n) for n in range(3)]  # 51635
# 5163.5
CLAMP_50A = [text for n in range(3) for text in ("sm0{}142b".format(n), "sf0{}01f4".format(n))]
ENABLE = ["se0001", "se0101", "se0201"]


def board(folder, settings, trace=None, more=()):
    """A running simulator with these settings, its control line, and a router that asks nothing by
    itself.
    """
    running = Simulator(folder, trace, more)
    control = Control(running.control_url)
    control.ask("advance 0.2")  # nobody talks to a board that is starting
    control.ask("speed max")
    for number in range(3):
        if trace is None:
            control.ask("clamp {} 0".format(number))
    master = OldMaster(control)
    master.sync(["sh000201", *settings])
    return running, control, master


@pytest.fixture
def fluksosim(tmp_path):
    running = []

    def start(*args, **kwargs):
        running.append(board(tmp_path, *args, **kwargs))
        return running[-1][1:]

    yield start
    for simulator, control, _ in running:
        control.close()
        simulator.close()


def test_three_large_clamps_on_one_sensor_at_a_constant_load(fluksosim):
    """60 kWh in ten minutes: the historic firmware's +105 ppm would be 6 Wh."""
    control, master = fluksosim(
        ["sp0000000304ff", "se0001", *CLAMP_500A], more=["--clamp", "230:500"] * 3
    )
    before_wh, before = sum(control.energy_wh()[:3]), control.counters()[0]
    for number in range(3):
        control.ask("clamp {} 120000".format(number))
    master._sleep(600_000_000)
    for number in range(3):
        control.ask("clamp {} 0".format(number))
    master._sleep(1_000_000)
    energy_wh, counted = sum(control.energy_wh()[:3]) - before_wh, control.counters()[0] - before
    assert energy_wh > 59_000
    assert abs(counted - energy_wh) <= 1 + PPM * energy_wh, (counted, energy_wh)


def test_household_loads_on_three_sensors(fluksosim):
    control, master = fluksosim(
        ["sp000102030405", *ENABLE, *CLAMP_50A], trace=csv_text(5, 3600, clamps=3)
    )
    begin_wh, begin = control.energy_wh(), control.counters()
    master._sleep(400_000_000)
    for number in range(3):
        energy_wh = control.energy_wh()[number] - begin_wh[number]
        counted = control.counters()[number] - begin[number]
        assert energy_wh > 15
        assert abs(counted - energy_wh) <= 1 + PPM * energy_wh, (number, counted, energy_wh)


def test_power_from_nothing_to_12_kw(fluksosim):
    control, master = fluksosim(["sp000102030405", *ENABLE, *CLAMP_50A, "sa16"])
    loads = [
        0,
        1,
        5,
        12,
        13,
        40,
        75,
        100,
        230,
        333,
        500,
        1000,
        1500,
        2300,
        3000,
        4600,
        6000,
        7777,
        9000,
        11_500,
        12_000,
    ]
    for first in range(0, len(loads), 3):
        now = loads[first : first + 3]
        for number, watt in enumerate(now):
            control.ask("clamp {} {}".format(number, watt))
        master._sleep(2_200_000)
        master.delta()
        for _ in range(3):
            master._sleep(1_000_000)
            power = {entry.sensor: entry.extra for entry in master.delta()}
            for number, watt in enumerate(now):
                assert abs(power[number] - watt) <= 1 + watt * 1e-3, (watt, power[number])
