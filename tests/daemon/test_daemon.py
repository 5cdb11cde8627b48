# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole daemon on a board, a server and a clock that stand in this process."""

import asyncio
import random

import pytest

from flukso.https import HttpsError
from tests.daemon.fake_port import CONFIG, IDS, PULSE
from tests.daemon.house import START, House, run


def test_a_household_from_start_to_clean_stop():
    async def scenario():
        house = House()
        house.board.counter[0] = 41
        house.board.watts = [3600, 0, 0]
        house.start()
        await house.until(20)
        assert house.server.held(IDS[0]), "the first reading goes up soon after the start"
        house.board.pulse(3, 5)
        await house.until(700)
        await house.end()
        for sensor in (0, 3):
            held = house.server.held(IDS[sensor])
            polled = house.daemon.readings.meters[IDS[sensor]].counter
            assert held[-1][1] == polled, "the last reading goes up before a clean stop"
            assert held[0][0] <= START + 4
        assert house.server.held(IDS[3])[-1][1] == 2
        assert abs(house.server.held(IDS[0])[-1][1] - house.board.counter[0]) <= 1
        assert len(house.daemon.store) == 0 and not house.server.conflicts
        assert house.board.map == [0, 255, 255, 3, 255, 255] and house.board.commits == 1
        assert house.board.constant[3] == 0 and house.board.fraction[:4] == [500, 0, 0, 500]
        assert house.board.enabled == [1, 0, 0, 1, 0, 0]

    run(scenario())


def test_it_polls_each_second_aligned_to_the_wall_clock():
    async def scenario():
        house = House()
        polled = []
        house.start()
        tick = house.daemon._tick

        async def noted(*now):
            polled.append(house.clock.wall())
            await tick(*now)

        house.daemon._tick = noted
        await house.until(100)
        house.kill()
        assert len(polled) in (99, 100)
        assert all(0 <= wall % 1 < 0.01 for wall in polled[1:])
        assert polled[0] > START

    run(scenario())


@pytest.mark.parametrize("hw_minor", [0, 1])
def test_a_historic_board_is_served_at_its_pace(hw_minor):
    async def scenario():
        house = House(historic=True, hw_minor=hw_minor)
        house.board.watts = [1000, 0, 0]
        house.start()
        await house.until(120)
        await house.end()
        assert house.daemon.board.faults == 0
        assert house.server.held(IDS[0])[-1][1] >= 31
        assert house.port.said("historic")
        assert house.board.fraction[0] == (500 if hw_minor else 0)

    run(scenario())


def test_after_a_damaged_delta_the_counters_are_asked():
    async def scenario():
        house = House()
        house.start()
        await house.until(30)
        house.board.pulse(3, 20)
        house.board.damage = lambda name, wire: (
            wire.replace(b"l", b"l0", 1) if name == "gd" else wire
        )
        await house.until(33)
        assert house.daemon.readings.meters[IDS[3]].counter == 10
        assert house.daemon.board.faults >= 2 and not house.daemon.board_error
        house.kill()

    run(scenario())


def test_a_board_that_is_away_is_said_once_and_taken_back():
    async def scenario():
        house = House()
        house.board.watts = [3600, 0, 0]
        house.start()
        await house.until(30)
        for power in (False, None):
            house.board.power = power
            await house.until(house.clock.now + 60)
            assert house.daemon.board_error
            house.board.power = True
            house.board.reset()
            await house.until(house.clock.now + 20)
            assert not house.daemon.board_error
        assert (
            len(house.port.said("does not answer")) == 2
            and len(house.port.said("answers again")) == 2
        )
        await house.end()
        assert abs(house.server.held(IDS[0])[-1][1] - house.board.counter[0]) <= 1

    run(scenario())


def test_a_board_that_lost_its_settings_gets_them_again():
    async def scenario():
        house = House()
        house.start()
        await house.until(30)
        house.board.enabled = [0] * 6
        await house.until(60)
        assert house.board.enabled == [1, 0, 0, 1, 0, 0] and house.board.commits == 2
        house.kill()

    run(scenario())


