# SPDX-License-Identifier: GPL-3.0-or-later
"""Exact constants and holds: options of a sensor, what the board is given, and what is said of
boards that cannot.
"""

import asyncio
import json

import pytest

from flukso import __main__ as cli
from flukso import config, pulses
from flukso.boards import Damage, Input
from flukso.spiboard import SpiBoard
from tests.daemon.fake_board import FakeBoard
from tests.daemon.fake_port import FakePort
from tools.fakes.clock import JumpingClock

ID = "0123456789abcdef0123456789abcde0"


def sensor(options, kind="electricity", class_="pulse", number=4):
    text = (
        "config sensor {}\n\toption id {}\n\toption type {}\n\toption class {}\n"
        "\toption enable 1\n\tlist port {}\n".format(number, ID, kind, class_, number)
    )
    return (
        "".join([text] + ["\toption {} '{}'\n".format(*pair) for pair in options.items()]) + OFFLINE
    )


OFFLINE = "config settings daemon\n\toption enable_wan_branch 0\n"

STEPS = [  # pulses a kWh or m³, unit / pulses Wh or l, nearest 1/1000, deviation of it
    ("3200", (5, 16), 313, "+0.16 %"),
    ("6400", (5, 32), 156, "-0.16 %"),
    ("12800", (5, 64), 78, "-0.16 %"),
    ("1000", (1, 1), 1000, "+0.00 %"),
    ("375", (8, 3), 2667, "+0.01 %"),
    ("187.5", (16, 3), 5333, "-0.01 %"),
    ("16000", (1, 16), 63, "+0.80 %"),
    ("6667", (1000, 6667), 150, "+0.01 %"),
]


@pytest.mark.parametrize("text, step, nearest, deviation", STEPS)
def test_constants_are_exact(text, step, nearest, deviation):
    found = config.parse(sensor({"pulses_per_kwh": text})).sensors[0]
    assert (
        found.exact == step
        and found.constant * 1000 + found.fraction == nearest == pulses.nearest(step)
    )
    assert pulses.percent(pulses.deviation(step)) == deviation


@pytest.mark.parametrize(
    "text", ["0", "", "-1", "16001", "abc", "266.67", "0.001", "1e3", "99999999999"]
)
def test_what_cannot_be_counted_is_refused(text):
    with pytest.raises(config.ConfigErrors, match="pulses_per_kwh"):
        config.parse(sensor({"pulses_per_kwh": text}))


def test_each_kind_of_meter_has_its_own_unit():
    assert config.parse(sensor({"pulses_per_m3": "2000"}, "water")).sensors[0].exact == (1, 2)
    assert config.parse(sensor({"pulses_per_m3": "100"}, "gas")).sensors[0].exact == (10, 1)
    with pytest.raises(config.ConfigErrors, match="a sensor of type water has pulses_per_m3"):
        config.parse(sensor({"pulses_per_kwh": "1000"}, "water"))
    with pytest.raises(config.ConfigErrors, match="only a sensor of class pulse"):
        config.parse(
            sensor(
                {"pulses_per_kwh": "1000", "voltage": "230", "current": "50"},
                class_="analog",
                number=1,
            )
        )


def test_an_exact_constant_counts_for_more_than_the_historic_one():
    found = config.parse(sensor({"pulses_per_kwh": "3200", "constant": "0.3"})).sensors[0]
    assert (found.exact, found.constant, found.fraction) == ((5, 16), 0, 313)


HOLDS = [  # options, 10 µs
    ({}, 0),
    ({"hold": "0.2"}, 20),
    ({"hold": "100"}, 10000),
    ({"hold": "1.56"}, 156),
    ({"max_rate": "10"}, 2000),
    ({"max_rate": "144"}, 1000),
    ({"max_rate": "144", "pulses_per_kwh": "3200"}, 312),
    ({"max_rate": "144", "hold": "5"}, 500),
]


@pytest.mark.parametrize("options, hold", HOLDS)
def test_holds(options, hold):
    assert config.parse(sensor(options)).sensors[0].hold == hold


@pytest.mark.parametrize(
    "options",
    [{"hold": "0.19"}, {"hold": "100.1"}, {"hold": "x"}, {"max_rate": "0"}, {"max_rate": "1001"}],
)
def test_wrong_holds_are_refused(options):
    with pytest.raises(config.ConfigErrors, match=next(iter(options))):
        config.parse(sensor(options))


