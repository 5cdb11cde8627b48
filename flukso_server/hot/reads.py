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
from flukso_server.hot.answers import COMMON, CROSS_ORIGIN, JSON, Answer, Refusal, unauthorized
from flukso_server.hot.caches import SensorEntry, TokenEntry
from flukso_server.hot.requests import Headers, check_version, read_headers
from flukso_server.hot.resources import Resources
from flukso_server.hot.workers import Workers
from flukso_server.series import query
from flukso_server.series.rrd.cached import Deaf
from flukso_server.series.units import ALIASES

logger = logging.getLogger("flukso.reads")

THREADS = 2  # that compute answers: uploads go on meanwhile
FIELDS_MAX = 64  # parameters; more are an attack
QUERY_MAX = 4096  # bytes
JAVASCRIPT = (b"Content-Type", b"application/javascript; charset=utf-8")
_CALLBACK = re.compile(
    r"[A-Za-z_$][0-9A-Za-z_$.]{0,63}"
)  # as JavaScript's own names, and as jQuery and Angular make them

# values are text or None
Parameters = namedtuple(
    "Parameters",
    ("interval", "start", "end", "resolution", "unit", "version", "token", "param", "callback"),
)


def read_parameters(raw: bytes) -> Parameters:
    """What is known of a query; a trailing `;` on a value is tolerated. Raises Refusal(400)."""
    if len(raw) > QUERY_MAX:
        raise Refusal(400, "query too long")
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except (UnicodeDecodeError, ValueError) as error:
        raise Refusal(400, "malformed query") from error
    found: dict[str, str] = {}
    for name, value in pairs:
        found.setdefault(name, value.rstrip(";").strip())
    callback = found.get("jsonp_callback", found.get("callback"))
    if callback is not None and not _CALLBACK.fullmatch(callback):
        raise Refusal(400, "a callback is a name of 1 to 64 letters, digits, _, $ or .")
    return Parameters._make([*map(found.get, Parameters._fields[:-1]), callback])


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
        """Rows of a sensor, or its properties with param=all. interval and unit: those of the path
        form.
        """
        headers = read_headers(scope)
        asked = read_parameters(scope["query_string"])
        if interval is not None and unit is not None:
            asked = asked._replace(interval=interval.decode(), unit=unit.decode())
        elif headers.version is None and asked.version is None:
            raise Refusal(400, "version is missing")
        check_version(headers.version)
        check_version(None if asked.version is None else asked.version.encode())
        token, entry = await self._authorized(sensor, headers, asked)
        if asked.param == "all":
            body = await self._properties(sensor)
        else:
            body = await self._rows(entry, asked, token)
        return _answer(body, asked.callback, headers.match)

    async def image(self, sensor: str, scope) -> Answer:
        """The historic graph of a sensor."""
        headers = read_headers(scope)
        asked = read_parameters(scope["query_string"])
        check_version(headers.version)
        check_version(None if asked.version is None else asked.version.encode())
        token, entry = await self._authorized(sensor, headers, asked)
        if self._resources.graphs is None:
            raise Refusal(404, "no graphs here")
        asked = asked._replace(
            interval=asked.interval or (None if asked.start else "day"), unit=asked.unit or "watt"
        )
        wanted = self._query(asked, token, entry.resource)
        unit = ALIASES.get(asked.unit, asked.unit)
        scale = query.factor_at(wanted, wanted.end)  # rrdtool scales all of a graph alike
        try:
            image = await self._resources.graphs.png(
                sensor, wanted.start, wanted.end, scale, unit, wanted.night
            )
        except Deaf as error:
            logger.warning("a graph is not drawn: %s", error)
            raise Refusal(503, "rrdcached does not answer", (b"Retry-After", b"60")) from error
        if image is None:
            raise Refusal(404, "no graph yet")
        return _tagged(image, (b"Content-Type", b"image/png"), headers.match)

    async def _authorized(
        self, sensor: str, headers: Headers, asked: Parameters
    ) -> tuple[TokenEntry, SensorEntry]:
        text = headers.token.decode("latin-1") if headers.token is not None else asked.token
        if text is None or not is_token(text):
            raise unauthorized("Access refused")
        token = await self._resources.tokens.get(sha256(text))
        if token is None:
            raise unauthorized("Access refused")
        entry = await self._resources.sensors.get(sensor)
        if entry is None:
            raise Refusal(404, "no such series")
        if entry.owner != token.account or token.sensor not in (None, sensor):
            raise unauthorized("Access refused")
        return token, entry

    async def _rows(self, entry: SensorEntry, asked: Parameters, token: TokenEntry) -> bytes:
        wanted = self._query(asked, token, entry.resource)
        zone = ZoneInfo(token.time_zone)
        return await self._threads.run(
            query.answer_json,
            self._resources.store,
            entry.sensor,
            wanted,
            int(self._resources.clock()),
            zone,
        )

    def _query(self, asked: Parameters, token: TokenEntry, resource: str) -> query.Query:
        now = int(self._resources.clock())
        try:
            return query.parse(
                now,
                interval=asked.interval,
                start=asked.start,
                end=asked.end,
                resolution=asked.resolution,
                unit=asked.unit,
                prices=own(token.prices),
                resource=resource,
            )
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
    """As JSON or JSONP."""
    if callback is not None:
        body = b"%b(%b);" % (callback.encode(), body)
    return _tagged(body, JSON if callback is None else JAVASCRIPT, match)


def _tagged(body: bytes, kind: tuple[bytes, bytes], match: bytes | None) -> Answer:
    """200 with the body's tag, or 304 when the client has it (`*`: whatever it has)."""
    tag = b'"%b"' % hashlib.blake2b(body, digest_size=16).hexdigest().encode()
    common = [*COMMON, *CROSS_ORIGIN[:1], (b"ETag", tag)]
    known = (
        [] if match is None else [each.strip().removeprefix(b"W/") for each in match.split(b",")]
    )
    if tag in known or b"*" in known:
        return Answer(304, common, b"")
    return Answer(200, [(b"Content-Length", b"%d" % len(body)), kind, *common], body)