def test_killed_and_started_again_it_never_gives_a_second_two_values():
    async def scenario():
        house = House()
        house.board.watts = [50000, 0, 0]
        house.server.lose_answer = True
        for round_ in range(20):
            house.start()
            await house.until(house.clock.now + 12 + 0.37 * round_)
            house.kill()
            await asyncio.sleep(0)
        house.server.lose_answer = False
        house.start()
        await house.until(house.clock.now + 20)
        await house.end()
        assert not house.server.conflicts
        held = [counter for _, counter in house.server.held(IDS[0])]
        assert held == sorted(held) and len(held) > 20

    run(scenario())


@pytest.mark.parametrize(
    "trouble",
    [HttpsError("unreachable", "down"), HttpsError("refused-certificate", "no"), 500, 503],
)
def test_an_hour_without_a_server_loses_nothing(trouble):
    async def scenario():
        house = House()
        house.board.watts = [2000, 0, 0]
        house.start()
        await house.until(100)
        before = len(house.server.held(IDS[0]))
        house.server.trouble = trouble
        await house.until(3700)
        assert len(house.server.held(IDS[0])) == before
        assert house.daemon.board.polls > 3600, "the board is polled all the while"
        house.server.trouble = None
        await house.until(3700 + 3600)
        await house.end()
        held = house.server.held(IDS[0])
        gaps = [later[0] - earlier[0] for earlier, later in zip(held, held[1:], strict=False)]
        assert max(gaps) <= 60 and not house.server.conflicts
        assert len(house.port.said("is accepted again")) >= 1

    run(scenario())


def test_the_hourly_comparison_of_settings_takes_no_poll_away():
    async def scenario():
        house = House()
        house.start()
        await house.until(50)
        house.board.constant[0] = 1
        house.daemon._sync_at = 60
        begin = len(house.board.asked)
        await house.until(100)
        asked = house.board.asked[begin:]
        assert asked.count("gd") in (49, 50, 51)
        assert house.board.constant[0] == 5163
        house.kill()

    run(scenario())


def test_a_board_that_answers_late_is_polled_in_the_next_second_all_the_same():
    async def scenario():
        house = House()
        house.start()
        await house.until(10)
        polls = house.daemon.board.polls
        transfer, house.board.transfer = house.board.transfer, None

        async def slow(data, gap_us):
            house.board.transfer = transfer
            await house.clock.sleep(1.2)
            return await transfer(data, gap_us)

        house.board.transfer = slow
        await house.until(20)
        assert house.daemon.board.polls - polls >= 10
        house.kill()

    run(scenario())


def test_a_reload_takes_a_new_sensor_and_keeps_what_was_read():
    async def scenario():
        house = House()
        house.server.trouble = 500
        house.start()
        await house.until(400)
        kept = len(house.daemon.store)
        house.port.files["/etc/flukso"] = b"config nonsense 'x\n"
        house.daemon.reload.set()
        await house.until(410)
        assert house.port.said("not taken over") and house.daemon.readings.indexes == [0, 3]
        house.port.files["/etc/flukso"] = (CONFIG + PULSE.format(5, IDS[4], "10")).encode()
        house.daemon.reload.set()
        house.server.trouble = None
        await house.until(440)
        assert house.daemon.readings.indexes == [0, 3, 4] and house.board.constant[4] == 10
        assert len(house.server.held(IDS[0])) >= kept // 2
        await house.end()

    run(scenario())


def test_readings_before_the_clock_is_right_are_kept_and_dated():
    async def scenario():
        house = House(wall=100.4)
        house.board.watts = [3600, 0, 0]
        house.start()
        await house.until(200)
        assert not house.server.tuples, "nothing goes up with a wrong date"
        house.clock.wall_offset = START
        await house.until(700)
        await house.end()
        held = house.server.held(IDS[0])
        assert START < held[0][0] < START + 5 and held[0][1] < 10
        assert not house.server.conflicts

    run(scenario())


