# SPDX-License-Identifier: GPL-3.0-or-later
"""POST /sensor/<id> and POST /device/<id> (docs/design/protocols.md §3, §8)."""

import asyncio
import json
import logging
import re
from itertools import islice

from flukso_server.devices import refusals, registration
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
    busy,
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
    STORE,
    WRONG,
    Credentials,
    Post,
    Verdict,
    judge_upload,
    prove,
)
from flukso_server.project.networks import Networks
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
        self._proven: dict[str, SensorEntry] = {}  # by the series' id, to be noted
        self._noting: asyncio.Task | None = None

    async def sensor(self, sensor: str, scope, receive) -> Answer:
        """Answer an upload or a configuration."""
        self._resources.load.check()
        headers = read_headers(scope)
        check_version(headers.version)
        if headers.length is not None and headers.length > limits.BODY_MAX:
            raise too_large()
        sensors = self._resources.sensors
        entry = sensors.known(sensor) or await sensors.get(sensor)
        if entry is None or entry.device is None:
            if headers.length is None or headers.length > limits.UNKNOWN_BODY_MAX:
                raise unauthorized(NOT_PROVISIONED, close=True)
            body = await read_body(headers, receive, limits.UNKNOWN_BODY_MAX)
            return await self._bind(_post(scope, sensor, headers, body))
        body = await read_body(headers, receive, limits.BODY_MAX)
        if len(body) > limits.LARGE_BODY:
            await asyncio.sleep(0)
        post = _post(scope, sensor, headers, body)
        verdict = judge_upload(entry, post, self._clock())
        if verdict.action is REFUSE:
            return await self._refuse(entry, post)
        if verdict.first_signed:
            await self._update(registration.require_sign, entry.device)
            entry.sign_required = True
        if verdict.action is REJECT:
            self._note(entry.device, "", refusals.MALFORMED)
            raise _malformed()
        if verdict.action is CONFIGURE:
            return await self._configure(entry, verdict.config or {})
        await self._append(entry.sensor, verdict)
        if not entry.proven:
            entry.proven = True  # so that no second upload notes it meanwhile
            self._proven[entry.sensor] = entry
            if self._noting is None or self._noting.done():
                self._noting = asyncio.create_task(self._note_proven())
        if verdict.earlier:
            await self._append_earlier(entry, sensor, verdict.earlier)
        return OK_WATCHED if verdict.watched else OK

    async def _note_proven(self) -> None:
        """Note which sensors sent a value with a right digest, all that have gathered at once.

        No upload waits for it. What fails is done after a later upload of the sensor.
        """
        while self._proven:
            names = list(islice(self._proven, limits.LOOKUP_BATCH))
            entries = [self._proven.pop(name) for name in names]
            try:
                await self._update(registration.note_proven, names)
            except Refusal:
                for entry in entries:
                    entry.proven = False

    async def _refuse(self, entry: SensorEntry, post: Post) -> Answer:
        """Answer a post whose digest is not that of the sensor's device.

        It may be a configuration by which another device asks for the sensor.
        """
        if len(post.body) <= limits.UNKNOWN_BODY_MAX:
            device = _config_of(post.body).get("device")
            if _is_id(device) and device != entry.device:
                return await self._bind(post)
        self._note(entry.device, post.sender, refusals.DIGEST)
        raise unauthorized(WRONG_DIGEST)

    async def _append_earlier(self, entry: SensorEntry, sensor: str, tuples: list) -> None:
        """Store what the device measured before it was given on in the series of that time."""
        left = tuples
        for ended in entry.ended(self._clock()):
            inside = [pair for pair in left if ended.begins <= pair[0] < ended.closed]
            left = [pair for pair in left if not ended.begins <= pair[0] < ended.closed]
            if inside:
                await self._append(ended.sensor, Verdict(STORE, tuples=inside))
        if left:
            self._note(entry.device, sensor, refusals.FORMER, len(left))

    def _note(self, device: str | None, sensor: str, kind: str, count: int = 1) -> None:
        """Count a refusal, for the device's owner to read."""
        if device is not None and kind:
            self._resources.refused.note(device, sensor, kind, count)

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
            self._resources.load.underway += 1
            try:
                outcome = await append_async(store, sensor, part, now)
            except SeriesError as error:
                logger.error("an upload is not stored: %s", error)
                raise busy("not stored", close=True) from error
            finally:
                self._resources.load.underway -= 1
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

    async def _bind(self, post: Post) -> Answer:
        """Bind a sensor to the device that its configuration names (§8.2).

        The key of that device must have signed the configuration.
        """
        sensor, config = post.sender, _config_of(post.body)
        device = config.get("device")
        if not _is_id(device):
            raise unauthorized(NOT_PROVISIONED)
        known = await self._resources.queries.run(self._resources.directory.device, device)
        if known is None:
            raise unauthorized(NOT_PROVISIONED)
        if _is_first_signed(known, post):
            await self._update(registration.require_sign, device)
        now = registration.utc(self._clock())
        try:
            series = await self._update(registration.bind_sensor, sensor, device, now)
        except registration.Refused as error:
            self._note(device, sensor, error.kind)
            raise unauthorized(str(error)) from error
        self._resources.sensors.drop(sensor)
        await self._update(registration.configure_sensor, series, config)
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
        try:
            first_signed = _is_first_signed(known, post)
        except Refusal:
            self._note(device, "", refusals.DIGEST)
            raise
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
        if state.owner is not None and state.time is not None:
            self._resources.store.trust.heard(str(state.owner), state.time)
        answer = {"upgrade": 0, "timestamp": int(now)} | ({"claimed": 1} if state.claimed else {})
        answer |= {"claim": state.claim} if state.claim else {}
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
        self, known: DeviceKey | None, offered: bytes, post: Post, source: Networks
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

    async def _update_or_refuse(self, function, device: str, *args) -> None:
        try:
            await self._update(function, device, *args)
        except registration.Refused as error:
            self._note(device, "", error.kind)
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
