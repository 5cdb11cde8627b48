# SPDX-License-Identifier: GPL-3.0-or-later
"""The path of nearly every request: a small signed upload of a sensor that is in the cache.

Whatever the rules (hot/upload_rules.py) do not let it simply store is left to hot/writes.py, which
also words the refusals. Uploads that arrive in the same turn of the event loop go to the store
together, and are answered together once they are durable.
"""

import asyncio
import logging

from flukso_server.hot.answers import OK, OK_WATCHED, Answer
from flukso_server.hot.resources import Resources
from flukso_server.hot.upload_rules import STORE, Post, judge_upload

logger = logging.getLogger("flukso.fast_uploads")


def _after_date(answer: Answer) -> bytes:
    """An answer as it is sent, without its status line and date."""
    return b"".join(b"%b: %b\r\n" % header for header in answer.headers) + b"\r\n" + answer.body


OK_TAIL, OK_WATCHED_TAIL = _after_date(OK), _after_date(OK_WATCHED)


class FastUploads:
    """Stores uploads for connections (hot/http_connection.py) of one event loop."""

    def __init__(self, resources: Resources):
        self._store = resources.store
        self._known = resources.sensors.known
        self._faults = resources.faults
        self._graphs = resources.graphs
        self._load = resources.load
        self._clock = resources.clock
        self._loop = asyncio.get_running_loop()
        self._uploads: list[tuple[str, list]] = []
        self._waiting: list[tuple] = []  # for each upload its connection and the answer's tail

    def store_upload(self, connection, post: Post) -> bool:
        """Return True if the upload will be stored and connection.answer_fast_upload() called.

        Return False, having done nothing, for a request that needs the ordinary path.
        """
        entry = self._known(post.sender)
        if entry is None or self._load.full:
            return False
        verdict = judge_upload(entry, post, self._clock())
        if verdict.action is not STORE or verdict.first_signed or verdict.earlier:
            return False
        if not entry.proven:
            return False
        sensor = entry.sensor
        if verdict.too_old or verdict.odd:
            self._faults.note_left_out(sensor, verdict)
        self._load.underway += 1
        if not self._uploads:
            self._loop.call_soon(self._submit)
        self._uploads.append((sensor, verdict.tuples))
        self._waiting.append((connection, OK_WATCHED_TAIL if verdict.watched else OK_TAIL))
        return True

    def _submit(self) -> None:
        uploads, waiting = self._uploads, self._waiting
        self._uploads, self._waiting = [], []
        now = int(self._clock())
        loop, deliver = self._loop, self._deliver

        def done(outcomes: list) -> None:  # runs in the store's thread
            loop.call_soon_threadsafe(deliver, waiting, uploads, outcomes, now)

        try:
            self._store.append(uploads, now, done)
        except Exception as error:
            deliver(waiting, uploads, [error] * len(uploads), now)

    def _deliver(
        self, waiting: list[tuple], uploads: list[tuple[str, list]], outcomes: list, now: int
    ) -> None:
        self._load.underway -= len(uploads)
        moment = self._loop.time()
        for (connection, tail), upload, outcome in zip(waiting, uploads, outcomes, strict=True):
            if isinstance(outcome, Exception):
                logger.error("an upload is not stored: %s", outcome)
                connection.fail_fast_upload()
                continue
            if outcome.refused or outcome.conflict:
                self._faults.note(*upload, outcome, now)
            if self._graphs is not None:
                self._graphs.note(upload[0], outcome)
            connection.answer_fast_upload(tail, moment)
