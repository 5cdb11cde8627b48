# SPDX-License-Identifier: GPL-3.0-or-later
"""The RRD view at work: feeds the files of sensors that uploaded, draws the historic graphs."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from flukso_server.series.rrd.cached import Deaf
from flukso_server.series.store import Outcome

logger = logging.getLogger("flukso.graphs")

ROUND_S = 60  # from one feeding of the sensors that uploaded to the next
SWEEP_ROUNDS = 10  # from one look for files of forgotten series to the next
WAITING_MAX = 1_000_000  # sensors that wait to be fed, 100 bytes each
SLICE = 50  # sensors fed before the next request for a graph is served


class Place(NamedTuple):
    """Where the files are, and rrdcached's address, "" for none. No folder: no view."""

    folder: str
    rrdcached: str = ""


class Zones(Protocol):
    """Knows the time zones in which sensors have their nights."""

    def zones(self, ids: list[str], /) -> dict[str, str]:
        """Return the zone's name for each of the sensors that has one."""
        ...


class Graphs:
    """The view of one process. One thread works with the files; another writes notes at once."""

    def __init__(self, store, place: Place, zones: Zones, clock):
        # these need librrd, which an installation without the view need not have
        from flukso_server.series.rrd.feeder import FOLDERS, SETTLED_S, Feeder
        from flukso_server.series.rrd.files import Rrd
        from flukso_server.series.rrd.notes import Notes

        self._thread = ThreadPoolExecutor(1, "graphs")
        self._noting = ThreadPoolExecutor(1, "graph-notes")
        self._feeder = self._thread.submit(
            Feeder, store, place.folder, Rrd(place.rrdcached)
        ).result()
        self._notes = self._noting.submit(Notes, place.folder).result()
        self._households = zones
        self._clock = clock
        self._waiting: set[str] = set()
        self._late: dict[str, int] = {}  # sensor: the oldest late tuple that is not noted yet
        self._deaf: Deaf | None = None  # unless rrdcached answered when it was last asked
        self._folders, self._settled_s = FOLDERS, SETTLED_S

    def note(self, sensor: str, outcome: Outcome) -> None:
        """Remember that the sensor has new tuples.

        That some are older than what its file has is noted on the disk at once, because nothing
        else tells it after a restart.
        """
        if len(self._waiting) < WAITING_MAX:
            self._waiting.add(sensor)
        if outcome.late and outcome.late_from < self._clock() - self._settled_s:
            if not self._late:
                asyncio.get_running_loop().call_soon(self._flush)
            self._late[sensor] = min(outcome.late_from, self._late.get(sensor, outcome.late_from))

    def _flush(self) -> None:
        late, self._late = self._late, {}
        if late:
            self._noting.submit(self._add_late, late)

    def _add_late(self, late: dict[str, int]) -> None:
        try:
            self._notes.add_late(late)
        except Exception as error:
            logger.warning("late tuples of %d sensors are not noted: %s", len(late), error)

    async def run(self) -> None:
        """Feed and sweep until cancelled."""
        rounds = 0
        while True:
            try:
                await self._in_thread(self._feeder.ping)
                self._deaf = None
                if rounds % SWEEP_ROUNDS == 0:
                    await self._sweep(feed_all=not rounds)
                rounds += 1
                await self._round()
            except Deaf as error:
                self._deaf = error
                logger.warning("the files are not fed: %s", error)
            except Exception as error:  # perhaps the disk is away: the next round tries again
                logger.warning("the files were not fed: %s", error)
            await asyncio.sleep(ROUND_S)

    async def _sweep(self, feed_all: bool) -> None:
        """Remove the files of forgotten series.

        feed_all: have the next round feed all others: after a start nobody knows who uploaded.
        """
        for folder in self._folders:
            kept = await self._in_thread(self._feeder.sweep, folder)
            if feed_all:
                self._waiting.update(kept)

    async def _round(self) -> None:
        self._waiting.update(await self._in_thread(self._feeder.late_sensors))
        sensors = list(self._waiting)
        for begin in range(0, len(sensors), SLICE):
            part = sensors[begin : begin + SLICE]
            self._waiting.difference_update(part)  # a sensor that uploads from now on waits again
            try:
                self._waiting.update(await self._in_thread(self._feed, part))
            except Exception:
                self._waiting.update(part)
                raise

    async def png(self, sensor: str, *graph) -> bytes | None:
        """Return the graph, None if there is nothing to draw; `graph` has the fields of Graph.

        Raises Deaf if rrdcached does not answer and may be the reason.
        """
        image = await self._in_thread(self._png, sensor, graph)
        if image is None and self._deaf is not None:
            raise self._deaf
        return image

    def stop(self) -> None:
        self._flush()
        self._noting.submit(self._notes.close)
        self._thread.submit(self._feeder.close)
        self._noting.shutdown()
        self._thread.shutdown()

    async def _in_thread(self, function, *args):
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *args)

    def _png(self, sensor: str, graph: tuple) -> bytes | None:
        from flukso_server.series.rrd.files import Graph

        return self._feeder.png(sensor, Graph(*graph))

    def _feed(self, sensors: list[str]) -> list[str]:
        """Feed the sensors, and return those that have tuples too young to be fed."""
        now = int(self._clock())
        zones = self._households.zones(sensors)
        young = []
        for sensor in sensors:
            try:
                self._feeder.feed([sensor], now, ZoneInfo(zones.get(sensor, "UTC")))
                if self._feeder.young(sensor, now):
                    young.append(sensor)
            except Deaf:
                raise  # no other file can be written either
            except Exception as error:  # one file that cannot be written must not stop the others
                logger.warning("sensor %s: %s", sensor, error)
        return young
