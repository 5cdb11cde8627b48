# SPDX-License-Identifier: GPL-3.0-or-later
"""GET /sensor/<id> in its query form and its older path form (docs/design/protocols.md §4)."""

import hashlib
import json
import logging
import re
from collections import namedtuple
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from flukso_server.accounts.prices import own
from flukso_server.accounts.tokens import is_token, sha256
from flukso_server.hot.answers import (
    COMMON,
    CROSS_ORIGIN,
    JSON,
    Answer,
    Refusal,
    busy,
    unauthorized,
)
from flukso_server.hot.caches import Series, TokenEntry
from flukso_server.hot.requests import Headers, check_version, read_headers
from flukso_server.hot.resources import Resources
from flukso_server.hot.workers import Workers
from flukso_server.series import query
from flukso_server.series.rrd.cached import Deaf
from flukso_server.series.units import default, unit_of

logger = logging.getLogger("flukso.reads")

THREADS = 2  # in which answers are computed while uploads go on
FIELDS_MAX = 64  # parameters of a query; no client sends as many
QUERY_MAX = 4096  # bytes
JAVASCRIPT = (b"Content-Type", b"application/javascript; charset=utf-8")
# the names that JavaScript allows, and that jQuery and Angular make up
_CALLBACK = re.compile(r"[A-Za-z_$][0-9A-Za-z_$.]{0,63}")

# The values are text, or None for an absent parameter.
Parameters = namedtuple(
    "Parameters",
    ("interval", "start", "end", "resolution", "unit", "version", "token", "param", "callback"),
)


def read_parameters(raw: bytes) -> Parameters:
    """Pick out the parameters that count; a trailing `;` is tolerated. Raises Refusal(400)."""
    if len(raw) > QUERY_MAX:
        raise Refusal(400, "query too long")
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except (UnicodeDecodeError, ValueError) as error:
        raise Refusal(400, "malformed query") from error
    values: dict[str, str] = {}
    for name, value in pairs:
        values.setdefault(name, value.rstrip(";").strip())
    callback = values.get("jsonp_callback", values.get("callback"))
    if callback is not None and not _CALLBACK.fullmatch(callback):
        raise Refusal(400, "a callback is a name of 1 to 64 letters, digits, _, $ or .")
    return Parameters._make([*map(values.get, Parameters._fields[:-1]), callback])


class ReadHandler:
    """Answers those who hold a token."""

    def __init__(self, resources: Resources):
        self._resources = resources
        self._threads = Workers(THREADS, "reads")

    def stop(self) -> None:
        self._threads.stop()

    async def series(
        self, sensor: str, scope, interval: bytes | None, unit: bytes | None
    ) -> Answer:
        """Answer with rows of a sensor, or with its properties for param=all.

        interval and unit are those of the path form, which has no query.
        """
        headers = read_headers(scope)
        given = read_parameters(scope["query_string"])
        if interval is not None and unit is not None:
            given = given._replace(interval=interval.decode(), unit=unit.decode())
        elif headers.version is None and given.version is None:
            raise Refusal(400, "version is missing")
        check_version(headers.version)
        check_version(None if given.version is None else given.version.encode())
        token, found = await self._authorized(sensor, headers, given)
        if given.param == "all":
            body = await self._properties(found.sensor)
        else:
            body = await self._rows(found, given, token)
        return _answer(body, given.callback, headers.match)

    async def image(self, sensor: str, scope) -> Answer:
        """Answer with the historic graph of a sensor."""
        headers = read_headers(scope)
        given = read_parameters(scope["query_string"])
        check_version(headers.version)
        check_version(None if given.version is None else given.version.encode())
        token, found = await self._authorized(sensor, headers, given)
        if self._resources.graphs is None:
            raise Refusal(404, "no graphs here")
        given = given._replace(
            interval=given.interval or (None if given.start else "day"),
            unit=given.unit or default(found.resource).name,
        )
        request = self._query(given, token, found.resource)
        scale = query.factor_at(request, request.end)  # rrdtool scales all of a graph alike
        unit = unit_of(given.unit).name
        try:
            image = await self._resources.graphs.png(
                *(found.sensor, request.start, request.end),
                *(scale, unit, request.night, request.offset),
            )
        except Deaf as error:
            logger.warning("a graph is not drawn: %s", error)
            raise busy("rrdcached does not answer") from error
        if image is None:
            raise Refusal(404, "no graph yet")
        return _tagged(image, (b"Content-Type", b"image/png"), headers.match)

    async def _authorized(
        self, sensor: str, headers: Headers, given: Parameters
    ) -> tuple[TokenEntry, Series]:
        text = headers.token.decode("latin-1") if headers.token is not None else given.token
        if text is None or not is_token(text):
            raise unauthorized("Access refused")
        token = await self._resources.tokens.get(sha256(text))
        if token is None:
            raise unauthorized("Access refused")
        entry = await self._resources.sensors.get(sensor)
        if entry is None:
            raise Refusal(404, "no such series")
        found = entry.readable(token.account)
        if found is None or token.sensor not in (None, found.sensor):
            raise unauthorized("Access refused")
        return token, found

    async def _rows(self, found: Series, given: Parameters, token: TokenEntry) -> bytes:
        request = self._query(given, token, found.resource)
        zone = ZoneInfo(token.time_zone)
        return await self._threads.run(
            query.answer_json,
            self._resources.store,
            found.sensor,
            request,
            int(self._resources.clock()),
            zone,
        )

    def _query(self, given: Parameters, token: TokenEntry, resource: str) -> query.Query:
        now = int(self._resources.clock())
        try:
            wish = query.Wish(given.interval, given.start, given.end, given.resolution, given.unit)
            return query.parse(now, wish, own(token.prices), resource)
        except query.QueryError as error:
            raise Refusal(400, str(error)) from error

    async def _properties(self, sensor: str) -> bytes:
        properties = await self._resources.queries.run(self._resources.directory.properties, sensor)
        last = await self._threads.run(self._resources.store.last, sensor)
        if properties is None:
            raise Refusal(404, "no such series")
        return json.dumps(
            properties | {"lastupdate": list(last or ())}, separators=(",", ":")
        ).encode()


def _answer(body: bytes, callback: str | None, match: bytes | None) -> Answer:
    """Make an answer in JSON, or in JSONP if the client names a callback."""
    if callback is not None:
        body = b"%b(%b);" % (callback.encode(), body)
    return _tagged(body, JSON if callback is None else JAVASCRIPT, match)


def _tagged(body: bytes, kind: tuple[bytes, bytes], match: bytes | None) -> Answer:
    """Make a 200 with the body's tag, or a 304 if the client has that body already."""
    tag = b'"%b"' % hashlib.blake2b(body, digest_size=16).hexdigest().encode()
    common = [*COMMON, *CROSS_ORIGIN[:1], (b"ETag", tag)]
    known = (
        [] if match is None else [each.strip().removeprefix(b"W/") for each in match.split(b",")]
    )
    if tag in known or b"*" in known:
        return Answer(304, common, b"")
    return Answer(200, [(b"Content-Length", b"%d" % len(body)), kind, *common], body)
