# SPDX-License-Identifier: GPL-3.0-or-later
"""POST /sensor/<id> and POST /device/<id> (docs/design/protocols.md §3, §8)."""

import asyncio
import json
import logging
import re

from flukso_server.devices import registration
from flukso_server.devices.digests import same, x_digest
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
from flukso_server.hot.caches import SensorEntry
from flukso_server.hot.directory import DeviceKey
from flukso_server.hot.measurements import Malformed, decode_object
from flukso_server.hot.requests import (
    Headers,
    check_version,
    origin,
    read_body,
    read_headers,
    too_large,
)
from flukso_server.hot.resources import Resources
from flukso_server.hot.upload_rules import (
    CONFIGURE,
    FIRST_SIGNED,
    REFUSE,
    REJECT,
    WRONG,
    Credentials,
    Post,
    Verdict,
    judge_upload,
    prove,
)
from flukso_server.series.appending import append_async
from flukso_server.series.store import SeriesError

logger = logging.getLogger("flukso.writes")

NOT_PROVISIONED = "No proper provisioning for this sensor"
WRONG_DIGEST = "Incorrect digest"
_HEX_32 = re.compile(r"[0-9a-f]{32}")


class WriteHandler:
    """Puts uploads into the store, and registrations and heartbeats into the accounts' database."""

    def __init__(
        self, resources: Resources, sealer: Sealer, unclaimed_max: int, behind_proxy: bool
    ):
        """behind_proxy: X-Real-IP and X-Forwarded-For are to be believed."""
        self._resources = resources
        self._update = resources.updates.run
        self._clock = resources.clock
        self._sealer = sealer
        self._unclaimed_max = unclaimed_max
        self._behind_proxy = behind_proxy

    async def sensor(self, sensor: str, scope, receive) -> Answer:
        """Answer an upload or a configuration."""
        headers = read_headers(scope)
        check_version(headers.version)
        if headers.length is not None and headers.length > limits.BODY_MAX:
            raise too_large()
        sensors = self._resources.sensors
        entry = sensors.known(sensor) or await sensors.get(sensor)
        if entry is None or entry.device is None:
            return await self._bind(sensor, headers, scope, receive)
        body = await read_body(headers, receive, limits.BODY_MAX)
        if len(body) > limits.LARGE_BODY:
            await asyncio.sleep(0)
        verdict = judge_upload(entry, _post(scope, sensor, headers, body), self._clock())
        if verdict.action is REFUSE:
            raise unauthorized(WRONG_DIGEST)
        if verdict.first_signed:
            await self._update(registration.require_sign, entry.device)
            entry.sign_required = True
        if verdict.action is REJECT:
            raise _malformed()
        if verdict.action is CONFIGURE:
            return await self._configure(entry, verdict.config or {})
        await self._append(entry.sensor, verdict)
        return OK_WATCHED if verdict.watched else OK

    async def _append(self, sensor: str, verdict: Verdict) -> None:
        """Store the tuples; all of them are durable on return."""
        store, faults, graphs = (
            self._resources.store,
            self._resources.faults,
            self._resources.graphs,
        )
        now = int(self._clock())
        if verdict.too_old or verdict.odd:
            faults.note_left_out(sensor, verdict)
        for begin in range(0, len(verdict.tuples), limits.APPEND_SLICE):
            part = verdict.tuples[begin : begin + limits.APPEND_SLICE]
            try:
                outcome = await append_async(store, sensor, part, now)
            except SeriesError as error:
                logger.error("an upload is not stored: %s", error)
                raise Refusal(503, "not stored", (b"Retry-After", b"60"), close=True) from error
            if outcome.refused or outcome.conflict:
                faults.note(sensor, part, outcome, now)
            if graphs is not None:
                graphs.note(sensor, outcome)

    async def _configure(self, entry: SensorEntry, config: dict) -> Answer:
        device = config.get("device")
        if device is not None and device != entry.device:
            raise unauthorized(NOT_PROVISIONED)
        await self._update(registration.configure_sensor, entry.sensor, config)
        return NO_CONTENT if device is None else OK

    async def _bind(self, sensor: str, headers: Headers, scope, receive) -> Answer:
        """Bind a sensor without a device to the one that its configuration names (§8.2).

        The key of that device must have signed the configuration.
        """
        if headers.length is None or headers.length > limits.UNKNOWN_BODY_MAX:
            raise unauthorized(NOT_PROVISIONED, close=True)
        body = await read_body(headers, receive, limits.UNKNOWN_BODY_MAX)
        config = _config_of(body)
        device = config.get("device")
        if not _is_id(device):
            raise unauthorized(NOT_PROVISIONED)
        known = await self._resources.queries.run(self._resources.directory.device, device)
        if known is None:
            raise unauthorized(NOT_PROVISIONED)
        if _is_first_signed(known, _post(scope, sensor, headers, body)):
            await self._update(registration.require_sign, device)
        await self._update_or_refuse(registration.bind_sensor, sensor, device)
        self._resources.sensors.drop(sensor)
        await self._update(registration.configure_sensor, sensor, config)
        return OK

    async def device(self, device: str, scope, receive) -> Answer:
        """Answer a registration or a heartbeat."""
        headers = read_headers(scope)
        check_version(headers.version)
        if headers.length is not None and headers.length > limits.UNKNOWN_BODY_MAX:
            raise too_large()
        known = await self._resources.queries.run(self._resources.directory.device, device)
        body = await read_body(headers, receive, limits.UNKNOWN_BODY_MAX)
        post = _post(scope, device, headers, body)
        offered = _offered_key(body)
        if offered is not None:
            if known is not None and _is_proven(known, offered, post):
                return await self._replace_key(known, offered, post)
            return await self._offer_key(
                known, offered, post, origin(scope, headers, self._behind_proxy)
            )
        if known is None:
            raise unauthorized(WRONG_DIGEST)
        first_signed = _is_first_signed(known, post)
        try:
            beat = decode_object(body)
        except Malformed as error:
            raise _malformed() from error
        if first_signed:
            await self._update(registration.require_sign, device)
        return await self._answer_heartbeat(device, known.key, beat)

    async def _answer_heartbeat(self, device: str, key: bytes, beat: dict) -> Answer:
        now = self._clock()
        state = await self._update(registration.heartbeat, device, beat, registration.utc(now))
        answer = {"upgrade": 0, "timestamp": int(now)} | ({"claimed": 1} if state.claimed else {})
        body = json.dumps(answer, separators=(",", ":")).encode()
        return _signed_reply(key, body, *([OFTEN] if state.often else []))

    async def _replace_key(self, known: DeviceKey, offered: bytes, post: Post) -> Answer:
        """Answer a device that registers again, with its key or with a new one (§8.1)."""
        first_signed = _is_first_signed(known, post)
        if offered != known.key:
            await self._update_or_refuse(
                registration.replace_key, post.sender, known.sealed, offered, self._sealer
            )
        if first_signed:
            await self._update(registration.require_sign, post.sender)
        return _signed_reply(offered, OK.body)

    async def _offer_key(
        self, known: DeviceKey | None, offered: bytes, post: Post, source: str
    ) -> Answer:
        """Answer a device that is new (§8.1), or that has lost its key (§8.4)."""
        signed = _is_first_signed(DeviceKey(offered), post)
        offer = registration.Offer(offered, signed, source, registration.utc(self._clock()))
        if known is None:
            await self._update_or_refuse(
                registration.register, post.sender, offer, self._unclaimed_max, self._sealer
            )
        else:
            await self._update_or_refuse(registration.offer_key, post.sender, offer, self._sealer)
        return _signed_reply(offered, OK.body)

    async def _update_or_refuse(self, function, *args) -> None:
        try:
            await self._update(function, *args)
        except registration.Refused as error:
            raise unauthorized(str(error)) from error


