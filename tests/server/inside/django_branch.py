# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to Django's branch with views of its own, for tests/server/test_pages.py."""

import asyncio
import sys
import threading
import types
from collections.abc import AsyncIterator

from django.conf import settings
from django.db import connection
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path

from flukso_server.project.django_branch import THREADS, Pages

REQUESTS, TURNS = 40, 2
_kept: list = []  # connections, so that no two have one id
_closed: list[bool] = []


def who(_request) -> HttpResponse:
    """Tell the thread and its connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    _kept.append(connection.connection)
    return HttpResponse(f"{threading.get_ident()} {id(connection.connection)}")


def size(request) -> HttpResponse:
    return HttpResponse(str(len(request.body)))


def broken(_request) -> HttpResponse:
    raise ValueError("broken")


def stream(_request) -> StreamingHttpResponse:
    return StreamingHttpResponse(iter([b"a", b"b", b"c"]))


async def _endless() -> AsyncIterator[bytes]:
    try:
        while True:
            yield b"x"
            await asyncio.sleep(0.01)
    finally:
        _closed.append(True)


def live(_request) -> StreamingHttpResponse:
    return StreamingHttpResponse(_endless())


async def _ask(pages: Pages, name: str, body: bytes = b"", leaves_after: int = 0) -> tuple:
    """Ask a view; the client leaves after so many messages. Return status and text."""
    sent: list[dict] = []
    messages = [{"type": "http.request", "body": body}]
    gone = asyncio.Event()

    async def receive() -> dict:
        if messages:
            return messages.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict) -> None:
        sent.append(message)
        if len(sent) == leaves_after:
            gone.set()

    headers = [(b"host", b"localhost"), (b"content-length", b"%d" % len(body))]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/" + name,
        "raw_path": b"/" + name.encode(),
        "query_string": b"",
        "headers": headers,
    }
    await pages(scope, receive, send)
    return sent[0]["status"], b"".join(each.get("body", b"") for each in sent[1:]).decode()


async def _answers() -> dict:
    pages = Pages()
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    turns = []
    for _ in range(TURNS):
        asked = [_ask(pages, "who") for _ in range(REQUESTS)]
        turns.append(await asyncio.gather(*asked))
    found: dict = {"threads": THREADS, "who": turns}
    found["fits"] = await _ask(pages, "size", bytes(most))
    found["large"] = await _ask(pages, "size", bytes(most + 1))
    found["broken"], found["stream"] = await _ask(pages, "broken"), await _ask(pages, "stream")
    found["live"] = await asyncio.wait_for(_ask(pages, "live", leaves_after=4), 20)
    await asyncio.sleep(0.1)
    found["closed"] = _closed
    pages.stop()
    return found


def answers() -> dict:
    """Return what the views answer.

    Call it in a process of its own: the views become that process's pages.
    """
    urls = types.ModuleType("urls")
    views = (who, size, broken, stream, live)
    urls.urlpatterns = [path(view.__name__, view) for view in views]  # type: ignore[attr-defined]
    sys.modules["urls"] = urls
    settings.ROOT_URLCONF = "urls"
    settings.MIDDLEWARE = []
    return asyncio.run(_answers())
