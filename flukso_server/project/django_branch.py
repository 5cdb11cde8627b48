# SPDX-License-Identifier: GPL-3.0-or-later
"""Django as an ASGI branch, in a few threads that keep their database connections.

Each request stays in one thread. Django's own ASGI handler starts a thread and opens a connection
for every request, and changes threads at every middleware.
"""

import asyncio
import contextlib
import io
import logging
from typing import Any

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.core.signals import request_started
from django.http import HttpResponseBadRequest
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

from flukso_server.hot.answers import Refusal
from flukso_server.hot.requests import Gone, read_body, read_headers
from flukso_server.hot.workers import Workers
from flukso_server.project import trouble

logger = logging.getLogger("flukso.pages")

THREADS = 8  # each with a connection to the database; some wait for the mail server


def _body_max(path: bytes) -> int:
    """Return how many bytes a page takes; those of history are files."""
    brings = path.startswith(b"/sensors/") and path.endswith(b"/import/")
    return settings.HISTORY_MAX_SIZE if brings else settings.DATA_UPLOAD_MAX_MEMORY_SIZE


class Pages(BaseHandler):
    """Runs views, which are plain functions, and sends their answers.

    A streamed answer's iterator may be asynchronous; it runs in the loop then. Several threads may
    read a plain iterator, so it must not use the database.
    """

    def __init__(self) -> None:
        super().__init__()
        self.load_middleware()
        self._workers = Workers(THREADS, "pages")

    async def __call__(self, scope, receive, send) -> None:
        try:
            body = await read_body(read_headers(scope), receive, _body_max(scope["raw_path"]))
            status, headers, content, stream = await self._workers.run(self._answer, scope, body)
        except Gone:
            return
        except Refusal as refusal:
            status, headers, content, stream = await self._refused(scope, refusal)
        except Exception:
            logger.exception("%s %s", scope["method"], scope["raw_path"].decode("ascii"))
            status, headers, content, stream = await self._refused(
                scope, Refusal(500, "internal error", close=True)
            )
        await send({"type": "http.response.start", "status": status, "headers": headers})
        if stream is None:
            await send({"type": "http.response.body", "body": content})
        else:
            await self._until_gone(self._stream(stream, scope["method"] == "HEAD", send), receive)

    def stop(self) -> None:
        """Return when the requests under way have been answered."""
        self._workers.stop()

    def _answer(self, scope, body: bytes) -> tuple[int, list, bytes, Any]:
        """Return (status, headers, body, None), with the response at the end if it is streamed."""
        set_script_prefix(get_script_prefix(scope))
        # Django then closes database connections that are too old or broken.
        request_started.send(sender=self.__class__, scope=scope)
        try:
            request = ASGIRequest(scope, io.BytesIO(body))
        except UnicodeDecodeError:
            response: HttpResponseBase = HttpResponseBadRequest()
        else:
            response = self.get_response(request)
        head = _headers(response)
        if response.streaming:
            return response.status_code, head, b"", response
        content = response.content
        response.close()
        return response.status_code, head, content, None

    async def _refused(self, scope, refusal: Refusal) -> tuple[int, list, bytes, Any]:
        """Answer with a page, or in JSON if the client wants no page or there is none.

        The page is rendered in this thread, for there may be no other one free.
        """
        answer = refusal.answer()
        wants_page = b"text/html" in dict(scope["headers"]).get(b"accept", b"")
        if not wants_page or str(answer.status) not in trouble.TEXTS:
            return answer.status, answer.headers, answer.body, None
        response = trouble.page(ASGIRequest(scope, io.BytesIO()), answer.status)
        return answer.status, [*_headers(response), *refusal.headers], response.content, None

    async def _stream(self, response, empty: bool, send) -> None:
        try:
            if not empty:
                async for part in response if response.is_async else self._parts(response):
                    await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await self._workers.run(response.close)

    async def _parts(self, response):
        parts = iter(response)
        while (part := await self._workers.run(next, parts, None)) is not None:
            yield part

    async def _until_gone(self, streaming, receive) -> None:
        """Send the stream until it ends or the client has gone."""
        sending, gone = asyncio.ensure_future(streaming), asyncio.ensure_future(receive())
        try:
            await asyncio.wait((sending, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            if not sending.done():
                sending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sending


def _headers(response) -> list[tuple[bytes, bytes]]:
    headers = [
        (name.lower().encode("ascii"), value.encode("latin-1")) for name, value in response.items()
    ]
    return headers + [
        (b"set-cookie", cookie.output(header="").strip().encode("ascii"))
        for cookie in response.cookies.values()
    ]