@pytest.mark.parametrize("jump_s", [-3, -3600, 3600, 86400, 31536000])
def test_a_clock_that_jumps_stops_nothing(jump_s):
    async def scenario():
        house = House()
        house.board.watts = [3600, 0, 0]
        house.start()
        await house.until(400)
        house.clock.wall_offset += jump_s
        polls = house.daemon.board.polls
        await house.until(1400)
        assert house.daemon.board.polls - polls >= 990
        assert len(house.daemon.store) < 100
        await house.end()
        held = house.server.held(IDS[0])
        assert [counter for _, counter in held] == sorted([counter for _, counter in held])
        assert not house.server.conflicts

    run(scenario())


@pytest.mark.parametrize("historic", [False, True])
def test_a_noisy_bus_costs_readings_and_believes_nothing_wrong(historic):
    async def scenario():
        house = House(historic=historic)
        house.board.watts = [7200, 0, 0]
        dice = random.Random(7)
        transfer = house.board.transfer

        def noisy(data):
            return bytes(
                [
                    byte ^ (1 << dice.randrange(8)) if dice.random() < 0.003 else byte
                    for byte in data
                ]
            )

        async def through_noise(data, gap_us):
            return noisy(await transfer(noisy(data), gap_us))

        house.start()
        await house.until(20)
        settings = (
            house.board.map[:],
            house.board.enabled[:],
            house.board.constant[:],
            house.board.fraction[:],
            house.board.commits,
        )
        house.board.transfer = through_noise
        for _ in range(100):
            await house.until(house.clock.now + 10)
            house.board.pulse(3, 2)
        house.board.transfer = transfer
        await house.until(house.clock.now + 10)
        assert settings == (
            house.board.map,
            house.board.enabled,
            house.board.constant,
            house.board.fraction,
            house.board.commits,
        )
        await house.end()
        assert house.daemon.board.faults > 100
        assert house.daemon.readings.meters[IDS[0]].resets == 0
        for sensor, last in ((0, house.board.counter[0]), (3, 100)):
            counters = [counter for _, counter in house.server.held(IDS[sensor])]
            assert counters == sorted(counters) and last - 1 <= counters[-1] <= last
        assert not house.server.conflicts

    run(scenario())


def test_a_board_that_is_in_line_is_read_in_the_first_second():
    async def scenario():
        house = House()
        house.board.watts = [1200, 0, 0]
        house.start()
        await house.until(10)
        await house.end()
        house.start()
        began = house.clock.now
        await house.until(began + 1.7)
        meters = house.daemon.readings.meters
        assert meters[IDS[0]].rate == 1200, "its power is known at once,"
        assert meters[IDS[3]].counter == 0, "and the counter of a sensor that stands still"
        house.kill()

    run(scenario())


SYNC_S = 0.97  # what bringing this new board in line takes


FIRST = [  # id, part of a second at the start, s from there to the first reading
    ("at-once", 0.2, SYNC_S),
    ("a-whole-second-is-near", 0.8, 1.2),
    # one that was killed may have read it, and sent another value
    (
        "not-in-the-second-of-the-start",
        0.01,
        0.99,
    ),
]


@pytest.mark.parametrize("start_s, first_s", [pytest.param(*row[1:], id=row[0]) for row in FIRST])
def test_a_new_board_is_read_as_soon_as_it_is_in_line(start_s, first_s):
    async def scenario():
        house = House(wall=int(START) + start_s)
        house.board.watts = [1200, 0, 0]
        house.start()
        await house.until(first_s + 0.2)
        assert abs(house.daemon.last_poll - first_s) < 0.01
        assert house.daemon.readings.meters[IDS[0]].rate == 1200
        house.kill()

    run(scenario())