def test_a_hold_bears_the_rate_that_it_was_made_for():
    for _, step, _, _ in STEPS:
        hold = pulses.hold_for(step, 72000)
        assert 20 <= hold <= 2000 and pulses.highest(step, hold) >= 72000


def test_config_check_says_what_a_hold_bears_and_what_an_old_board_counts(capsys):
    clock = JumpingClock(1700000000.0)
    port = FakePort(clock, FakeBoard(clock), None)
    port.files["/c"] = sensor({"pulses_per_kwh": "3200", "hold": "5"}).encode()
    assert cli.run(["config", "check", "/c"], port) == 0
    said = capsys.readouterr().out
    assert (
        "sensor 4: a hold of 5 ms bears up to 90 kW; a board without exact constants (before "
        "firmware 2.1) counts +0.16 %" in said
    )


def synced(software, options, historic=False):
    clock = JumpingClock(1700000000.0)
    fake = FakeBoard(clock, historic=historic, software=software)
    board = SpiBoard(fake, clock)
    settings = config.parse(sensor(options))

    async def run():
        await board.identify()
        changes = await board.sync(settings)
        again = await board.sync(settings)
        await board.look()
        return changes, again

    changes, again = asyncio.run(run())
    assert again == []
    return fake, board, changes


def test_a_board_that_can_is_given_constant_and_hold():
    fake, board, changes = synced("0201", {"pulses_per_kwh": "3200", "hold": "5"})
    assert board.exact and fake.exact[3] == (5, 16) and fake.hold[3] == 500 and fake.hold[4] == 0
    assert (fake.constant[3], fake.fraction[3]) == (0, 313)
    assert "sensor 4 5/16 a pulse" in changes and "port 4 hold 5 ms" in changes


def test_the_constant_is_set_before_what_makes_it_exact():
    fake, _, _ = synced("0201", {"pulses_per_kwh": "3200"})
    asked = [text[:4] for text in fake.asked]
    assert asked.index("sf03") < asked.index("sn03")


@pytest.mark.parametrize("historic", [True, False])
def test_an_older_board_gets_the_nearest_constant_and_no_new_command(historic):
    fake, board, _ = synced("0200", {"pulses_per_kwh": "3200", "hold": "5"}, historic)
    assert not board.exact and (fake.constant[3], fake.fraction[3]) == (0, 313)
    assert (
        not [text for text in fake.asked if text[1] in "anoxv"]
        and board.damage is None
        and board.inputs == ()
    )


def test_what_the_board_suffered_is_said_once():
    inputs = (Input(3, 2000, 20, 140, 250), Input(4, 156, 0, 0, 0))
    assert (
        pulses.noise(inputs[0]) == "input 4: 250 pulses under 20 ms; noise?"
        and pulses.noise(inputs[1]) == ""
    )
    good, bad = Damage(0, 0, 0, 1), Damage(2, 3, 1, 0)
    assert (
        pulses.news(None, good, inputs)
        == pulses.news(bad, bad, inputs)
        == pulses.news(good, None, inputs)
        == []
    )
    said = "\n".join(pulses.news(good, bad, inputs))
    assert (
        "2 times" in said
        and "1 worn" in said
        and "140" in said
        and len(pulses.news(None, bad, inputs)) == 2
    )


def test_status_and_metrics_show_it():
    from flukso import status
    from flukso.lan import Lan
    from tests.daemon.lan_house import House

    house = House()
    house.lan = Lan(house)
    house.board.inputs = (Input(3, 2000, 20, 140, 250),)
    house.board.damage = Damage(2, 3, 1, 24)
    shown = json.loads(status.status(house, 1700000000.0, 100.0))["board"]
    assert shown["inputs"] == [
        {
            "port": 4,
            "hold_ms": 20.0,
            "pulses": 20,
            "former": 140,
            "short": 250,
            "noise": "input 4: 250 pulses under 20 ms; noise?",
        }
    ]
    assert shown["damage"] == {"falls": 2, "age": 3, "worn": 1, "trial_h": 24}
    text = status.metrics(house, 100.0).decode()
    assert 'flukso_input_short_total{port="4"} 250' in text and "flukso_board_worn_slots 1" in text
