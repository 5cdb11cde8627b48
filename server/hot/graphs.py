# SPDX-License-Identifier: GPL-3.0-or-later
"""The RRD view, where it is switched on: feeds the files of sensors that uploaded, and draws the historic graphs."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from zoneinfo import ZoneInfo

from hot.directory import Directory

logger = logging.getLogger("flukso.graphs")

ROUND_S = 60  # between two looks at who uploaded
WAITING_MAX = 1_000_000  # sensors that wait for their turn, 100 bytes each
SLICE = 50  # sensors fed before the next request for a graph has its turn


class Graphs:
    """All work with the files is done in one thread of its own."""

    def __init__(self, store, folder: str, directory: Directory, clock):
        from series.rrd.feeder import Feeder  # needs librrd, which other installations do without

        self._thread = ThreadPoolExecutor(1, "graphs")
        self._feeder = self._thread.submit(Feeder, store, folder).result()
        self._directory = directory
        self._clock = clock
        self._waiting: dict[str, bool] = {}  # sensor: some of its tuples came late

    def note(self, sensor: str, late: bool) -> None:
        """The sensor has new tuples."""
        if late or len(self._waiting) < WAITING_MAX:
            self._waiting[sensor] = late or self._waiting.get(sensor, False)

    async def run(self) -> None:
        """Never returns; cancel it."""
        while True:
            await asyncio.sleep(ROUND_S)
            waiting, self._waiting = self._waiting, {}
            sensors = list(waiting)
            for begin in range(0, len(sensors), SLICE):
                part = {sensor: waiting[sensor] for sensor in sensors[begin : begin + SLICE]}
                await self._in_thread(self._feed, part)

    async def png(self, sensor: str, start: int, end: int, factor: float, unit: str) -> bytes | None:
        """The graph, None where there is nothing to draw."""
        return await self._in_thread(self._feeder.png, sensor, start, end, factor, unit)

    def stop(self) -> None:
        self._thread.submit(self._feeder.close)
        self._thread.shutdown()

    async def _in_thread(self, function, *args):
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *args)

    def _feed(self, part: dict[str, bool]) -> None:
        now = int(self._clock())
        zones = self._directory.zones(list(part))
        for sensor, late in part.items():
            try:
                if late:
                    self._feeder.late(sensor)
                self._feeder.feed([sensor], now, ZoneInfo(zones.get(sensor, "UTC")))
            except Exception as error:  # one file that cannot be written must not stop the others
                logger.warning("sensor %s: %s", sensor, error)
