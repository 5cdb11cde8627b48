# SPDX-License-Identifier: GPL-3.0-or-later
"""The live tab's stream of server-sent events.

It tells when lines have new values, and keeps the owner's devices uploading often.
"""

import asyncio
import itertools
import logging
import threading
import time
import weakref
from collections.abc import AsyncIterator
from datetime import datetime, timezone
from importlib import import_module
from typing import NamedTuple

import msgspec
from django.conf import settings
from django.contrib.auth import get_user
from django.db import close_old_connections
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from flukso_server.dashboard.chart_json import newest
from flukso_server.dashboard.feeds import answer
from flukso_server.dashboard.lines import lines_for
from flukso_server.dashboard.requests import names
from flukso_server.devices.live import watch
from flukso_server.project.stores import store
from flukso_server.series.quantities import BY_NAME, ELECTRICITY

logger = logging.getLogger("flukso.live")

POLL_S = 2
CHECK_S = 10  # from one check that the viewer is still logged in to the next
# from one renewal of the watch, and look at what the viewer may see, to the next; devices/live.py
# wants the watch renewed each minute
RENEW_S = 45
STREAM_S = 600  # a forgotten page must not keep a router busy: it then asks if anybody is there
DEMO_STEP_S = 10
STREAMS_MAX = 500  # in a process: each one polls
STREAMS_EACH = 6  # of an account: its phones and tabs
STREAMS_A_BROWSER = 3  # of the six connections of a browser: the pages fetch by the others
RETRY_MS = 3000


class Place(NamedTuple):
    """An open stream's place among those that are allowed."""

    account: int
    session: str
    number: int


_places: set[Place] = set()  # of the open streams; giving one up needs no lock
_numbers = itertools.count()
_entering = threading.Lock()


@require_GET
@never_cache
def stream(request):
    """Send events `last`, and `rest` when the stream is over.

    `last` is {"now": unix s, "last": {key: unix s of the line's newest tuple}}. With `once`, that
    is the whole answer, as JSON, for pages whose stream was refused. With `few`, a stream is
    refused if it would leave its browser too few connections.
    """
    account = request.user
    if not account.is_authenticated:
        return answer({"error": _("You are logged out.")}, 401)
    resource = request.GET.get("resource", ELECTRICITY.name)
    if resource not in BY_NAME:
        return answer({"error": "unknown resource"}, 400)
    others, session = names(request.GET.get("lines")), request.session.session_key
    if "once" in request.GET:
        return answer({"now": int(time.time()), "last": _last(_renew(account, resource, others))})
    place = _enter(account.pk, session, "few" in request.GET)
    if place is None:
        refusal = answer({"error": _("Too many live pages are open.")}, 503)
        refusal._has_been_logged = True  # a refusal is normal; Django would log it as an error
        return refusal
    headers = {"X-Accel-Buffering": "no"}  # has nginx pass each event on at once
    return Stream(
        place,
        _events(account, session, resource, others),
        content_type="text/event-stream",
        headers=headers,
    )


class Stream(StreamingHttpResponse):
    """A response that has a place until it is closed, or dropped before anybody reads it."""

    def __init__(self, place: Place, *args, **kwargs):
        self._leave = weakref.finalize(self, _places.discard, place)
        super().__init__(*args, **kwargs)

    def close(self):
        super().close()
        self._leave()


def _enter(account: int, session: str, few: bool) -> Place | None:
    """Return a place, None if the process, the account or (few) the browser has no more.

    The lock makes this hold for several who ask at once.
    """
    with _entering:
        places = list(_places)
        if (
            len(places) >= STREAMS_MAX
            or sum(each.account == account for each in places) >= STREAMS_EACH
        ):
            return None
        if few and sum(each.session == session for each in places) >= STREAMS_A_BROWSER:
            return None
        place = Place(account, session, next(_numbers))
        _places.add(place)
        return place


async def _events(account, session: str, resource: str, others) -> AsyncIterator[bytes]:
    began = checked = renewed = time.monotonic()
    lines = await asyncio.to_thread(_renew, account, resource, others)
    sent = None
    yield b"retry: %d\n\n" % RETRY_MS
    while (now := time.monotonic()) - began < STREAM_S:
        if now - checked > CHECK_S:
            checked = now
            if not await asyncio.to_thread(_is_in, session):
                return
        if now - renewed > RENEW_S:
            renewed = now
            lines = await asyncio.to_thread(_renew, account, resource, others)
            yield b": here\n\n"  # lets both ends notice a connection that is gone
        last = await asyncio.to_thread(_last, lines)
        if last != sent:
            sent = last
            yield b"event: last\ndata: %b\n\n" % msgspec.json.encode(
                {"now": int(time.time()), "last": last}
            )
        await asyncio.sleep(POLL_S)
    yield b"event: rest\ndata: {}\n\n"


def _is_in(session: str) -> bool:
    """Tell whether the session still holds: its account may log in, by the password it has now."""
    close_old_connections()
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session)
    return get_user(request).is_authenticated


def _renew(account, resource: str, others: tuple[str, ...] | None) -> list:
    """Keep the account's devices uploading often, and return the lines that it may see now."""
    close_old_connections()
    watch(account, datetime.now(timezone.utc))
    return lines_for(account, resource, names=others)


def _last(lines: list) -> dict[str, int | None]:
    """Return the time of the newest value of each line that shows minutes."""
    times: dict[str, int | None] = {}
    for line in lines:
        if line.kind == "demo":
            times[line.key] = int(time.time()) // DEMO_STEP_S * DEMO_STEP_S
        elif line.detail == "minutes":
            times[line.key] = newest(store(), line)
    return times
