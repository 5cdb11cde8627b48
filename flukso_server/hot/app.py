# SPDX-License-Identifier: GPL-3.0-or-later
"""The hot path as an ASGI application: finds the handler of a request, sends its answer, and looks
after the caches.
"""

import asyncio
import logging
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from flukso_server.hot import limits
from flukso_server.hot.answers import COMMON, CROSS_ORIGIN, Answer, Refusal, send_answer
from flukso_server.hot.caches import Cache, ChangeWatch
from flukso_server.hot.directory import Directory
from flukso_server.hot.fast_uploads import Quick
from flukso_server.hot.reads import Reader
from flukso_server.hot.requests import Gone
from flukso_server.hot.workers import Database
from flukso_server.hot.writes import Writer
from flukso_server.series.rrd.background import Graphs, Place

logger = logging.getLogger("flukso.hot")

_PATH = re.compile(
    rb"/(sensor|device)/([0-9a-f]{32})(?:/([0-9a-z]{1,16})/([0-9a-z]{1,16})|\.(png))?"
)
_ALLOW = {
    "sensor": b"GET, HEAD, POST, OPTIONS",
    "series": b"GET, HEAD, OPTIONS",
    "device": b"POST, OPTIONS",
}
NO_PLACE = Place("")
# threads for the accounts' database, of which each has a connection; none that only reads waits
# behind one that writes
LOOKUP_THREADS = 3  # a batch of each cache, and the changes
ASK_THREADS = 2
WRITE_THREADS = 3  # SQLite has one writer at a time, and housekeeping may be long


class HotPath:
    """`start` before the first request, `stop` after the last. forget(sensor) removes all that is
    kept of a series.
    """

    def __init__(
        self,
        store,
        sealer,
        unclaimed_max: int,
        rrd: Place = NO_PLACE,
        clock=time.time,
        *,
        forget: Callable[[str], None],
        behind_proxy=False,
    ):
        self._lookups = ThreadPoolExecutor(LOOKUP_THREADS, "lookups")
        self._asks, self._writes = Database(ASK_THREADS, "asks"), Database(WRITE_THREADS, "writes")
        self._directory = Directory(sealer)
        self._clock = clock
        self._sensors = Cache(self._directory.sensors, limits.SENSORS_CACHED_MAX, self._lookups)
        self._tokens = Cache(self._directory.tokens, limits.TOKENS_CACHED_MAX, self._lookups)
        caches = {"sensor": self._sensors, "token": self._tokens}
        self._watch = ChangeWatch(
            caches, self._directory.changes, self._directory.newest_change, self._lookups
        )
        self._writer = Writer(
            store,
            self._sensors,
            self._directory,
            self._asks,
            self._writes,
            sealer,
            unclaimed_max,
            clock,
        )
        self._reader = Reader(
            store, self._sensors, self._tokens, self._directory, self._asks, clock
        )
        self._tasks: list[asyncio.Task] = []
        self._store = store
        self._forget = forget
        self._graphs = Graphs(store, rrd, self._directory, clock) if rrd.folder else None
        self._writer.behind_proxy = behind_proxy
        self._writer.graphs = self._reader.graphs = self._graphs
        self.quick: Callable[..., bool] | None = None  # see hot/http_connection.py

    async def start(self) -> None:
        await self._watch.start()
        self.quick = Quick(
            self._store, self._sensors, self._writer.troubles, self._graphs, self._clock
        ).take
        self._tasks = [
            asyncio.create_task(self._watch.run()),
            asyncio.create_task(self._keep_house()),
        ]
        if self._graphs is not None:
            self._tasks.append(asyncio.create_task(self._graphs.run()))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._flush()
        self._reader.stop()
        if self._graphs is not None:
            self._graphs.stop()
        self._asks.stop()
        self._writes.stop()
        self._lookups.shutdown()

    async def _keep_house(self) -> None:
        rounds = 0
        while True:
            if rounds % 720 == 0:  # at the start, which may be after a power cut, and hourly
                try:
                    await self._writes.run(self._directory.keep_house, self._clock(), self._forget)
                except Exception as error:  # the database is away: the next hour will do
                    logger.warning("what has grown old is not removed: %s", error)
            await asyncio.sleep(limits.TROUBLE_FLUSH_S)
            await self._flush()
            rounds += 1

    async def _flush(self) -> None:
        troubles = self._writer.troubles.take()
        if troubles:
            try:
                await self._writes.run(self._directory.add_troubles, troubles, self._clock())
            except Exception as error:
                logger.warning("troubles of %d sensors are not written: %s", len(troubles), error)

    async def __call__(self, scope, receive, send) -> None:
        try:
            answer = await self._answer(scope, receive)
        except Refusal as refusal:
            answer = refusal.answer()
        except Gone:
            return
        except Exception:
            logger.exception("%s %s", scope["method"], scope["raw_path"].decode("ascii"))
            answer = Refusal(500, "internal error", close=True).answer()
        await send_answer(answer, scope, send)

    async def _answer(self, scope, receive) -> Answer:
        match = _PATH.fullmatch(scope["raw_path"])
        if match is None:
            raise Refusal(404, "no such path", close=True)
        kind, ident, interval, unit, image = match.groups()
        method = scope["method"]
        if kind == b"sensor":
            if method == "POST" and interval is None and image is None:
                return await self._writer.sensor(ident.decode(), scope, receive)
            if method in ("GET", "HEAD"):
                if image:
                    return await self._reader.image(ident.decode(), scope)
                return await self._reader.series(ident.decode(), scope, interval, unit)
        elif interval is None and image is None:
            if method == "POST":
                return await self._writer.device(ident.decode(), scope, receive)
        else:
            raise Refusal(404, "no such path", close=True)
        what = (
            "device"
            if kind == b"device"
            else "sensor"
            if interval is None and image is None
            else "series"
        )
        if method == "OPTIONS":
            return _options(what)
        raise Refusal(405, "method not allowed", (b"Allow", _ALLOW[what]), close=True)


def _options(what: str) -> Answer:
    """Also to a browser's question whether another site's page may read: with a token in the
    request it may, cookies count nowhere.
    """
    allow = _ALLOW[what]
    cross = [] if what == "device" else CROSS_ORIGIN
    return Answer(200, [(b"Content-Length", b"0"), (b"Allow", allow), *cross, *COMMON], b"")
