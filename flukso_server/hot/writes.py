# SPDX-License-Identifier: GPL-3.0-or-later
"""POST /sensor/<id> and POST /device/<id> (docs/design/protocols.md §3, §8)."""

import asyncio
import json
import logging
import re

from msgspec import UNSET

from flukso_server.devices import registration
from flukso_server.devices.digests import same, x_digest
from flukso_server.devices.housekeeping import UNCLAIMED_KEPT
from flukso_server.devices.seal import Sealer
from flukso_server.hot import limits
from flukso_server.hot.answers import (
    NO_CONTENT,
    OFTEN,
    OK,
    OK_WATCHED,
    Answer,
    Refusal,
    reply,
    unauthorized,
)
from flukso_server.hot.caches import Cache, SensorEntry
from flukso_server.hot.directory import Directory
from flukso_server.hot.measurements import Malformed, decode_object, decode_upload, sift
from flukso_server.hot.requests import (
    Headers,
    check_digests,
    check_version,
    origin,
    read_body,
    read_headers,
    too_large,
)
from flukso_server.hot.upload_faults import Troubles
from flukso_server.hot.workers import Database
from flukso_server.series.rrd.background import Graphs
from flukso_server.series.store import SeriesError

logger = logging.getLogger("flukso.writes")

UNCLAIMED_S = int(
    UNCLAIMED_KEPT.total_seconds()
)  # §8.4: how far back a device that nobody knows may fill its series
NOT_PROVISIONED = "No proper provisioning for this sensor"
_HEX_32 = re.compile(r"[0-9a-f]{32}")


