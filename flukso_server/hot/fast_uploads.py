# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of nearly every request: a small signed upload of a sensor that is in the cache.

What is in any way unusual is left to hot/writes.py, which also finds the words for what is wrong.
Uploads that arrive in the same turn of the event loop go to the store together, and come back
together once they are durable.
"""

import asyncio
import logging
from hmac import compare_digest

from msgspec import UNSET

from flukso_server.hot.answers import OK
from flukso_server.hot.caches import Cache
from flukso_server.hot.measurements import Malformed, decode_upload
from flukso_server.hot.upload_bytes import Upload
from flukso_server.hot.upload_faults import Troubles

logger = logging.getLogger("flukso.quick")

OK_TAIL = b"".join(b"%b: %b\r\n" % header for header in OK.headers) + b"\r\n" + OK.body


class Quick:
    """Takes requests from connections (hot/http_connection.py) in one event loop."""

    def __init__(self, store, sensors: Cache, troubles: Troubles, graphs, clock):
        self._store = store
        self._known = sensors.known
        self._troubles = troubles
        self._graphs = graphs
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._uploads: list[tuple[str, list]] = []
        self._connections: list = []

    def take(self, connection, upload: Upload) -> bool:
        """Return True if it took the request and will call connection.quick_answer(). Return False,
        having done nothing, for a request that needs the ordinary path.
        """
        path, sensor, digest, sign, body = upload
        entry = self._known(sensor)
        if entry is None or not entry.key or digest is None or entry.fresh_only:
            return False
        if entry.watched_until and entry.watched_until > self._clock():
            return False  # its answer says more
        signer = entry.signer
        if not compare_digest(digest, signer.digest(body).encode()):
            return False
        if entry.sign_required:
            if sign is None or not compare_digest(sign, signer.sign(path, body).encode()):
                return False
        elif sign is not None:
            return False  # the first one is to be remembered
        try:
            decoded = decode_upload(body)
        except Malformed:
            return False
        if decoded.measurements is UNSET:
            return False
        if not self._uploads:
            self._loop.call_soon(self._submit)
        self._uploads.append((sensor, decoded.measurements))
        self._connections.append(connection)
        return True

    def _submit(self) -> None:
        uploads, connections = self._uploads, self._connections
        self._uploads, self._connections = [], []
        now = int(self._clock())
        loop, deliver = self._loop, self._deliver

        def done(results: list) -> None:  # in the store's thread
            loop.call_soon_threadsafe(deliver, connections, uploads, results, now)

        try:
            self._store.submit_many(uploads, now, done)
        except Exception as error:
            deliver(connections, uploads, [error] * len(uploads), now)

    def _deliver(
        self, connections: list, uploads: list[tuple[str, list]], results: list, now: int
    ) -> None:
        moment = self._loop.time()
        for connection, upload, outcome in zip(connections, uploads, results, strict=True):
            if isinstance(outcome, Exception):
                logger.error("an upload is not stored: %s", outcome)
                connection.quick_failed()
                continue
            if outcome.refused or outcome.conflict:
                self._troubles.note(*upload, outcome, now)
            if self._graphs is not None:
                self._graphs.note(upload[0], outcome)
            connection.quick_answer(OK_TAIL, moment)
