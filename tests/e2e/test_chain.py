# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole chain on its good days: what the server holds is what the board counted."""

import pytest

from tools.harness.chain import SENSORS, WALL_S
from tools.trace import csv_text


@pytest.mark.parametrize("runtime", ["cpython", "micropython"])
def test_server_holds_what_the_board_counted(household, server, runtime):
    chain = household(sensors=(1, 2, 4), runtime=runtime)
    before = chain.counters()
    chain.start()
    chain.run(4)
    chain.clamp(11_500, 1)
    chain.clamp(230, 2)
    chain.control.ask("pulse 0 40 1000000")
    chain.run(60)
    chain.rest()
    assert chain.stop() == 0, chain.log()
    after = chain.counters()
    for number in chain.sensors:
        held = server.held(SENSORS[number - 1])
        # the first reading after the start is there
        assert held[0][1] == before[number - 1] and held[0][0] - WALL_S <= 4
        assert held[-1][1] == after[number - 1]  # and the last one before the stop
    assert after[3] - before[3] == 40
    assert 190 <= after[0] - before[0] <= 193
    assert not server.store.violations and not server.store.conflicts
    assert server.store.heartbeats and server.store.heartbeats[0]["version"] == 210


@pytest.mark.parametrize("digits", [18, 22])
def test_historic_board(household, server, digits):
    chain = household(digits=digits, sensors=(1, 2, 3, 4, 5))
    chain.start()
    for number in (1, 2, 3):
        chain.clamp(3600 * number, number)
    chain.run(5)
    chain.control.ask("pulse 0 30 1000000")
    chain.control.ask("pulse 1 30 1000000")
    chain.run(60)
    chain.rest()
    assert chain.stop() == 0, chain.log()
    after = chain.counters()
    for number in chain.sensors:
        assert server.held(SENSORS[number - 1])[-1][1] == after[number - 1]
    assert after[3:5] == [30, 30]
    assert chain.board.board.wrong_replies == 0  # nothing was read too early
    transfers = chain.board.transfers
    for asked, read in zip(transfers, transfers[1:], strict=False):
        if asked.data[:3] == b"lgd":
            assert read.at_us - asked.at_us >= 30_000
    assert not server.store.violations and not server.store.conflicts


def test_household_trace_arrives(household, server):
    chain = household(interval_s=60, trace=csv_text(seed=2, seconds=3600))
    chain.start()
    chain.run(300)
    chain.rest()
    assert chain.stop() == 0
    held = server.held(SENSORS[0])
    energy_wh = chain.control.energy_wh()[0]
    assert held[-1][1] == chain.counters()[0]
    assert abs(held[-1][1] - held[0][1] - energy_wh) <= 1 + energy_wh * 50e-6
    assert energy_wh > 15
    stamps = [stamp for stamp, _ in held]
    assert stamps == sorted(set(stamps))


def test_uploads_come_once_an_interval_and_repeat_a_counter_that_stands_still(household, server):
    chain = household(interval_s=30, digits=22)  # the model is quicker than the simulator
    chain.start()
    chain.pass_time(200)
    posts = [request for request in server.requests if request.path.startswith("/sensor")]
    assert 6 <= len(posts) <= 8
    assert len({request.connection for request in server.requests}) == 1  # kept alive
    held = server.held(SENSORS[0])
    assert held[-1][0] - WALL_S >= 165 and len({counter for _, counter in held}) == 1


def test_stops_cleanly_at_once_after_the_start(household, server):
    chain = household()
    chain.start()
    chain.run(4)
    assert chain.stop() == 0, chain.log()
    assert len(server.held(SENSORS[0])) >= 1
