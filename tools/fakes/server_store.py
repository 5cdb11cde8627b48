# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's judgement: is this request as docs/design/protocols.md §3 and §8 say, and what is
stored for it.
"""

import hashlib
import hmac
import json
import re
from collections import namedtuple

from tools.fakes.server_claim import UNCLAIMED_DATA_S, Device, Registry

BODY_LIMIT = 8 * 1024  # what our daemon promises; a historic device stays far below
COUNTER_LIMIT = 2**32
PATH = re.compile(r"/(sensor|device)/([0-9a-f]{32})")

Request = namedtuple("Request", "method path headers body connection")
Answer = namedtuple("Answer", "status headers body")


def digest(key: str, body: bytes) -> str:
    return hmac.new(key.encode(), body, hashlib.sha1).hexdigest()


def sign(key: str, path: str, body: bytes) -> str:
    return hmac.new(key.encode(), path.encode() + b"\n" + body, hashlib.sha256).hexdigest()


class Refused(Exception):
    """The request is not as the protocol says; answered with status, reason."""

    def __init__(self, status: int, reason: str):
        super().__init__(reason)
        self.status = status


def measurements(body: bytes) -> list[tuple[int, int]]:
    """The tuples of a body, or Refused(400)."""
    try:
        rows = json.loads(body)["measurements"]
        if not all(
            type(value) is int for row in rows for value in row
        ):  # json reads true as a bool, which is an int
            raise ValueError("a value is not an integer")
        tuples = [(stamp, counter) for stamp, counter in rows]
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(400, "malformed: {!r}".format(error))
    for stamp, counter in tuples:
        if not (0 <= counter < COUNTER_LIMIT and 0 <= stamp < COUNTER_LIMIT):
            raise Refused(400, "malformed: out of range")
    return tuples


class Store:
    """What a server holds, and how it judges. Not locked: the caller serialises.

    devices: id -> key, all of them claimed. sensors: id -> device id, or None for any sensor of a
    known device. historic: a batch ends at the first tuple that is not newer than the newest held;
    the answer stays 200.
    """

    def __init__(self, devices, sensors=None, historic=False, wall=None):
        self.wall = wall or (lambda: 0)
        self.registry = Registry(self.wall)
        for device, key in devices.items():
            self.registry.add(device, key)
        self._strict = sensors is not None
        self.registry.sensors.update(sensors or {})
        self.historic = historic
        self.interval_s: int | None = None  # what X-Upload-Interval asks for
        self.held: dict[str, dict[int, int]] = {}
        self.conflicts: list[tuple[str, int, int, int]] = []  # sensor, ts, held, offered
        self.repeated = 0  # tuples that were held already, with the same value
        self.refused_old = 0  # tuples that a historic server dropped
        self.heartbeats: list[dict] = []
        self.stale_heartbeats = 0  # replayed, or from the future
        self.configs: dict[str, dict] = {}
        self.violations: list[str] = []  # everything that a device of ours must never send

    def answer(self, request: Request) -> Answer:
        """Judge and store one request."""
        try:
            answer = self._dispatch(request)
            if self.interval_s is not None:
                answer.headers["X-Upload-Interval"] = str(self.interval_s)
            return answer
        except Refused as refused:
            self.violations.append("{} {}: {}".format(refused.status, request.path, refused))
            headers = {"WWW-Authenticate": str(refused)} if refused.status == 401 else {}
            return Answer(refused.status, headers, json.dumps({"error": str(refused)}).encode())

    def _dispatch(self, request: Request) -> Answer:
        match = PATH.fullmatch(request.path)
        if match is None:
            raise Refused(404, "no such path")
        if request.method != "POST":
            raise Refused(405, "only POST")
        self._check_headers(request)
        kind, ident = match.groups()
        return self._sensor(request, ident) if kind == "sensor" else self._device(request, ident)

    def _check_headers(self, request: Request) -> None:
        headers = request.headers
        if headers.get("x-version") != "1.0":
            raise Refused(400, "X-Version is {!r}".format(headers.get("x-version")))
        if headers.get("content-type") != "application/json":
            raise Refused(400, "Content-Type is {!r}".format(headers.get("content-type")))
        if not re.fullmatch(r"Fluksometer v\d+", headers.get("user-agent", "")):
            raise Refused(400, "User-Agent is {!r}".format(headers.get("user-agent")))
        if len(request.body) > BODY_LIMIT:
            raise Refused(413, "body of {} bytes".format(len(request.body)))

    def _authenticated(self, request: Request, candidates) -> str:
        """The first of these devices whose key made the digest."""
        for ident in candidates:
            device = self.registry.devices.get(ident)
            if device is not None and self._made_with(request, device.key):
                self._check_sign(request, device)
                return ident
        raise Refused(401, "Incorrect digest")

    @staticmethod
    def _made_with(request: Request, key: str) -> bool:
        return hmac.compare_digest(digest(key, request.body), request.headers.get("x-digest", ""))

    @staticmethod
    def _check_sign(request: Request, device: Device) -> None:
        given = request.headers.get("x-sign")
        if given is None:
            if device.signed:
                raise Refused(401, "Incorrect digest: no X-Sign from a device that has signed")
            return
        if not hmac.compare_digest(sign(device.key, request.path, request.body), given):
            raise Refused(401, "Incorrect digest: X-Sign")
        device.signed = True

    def _sensor(self, request: Request, sensor: str) -> Answer:
        if b'"config"' in request.body:
            return self._config(request, sensor)
        bound = self.registry.sensors.get(sensor)
        if bound is None and self._strict:
            raise Refused(401, "No proper provisioning for this sensor")
        owner = self._authenticated(
            request, list(self.registry.devices) if bound is None else [bound]
        )
        tuples = measurements(request.body)
        stamps = [stamp for stamp, _ in tuples]
        if stamps != sorted(set(stamps)):
            self.violations.append("not oldest first: {}".format(stamps[:4]))
        if self.registry.devices[owner].owner is None:
            tuples = [one for one in tuples if one[0] > self.wall() - UNCLAIMED_DATA_S]
        self._keep(sensor, tuples)
        return Answer(200, {}, b'{"response":"ok"}')

    def _config(self, request: Request, sensor: str) -> Answer:
        try:
            config = json.loads(request.body)["config"]
            device = config.get("device")
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise Refused(400, "malformed: {!r}".format(error))
        self._authenticated(request, list(self.registry.devices) if device is None else [device])
        self.configs[sensor] = config
        if device is None:
            return Answer(204, {}, b"")
        trouble = self.registry.bind(sensor, device)
        if trouble:
            raise Refused(401, trouble)
        return Answer(200, {}, b'{"response":"ok"}')

    def _keep(self, sensor: str, tuples) -> None:
        held = self.held.setdefault(sensor, {})
        newest = max(held, default=-1)
        for stamp, counter in tuples:
            if self.historic and stamp <= newest:
                self.refused_old += len(tuples)
                return
            if held.get(stamp, counter) != counter:
                self.conflicts.append((sensor, stamp, held[stamp], counter))
            elif stamp in held:
                self.repeated += 1
            else:
                held[stamp] = counter

    def _device(self, request: Request, ident: str) -> Answer:
        try:
            members = json.loads(request.body)
            members.items()
        except (ValueError, AttributeError) as error:
            raise Refused(400, "malformed: {!r}".format(error))
        if "key" in members:
            return self._register(request, ident, members["key"])
        self._authenticated(request, [ident])
        for name in (
            "reset",
            "version",
            "uptime",
            "memtotal",
            "memfree",
            "memcached",
            "membuffers",
        ):
            if type(members.get(name)) is not int:
                raise Refused(400, "heartbeat without an integer {}".format(name))
        device = self.registry.devices[ident]
        if self.registry.beat(ident, members):
            self.heartbeats.append(members)
        else:
            self.stale_heartbeats += 1
        answer = {"upgrade": 0, "timestamp": int(self.wall())}
        if device.owner is not None:
            answer["claimed"] = 1
        body = json.dumps(answer, separators=(",", ":")).encode()
        return Answer(200, {"X-Digest": digest(device.key, body)}, body)

    def _register(self, request: Request, ident: str, key) -> Answer:
        known = self.registry.devices.get(ident)
        old = None if known is None else known.key
        trouble = self.registry.register(
            ident, key, lambda candidate: self._made_with(request, candidate)
        )
        if trouble:
            raise Refused(400 if trouble == "malformed" else 401, trouble)
        # as the digest was
        signed_with = key if old is None or self._made_with(request, key) else old
        given = request.headers.get("x-sign")
        if given is not None and not hmac.compare_digest(
            sign(signed_with, request.path, request.body), given
        ):
            raise Refused(401, "Incorrect digest: X-Sign")
        self.registry.devices[ident].signed |= given is not None
        return Answer(200, {}, b'{"response":"ok"}')
