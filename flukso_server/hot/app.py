# SPDX-License-Identifier: GPL-3.0-or-later
"""The hot path as an ASGI application.

It finds the handler of a request, sends its answer, and does what is due in the background.
"""

import asyncio
import logging
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from flukso_server.devices.seal import Sealer
from flukso_server.hot import limits
from flukso_server.hot.answers import COMMON, CROSS_ORIGIN, Answer, Refusal, send_answer
from flukso_server.hot.caches import Cache, ChangeWatch
from flukso_server.hot.directory import Directory
from flukso_server.hot.fast_uploads import FastUploads
from flukso_server.hot.load import Load
from flukso_server.hot.reads import ReadHandler
from flukso_server.hot.refused import Refused
from flukso_server.hot.requests import Gone
from flukso_server.hot.resources import Resources
from flukso_server.hot.upload_faults import UploadFaults
from flukso_server.hot.workers import Database
from flukso_server.hot.writes import WriteHandler
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
# Threads for the accounts' database, each with a connection. No reader waits behind a writer.
LOOKUP_THREADS = 3  # one for a batch of each cache, and one for the changes
QUERY_THREADS = 2
UPDATE_THREADS = 3  # SQLite has one writer at a time, and housekeeping may take long
HOUSEKEEPING_S = 3600


class Options(NamedTuple):
    """What differs between installations."""

    sealer: Sealer
    unclaimed_max: int  # devices that may be registered without an owner
    rrd: Place  # of the RRD view
    forget: Callable[[str], None]  # removes all that is kept of a sensor's series
    uploads_waiting_max: int  # uploads that may wait for the store at once
    behind_proxy: bool  # a proxy in front says where requests come from


class HotPath:
    """The application. Call `start` before the first request and `stop` after the last."""

    def __init__(self, store, options: Options, clock: Callable[[], float] = time.time):
        self._lookups = ThreadPoolExecutor(LOOKUP_THREADS, "lookups")
        directory = Directory(options.sealer)
        rrd = options.rrd
        resources = self._resources = Resources(
            store=store,
            sensors=Cache(directory.sensors, limits.SENSORS_CACHED_MAX, self._lookups),
            tokens=Cache(directory.tokens, limits.TOKENS_CACHED_MAX, self._lookups),
            directory=directory,
            queries=Database(QUERY_THREADS, "queries"),
            updates=Database(UPDATE_THREADS, "updates"),
            faults=UploadFaults(),
            refused=Refused(),
            load=Load(options.uploads_waiting_max),
            graphs=Graphs(store, rrd, directory, clock) if rrd.folder else None,
            clock=clock,
        )
        self._watch = ChangeWatch(
            {"sensor": resources.sensors, "token": resources.tokens},
            directory.changes,
            directory.changes_mark,
            self._lookups,
        )
        self._writes = WriteHandler(
            resources, options.sealer, options.unclaimed_max, options.behind_proxy
        )
        self._reads = ReadHandler(resources)
        self._forget = options.forget
        self._tasks: list[asyncio.Task] = []
        # offered small uploads by hot/http_connection.py; None before the start
        self.store_upload: Callable[..., bool] | None = None

    async def start(self) -> None:
        await self._watch.start()
        self.store_upload = FastUploads(self._resources).store_upload
        self._tasks = [
            asyncio.create_task(self._watch.run()),
            asyncio.create_task(self._keep_house()),
        ]
        if self._resources.graphs is not None:
            self._tasks.append(asyncio.create_task(self._resources.graphs.run()))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._flush()
        self._reads.stop()
        if self._resources.graphs is not None:
            self._resources.graphs.stop()
        self._resources.queries.stop()
        self._resources.updates.stop()
        self._lookups.shutdown()

    async def _keep_house(self) -> None:
        """Write down faults every few seconds; remove what is old at the start, and hourly.

        Nothing is old by a clock that is in doubt; only what was begun is finished then.
        """
        resources = self._resources
        keep_house = resources.directory.keep_house
        due = 0.0  # by the loop's clock
        while True:
            if asyncio.get_running_loop().time() >= due:
                due = asyncio.get_running_loop().time() + HOUSEKEEPING_S
                try:
                    now = resources.clock()
                    sure = resources.store.trust.is_sure()
                    await resources.updates.run(keep_house, now, self._forget, sure)
                except Exception as error:  # the database is away; an hour later will do
                    logger.warning("old data are not removed: %s", error)
            await asyncio.sleep(limits.TROUBLE_FLUSH_S)
            await self._flush()

    async def _flush(self) -> None:
        """Write down what was wrong with uploads, and what was refused."""
        resources = self._resources
        directory = resources.directory
        for counts, add in (
            (resources.faults.drain(), directory.add_faults),
            (resources.refused.drain(), directory.add_refusals),
        ):
            if counts:
                try:
                    await resources.updates.run(add, counts, resources.clock())
                except Exception as error:
                    logger.warning("what %d sensors were told is lost: %s", len(counts), error)

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
                return await self._writes.sensor(ident.decode(), scope, receive)
            if method in ("GET", "HEAD"):
                if image:
                    return await self._reads.image(ident.decode(), scope)
                return await self._reads.series(ident.decode(), scope, interval, unit)
        elif interval is None and image is None:
            if method == "POST":
                return await self._writes.device(ident.decode(), scope, receive)
        else:
            raise Refusal(404, "no such path", close=True)
        resource = kind.decode() if interval is None and image is None else "series"
        if method == "OPTIONS":
            return _options(resource)
        raise Refusal(405, "method not allowed", (b"Allow", _ALLOW[resource]), close=True)


def _options(resource: str) -> Answer:
    """Say which methods are allowed, and that pages of other sites may read.

    They may because cookies count nowhere here: a reader needs a token.
    """
    allow = _ALLOW[resource]
    cross = [] if resource == "device" else CROSS_ORIGIN
    return Answer(200, [(b"Content-Length", b"0"), (b"Allow", allow), *cross, *COMMON], b"")