class Writer:
    """Takes uploads into the store, and registrations and heartbeats into the accounts' database."""

    def __init__(
        self,
        store,
        sensors: Cache,
        directory: Directory,
        asks: Database,
        writes: Database,
        sealer: Sealer,
        unclaimed_max: int,
        clock,
    ):
        """Set behind_proxy where X-Real-IP is to be believed."""
        self._store = store
        self._sensors = sensors
        self._directory = directory
        self._asks = asks
        self._call = writes.run
        self._sealer = sealer
        self._unclaimed_max = unclaimed_max
        self._clock = clock
        self.troubles = Troubles()
        self.behind_proxy = False
        self.graphs: Graphs | None = None  # series/rrd/background.py, where it is switched on

    async def sensor(self, sensor: str, scope, receive) -> Answer:
        """An upload or a configuration."""
        headers = read_headers(scope)
        check_version(headers.version)
        if headers.length is not None and headers.length > limits.BODY_MAX:
            raise too_large()
        entry = self._sensors.known(sensor) or await self._sensors.get(sensor)
        if entry is None or entry.device is None:
            return await self._unknown_sensor(sensor, headers, scope, receive)
        body = await read_body(headers, receive, limits.BODY_MAX)
        if len(body) > limits.LARGE_BODY:
            await asyncio.sleep(0)
        signed = check_digests(entry.key, entry.sign_required, headers, scope["raw_path"], body)
        if signed and not entry.sign_required:
            await self._call(registration.require_sign, entry.device)
            entry.sign_required = True
        try:
            upload = decode_upload(body)
        except Malformed:
            measurements, odd = decode(sift, body)
            self.troubles.note_odd(sensor, odd)
        else:
            if upload.config is not UNSET:
                return await self._configure(sensor, entry, upload.config)
            measurements = upload.measurements
        await self._append(entry, measurements)
        return OK_WATCHED if entry.watched_until > self._clock() else OK

    async def _append(self, entry: SensorEntry, tuples: list[tuple[int, int]]) -> None:
        """Returns once all of them are durable."""
        sensor, now = entry.sensor, int(self._clock())
        if entry.fresh_only:
            given, since = len(tuples), now - UNCLAIMED_S
            tuples = [each for each in tuples if each[0] >= since]
            if len(tuples) < given:
                self.troubles.note_old(sensor, given - len(tuples))
        for begin in range(0, len(tuples), limits.APPEND_SLICE):
            part = tuples[begin : begin + limits.APPEND_SLICE]
            try:
                outcome = await self._store.append_async(sensor, part, now)
            except SeriesError as error:
                logger.error("an upload is not stored: %s", error)
                raise Refusal(503, "not stored", (b"Retry-After", b"60"), close=True) from error
            if outcome.refused or outcome.conflict:
                self.troubles.note(sensor, part, outcome, now)
            if self.graphs is not None:
                self.graphs.note(sensor, outcome)

    async def _configure(self, sensor: str, entry: SensorEntry, config: dict) -> Answer:
        device = config.get("device")
        if device is not None and device != entry.device:
            raise unauthorized(NOT_PROVISIONED)
        await self._call(registration.configure_sensor, sensor, config)
        return NO_CONTENT if device is None else OK

    async def _unknown_sensor(self, sensor: str, headers: Headers, scope, receive) -> Answer:
        """A sensor without a device: its configuration may name one, and that device's key then
        signs (§8.2).
        """
        if headers.length is None or headers.length > limits.UNKNOWN_BODY_MAX:
            raise unauthorized(NOT_PROVISIONED, close=True)
        body = await read_body(headers, receive, limits.UNKNOWN_BODY_MAX)
        try:
            config = decode_object(body).get("config")
        except Malformed:
            config = None
        device = config.get("device") if isinstance(config, dict) else None
        if not isinstance(device, str) or not _HEX_32.fullmatch(device):
            raise unauthorized(NOT_PROVISIONED)
        known = await self._asks.run(self._directory.device, device)
        if known is None:
            raise unauthorized(NOT_PROVISIONED)
        key, _, sign_required = known
        if (
            check_digests(key, sign_required, headers, scope["raw_path"], body)
            and not sign_required
        ):
            await self._call(registration.require_sign, device)
        await self._refusable(registration.bind_sensor, sensor, device)
        self._sensors.drop(sensor)
        await self._call(registration.configure_sensor, sensor, config)
        return OK

    async def device(self, device: str, scope, receive) -> Answer:
        """A registration or a heartbeat."""
        headers = read_headers(scope)
        check_version(headers.version)
        if headers.length is not None and headers.length > limits.UNKNOWN_BODY_MAX:
            raise too_large()
        known = await self._asks.run(self._directory.device, device)
        body = await read_body(headers, receive, limits.UNKNOWN_BODY_MAX)
        offered = _offered_key(body)
        if offered is not None:
            return await self._register(device, offered, known, headers, scope, body)
        if known is None:
            raise unauthorized("Incorrect digest")
        key, _, sign_required = known
        signed = check_digests(key, sign_required, headers, scope["raw_path"], body)
        beat = decode(decode_object, body)
        if signed and not sign_required:
            await self._call(registration.require_sign, device)
        now = self._clock()
        told = await self._call(registration.heartbeat, device, beat, registration.utc(now))
        answer = {"upgrade": 0, "timestamp": int(now)} | ({"claimed": 1} if told.claimed else {})
        return signed_reply(
            key,
            json.dumps(answer, separators=(",", ":")).encode(),
            *([OFTEN] if told.often else []),
        )

    async def _register(
        self, device: str, offered: bytes, known, headers: Headers, scope, body: bytes
    ) -> Answer:
        """§8.1; §8.4 for a device that lost its key."""
        path = scope["raw_path"]
        key, sealed, sign_required = known or (b"", b"", False)
        proven = key and (offered == key or same(headers.digest, x_digest(key, body)))
        if proven:
            signed = check_digests(key, sign_required, headers, path, body)
            if offered != key:
                await self._refusable(
                    registration.replace_key, device, sealed, offered, self._sealer
                )
            if signed and not sign_required:
                await self._call(registration.require_sign, device)
            return signed_reply(offered, OK.body)
        signed = check_digests(offered, False, headers, path, body)
        now = registration.utc(self._clock())
        offer = registration.Offer(offered, signed, origin(scope, headers, self.behind_proxy), now)
        if known is None:
            await self._refusable(
                registration.register, device, offer, self._unclaimed_max, self._sealer
            )
        else:
            await self._refusable(registration.offer_key, device, offer, self._sealer)
        return signed_reply(offered, OK.body)

    async def _refusable(self, function, *args) -> None:
        try:
            await self._call(function, *args)
        except registration.Refused as error:
            raise unauthorized(str(error)) from error


def decode(decoder, body: bytes):
    try:
        return decoder(body)
    except Malformed as error:
        raise Refusal(400, "malformed") from error


def signed_reply(key: bytes, body: bytes, *headers: tuple[bytes, bytes]) -> Answer:
    """The device verifies the digest before it believes the answer."""
    return reply(200, body, (b"X-Digest", x_digest(key, body).encode()), *headers)


def _offered_key(body: bytes) -> bytes | None:
    """The key of a registration, None when the body is none. Raises the 400 of a key that cannot be
    one.
    """
    try:
        key = decode_object(body).get("key")
    except Malformed:
        return None  # it is judged after the digest
    if key is None:
        return None
    if not isinstance(key, str) or not _HEX_32.fullmatch(key):
        raise Refusal(400, "malformed key")
    return key.encode()
