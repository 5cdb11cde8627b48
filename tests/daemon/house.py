# SPDX-License-Identifier: GPL-3.0-or-later
"""A daemon, and the board, server, machine and clock around it, all in the test's process."""

import asyncio

from flukso import config
from flukso.daemon import Daemon
from tests.daemon.fake_board import FakeBoard
from tests.daemon.fake_port import CONFIG, FakePort, FakeServer
from tools.fakes.clock import JumpingClock

START = 1700000000.4


class House:
    """A daemon, and what stands around it."""

    def __init__(self, config=CONFIG, files=None, wall=START, **board):
        self.clock = JumpingClock(wall)
        self.board = FakeBoard(self.clock, **board)
        self.server = FakeServer()
        self.port = FakePort(self.clock, self.board, self.server, config)
        self.port.files.update(files or {})
        self.daemon = None

    def start(self):
        self.daemon = Daemon(
            self.port, self.clock, config.load(self.port, "/etc/flukso"), None, "/etc/flukso"
        )
        self.before = asyncio.all_tasks()
        self.task = asyncio.get_running_loop().create_task(self.daemon.run())

    async def until(self, second):
        await self.clock.sleep_until(second)

    async def end(self):
        self.daemon.stop.set()
        await self.task

    def kill(self):
        for task in asyncio.all_tasks() - self.before:
            task.cancel()
        self.clock._pump = None
        self.clock._heap = []


def run(scenario):
    asyncio.run(asyncio.wait_for(scenario, 120))
