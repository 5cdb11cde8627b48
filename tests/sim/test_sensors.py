# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of sensors in docs/design/firmware.md: each clamp and each meter by its constant, with
its accuracy.
"""

from fractions import Fraction

import pytest

from tests.sim.board import ROOT
from tests.sim.master import Master

VOLT = 230
CLAMPS_A = [50, 100, 250, 500]
METERS = [  # name in the table, constant, fraction, what a pulse is worth
    ("electricity meter, 1000 pulses a kWh", 1, 0, Fraction(1)),
    ("electricity meter, 800 pulses a kWh", 1, 250, Fraction(1000, 800)),
    ("electricity meter, 375 turns a kWh", 2, 667, Fraction(1000, 375)),
    ("water meter, 1 l a pulse", 1, 0, Fraction(1)),
    ("water meter, 0.5 l a pulse", 0, 500, Fraction(1, 2)),
    ("gas meter, 10 l a pulse", 10, 0, Fraction(10)),
]
SECONDS = 60
ADD_UP_S = 0.02  # a clamp has its turn at least so often


def clamp_constant(ampere: int) -> tuple[int, int]:
    thousandths = 449 * VOLT * ampere
    return thousandths // 1000, thousandths % 1000


def powers(master: Master) -> dict[int, int]:
    """Watts of the last delta, by sensor."""
    delta = master.ask("gd")[2:]
    size = 22
    assert len(delta) % size == 0
    return {
        int(delta[i : i + 2], 16): int(delta[i + size - 8 : i + size], 16)
        for i in range(0, len(delta), size)
    }


def connect(flukso, ampere: int):
    sim = flukso(*["--clamp", "{}:{}".format(VOLT, ampere)] * 3)
    sim.run(1)
    sim.master = Master(sim)
    sim.master.prepare()
    sim.master.set("sa16")
    whole, fraction = clamp_constant(ampere)
    for k in range(3):
        sim.master.set("sm{:02x}{:04x}".format(k, whole))
        sim.master.set("sf{:02x}{:04x}".format(k, fraction))
    return sim


def test_the_table_has_these_sensors():
    rows = [
        line.split(" | ")
        for line in (ROOT / "docs/design/firmware.md").read_text().splitlines()
        if line.startswith("| ")
    ]
    table = {row[0].removeprefix("| "): row[1:3] for row in rows if len(row) == 5}
    for name, constant, fraction, _ in METERS:
        assert table[name] == [str(constant), str(fraction)]
    for ampere in CLAMPS_A:
        whole, fraction = clamp_constant(ampere)
        assert table["clamp {} A, {} V".format(ampere, VOLT)] == [str(whole), str(fraction)]


@pytest.mark.parametrize("ampere", CLAMPS_A)
def test_a_clamp_measures_energy_and_power(flukso, ampere):
    sim = connect(flukso, ampere)
    watts = [240 * ampere, 87 * ampere, ampere]
    for k, watt in enumerate(watts):
        sim.ask("clamp {} {}".format(k, watt))
    sim.run(2.5)
    powers(sim.master)
    sim.run(1.1)
    told = powers(sim.master)
    start, began = sim.control.counters(), sim.control.energy_wh()
    sim.run(SECONDS)
    end, ended = sim.control.counters(), sim.control.energy_wh()
    for k, watt in enumerate(watts):
        assert told[k] == pytest.approx(watt, abs=0.5 * ampere / 50 + 0.0005 * watt)
        whole_wh = 1 + watt / 3600 * ADD_UP_S
        assert end[k] - start[k] == pytest.approx(
            ended[k] - began[k], abs=whole_wh + 20e-6 * (ended[k] - began[k])
        )


def test_three_phases_add_up_on_one_sensor(flukso):
    sim = connect(flukso, 50)
    sim.master.set("sp000000030405")
    for k, watt in enumerate((9000, 6000, 3000)):
        sim.ask("clamp {} {}".format(k, watt))
    sim.run(2.5)
    powers(sim.master)
    sim.run(1.1)
    assert powers(sim.master)[0] == pytest.approx(18000, abs=0.5 + 0.0005 * 18000)
    start, began = sim.control.counters(), sum(sim.control.energy_wh())
    sim.run(SECONDS)
    end, ended = sim.control.counters(), sum(sim.control.energy_wh())
    assert end[0] - start[0] == pytest.approx(ended - began, abs=1.1)
    assert end[1:3] == start[1:3]


@pytest.mark.parametrize(
    ("name", "constant", "fraction", "worth"), METERS, ids=[name for name, _, _, _ in METERS]
)
def test_a_meter_counts_by_its_constant(flukso, name, constant, fraction, worth):
    """Exactly the constant; which is the meter's worth to the thousandth."""
    sim = flukso()
    sim.run(1)
    master = Master(sim)
    master.prepare()
    master.set("sa16")
    master.holds(1000)
    master.set("sm03{:04x}".format(constant))
    master.set("sf03{:04x}".format(fraction))
    pulses = 251
    sim.ask("pulse 0 {} 40000 15000".format(pulses))
    sim.run(pulses * 0.04 + 1)
    total = pulses * Fraction(constant * 1000 + fraction, 1000)
    assert sim.control.counters()[3] == total // 1
    delta = master.ask("gd")[2:]
    entry = delta[delta.index("03{:08x}".format(total // 1)) :]
    assert int(entry[10:14], 16) == (total % 1) * 1000  # the thousandths below one
    assert abs(total / pulses - worth) <= Fraction(1, 2000)
