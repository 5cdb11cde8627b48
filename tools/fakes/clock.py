# SPDX-License-Identifier: GPL-3.0-or-later
"""A clock that jumps, for one process on either interpreter: nobody waits, and hours pass in
moments.
"""

import asyncio
import heapq

from flukso.ports.clock import Clock

SETTLE_ROUNDS = 4  # turns of the loop in which tasks that can go on do so before time moves


class JumpingClock(Clock):
    """Stands still until every task sleeps, then jumps to the earliest; `wall_offset` may be set at
    will.

    `ntp`: what the kernel says of the wall clock, True unless a test says otherwise (None:
    nothing).
    """

    def __init__(self, wall: float):
        self.now = 0.0
        self.wall_offset = wall
        self.ntp = True
        self._heap: list = []
        self._number = 0
        self._pump = None

    def set(self, wall_offset, ntp=False):
        """Set the wall clock, as somebody does whom the kernel does not know, or as NTP does."""
        self.wall_offset, self.ntp = wall_offset, ntp

    def close(self):
        if self._pump:
            self._pump.cancel()

    def wall(self):
        return self.now + self.wall_offset

    def monotonic(self):
        return self.now

    def synchronised(self):
        return self.ntp

    async def sleep(self, seconds):
        await self.sleep_until(self.now + seconds)

    async def sleep_until(self, mono_s):
        event = asyncio.Event()
        self._number += 1
        heapq.heappush(self._heap, (mono_s, self._number, event))
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._run())
        await event.wait()

    async def _run(self):
        while self._heap:
            for _ in range(SETTLE_ROUNDS):
                await asyncio.sleep(0)
            if self._heap:
                at, _, event = heapq.heappop(self._heap)
                self.now = max(self.now, at)
                event.set()
