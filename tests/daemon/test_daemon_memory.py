# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon's memory over simulated hours and days, an outage in their midst."""

import asyncio
import gc
import resource
from pathlib import Path

import pytest

from flukso import spiboard
from flukso.boards import Delta, Identity, Poll
from flukso.https import HttpsError
from tests.daemon.fake_port import IDS
from tests.daemon.house import House


class FastBoard:
    """Stands in for spiboard.SpiBoard above the bus, for simulated weeks in seconds."""

    def __init__(self, clock):
        self.clock, self.polls, self.faults = clock, 0, 0
        self.identity = Identity(2, 1, 2, 0, False)
        self.uart_in = bytearray()

    listens = False
    exact, inputs, damage = False, (), None

    async def look(self):
        pass

    def describe(self):
        return "fast"

    def close(self):
        pass

    async def identify(self):
        return self.identity

    async def sync(self, settings):
        return []

    async def counters(self, sensors):
        return tuple((sensor, int(self.clock.now) // 3) for sensor in sensors)

    async def poll(self, sensors, uart=b""):
        self.polls += 1
        now = int(self.clock.now)
        return Poll(
            (Delta(0, now // 3, 0, 1200), Delta(3, now // 3, 0, now * 1000 & 0xFFFFFFFF)), (), True
        )


def days_in_memory(monkeypatch, days):
    """Run so many days, the server away for the middle third; return (objects, resident bytes) at
    every twelfth.
    """
    held = []

    async def scenario():
        house = House()
        monkeypatch.setattr(spiboard, "SpiBoard", lambda bus, clock: FastBoard(clock))
        house.start()
        step_s = days * 86400 / 12
        for part in range(1, 13):
            house.server.trouble = HttpsError("unreachable", "down") if 4 <= part < 8 else None
            await house.until(part * step_s)
            for sensor in IDS:
                house.server.tuples[sensor] = {}
            del house.server.posts[:]
            gc.collect()
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            held.append((len(gc.get_objects()), pages * resource.getpagesize()))
        await house.end()
        assert house.daemon.board.polls > days * 86400 * 0.999

    asyncio.run(scenario())
    return held


def assert_flat(held, spare_bytes):
    """The last quarter, with the backlog sent, is no larger than the second twelfth."""
    assert max(objects for objects, _ in held[9:]) <= held[1][0] + 500
    assert max(resident for _, resident in held[9:]) <= held[1][1] + spare_bytes


def test_memory_is_flat_over_hours(monkeypatch):
    # other tests of the process move its arenas
    assert_flat(days_in_memory(monkeypatch, 0.25), 4000000)


@pytest.mark.slow
def test_memory_is_flat_over_seven_days(monkeypatch):
    assert_flat(days_in_memory(monkeypatch, 7), 1000000)
