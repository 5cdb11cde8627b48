# SPDX-License-Identifier: GPL-3.0-or-later
"""The ASGI application, which has three branches: the hot path, static files and Django."""

import gc
import logging
from typing import Any

from django.conf import settings

from flukso_server.devices.seal import sealer
from flukso_server.hot import limits
from flukso_server.hot.answers import Refusal, send_answer
from flukso_server.hot.app import HotPath, Options
from flukso_server.project import stores
from flukso_server.project.django_branch import Pages
from flukso_server.project.static import Static
from flukso_server.series.rrd.background import Place

logger = logging.getLogger("flukso.entry")

_STATIC = settings.STATIC_URL.encode()


class Entry:
    """Passes each request to its branch; opens and closes the store with the service."""

    def __init__(self, hot: bool, pages: bool):
        self._hot = hot
        self._has_pages = pages
        self._pages: Pages | None = None
        self._static = Static(settings.STATIC_URL) if pages else None
        self._path: HotPath | None = None

    @property
    def store_upload(self):
        """The function that hot/http_connection.py offers small uploads to; None without it."""
        return None if self._path is None else self._path.store_upload

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] == "http":
            raw = scope["raw_path"]
            if raw.startswith((b"/sensor/", b"/device/")):
                branch: Any = self._path
            elif raw.startswith(_STATIC):
                branch = self._static
            else:
                branch = self._pages
            await (branch or _nothing)(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)

    async def _live(self, receive, send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await self._start()
                except Exception as error:
                    logger.exception("start failed")
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    return
                await send({"type": "lifespan.startup.complete"})
            else:
                await self._stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _start(self) -> None:
        await self._open()
        if self._has_pages:
            self._pages = Pages()
        gc.collect()
        # What is loaded now stays. A later collection that looked at all of Django would hold up
        # the uploads of that moment.
        gc.freeze()

    async def _open(self) -> None:
        if not self._hot:
            return
        options = Options(
            sealer=sealer(),
            unclaimed_max=settings.UNCLAIMED_DEVICES_MAX,
            rrd=Place(settings.RRD_DIR, settings.RRDCACHED),
            forget=stores.forget,
            uploads_waiting_max=max(settings.CONNECTIONS_MAX // limits.WAITING_PART, 1),
            behind_proxy=settings.BEHIND_PROXY,
        )
        self._path = HotPath(stores.store(merge=True), options)
        await self._path.start()

    async def _stop(self) -> None:
        if self._path is not None:
            await self._path.stop()
            self._path = None
        if self._pages is not None:
            self._pages.stop()
            self._pages = None
        stores.close()


async def _nothing(scope, receive, send) -> None:
    await send_answer(Refusal(404, "no such path", close=True).answer(), scope, send)