def _post(scope, sender: str, headers: Headers, body: bytes) -> Post:
    return Post(scope["raw_path"], sender, headers.digest, headers.sign, body)


def _is_first_signed(credentials: Credentials, post: Post) -> bool:
    """Return whether the sender signs for the first time. Raises the 401 of a wrong proof."""
    proof = prove(credentials, post)
    if proof is WRONG:
        raise unauthorized(WRONG_DIGEST)
    return proof is FIRST_SIGNED


def _is_proven(known: DeviceKey, offered: bytes, post: Post) -> bool:
    """Whether a registration comes from the device that is known under this id."""
    key = known.key
    return bool(key) and (offered == key or same(post.digest, x_digest(key, post.body)))


def _malformed() -> Refusal:
    return Refusal(400, "malformed")


def _signed_reply(key: bytes, body: bytes, *headers: tuple[bytes, bytes]) -> Answer:
    """Make an answer with its digest, without which the device does not believe it."""
    return reply(200, body, (b"X-Digest", x_digest(key, body).encode()), *headers)


def _is_id(value: object) -> bool:
    return isinstance(value, str) and _HEX_32.fullmatch(value) is not None


def _config_of(body: bytes) -> dict:
    """Return the configuration in a body, {} if there is none."""
    try:
        config = decode_object(body).get("config")
    except Malformed:
        return {}
    return config if isinstance(config, dict) else {}


def _offered_key(body: bytes) -> bytes | None:
    """Return the key in a registration, None if the body is none.

    Raises the 400 of something that cannot be a key.
    """
    try:
        key = decode_object(body).get("key")
    except Malformed:
        return None  # the caller checks the digest before it calls a body malformed
    if key is None:
        return None
    if not _is_id(key):
        raise Refusal(400, "malformed key")
    return key.encode()
