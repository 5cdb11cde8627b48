# SPDX-License-Identifier: GPL-3.0-or-later
"""Registers the device and binds its sensors (docs/design/protocols.md §8); pure."""

import hashlib
import json

from flukso import upload
from flukso.digest import hmac, x_digest, x_sign
from flukso.numerals import whole

REGISTER, BIND = "register", "bind"
RETRY_S, RETRY_MAX_S = 30, 3600  # after trouble, doubling
REFUSED_S = 3600  # after a refusal: an owner has to act first
CODE_BYTES = 5  # 40 bits: 8 characters
BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
TEXT_MAX = 64  # characters of a sensor's free text


def claim_code(device: str, key: str, number: int = 0) -> str:
    """Return the code by which an owner claims the device: 8 characters, computed at both ends.

    number: the claim number of §8.3, which rises whenever an owner gives the device on.
    """
    text = "claim " + device + (" " + str(number) if number else "")
    bits = 0
    for byte in hmac(hashlib.sha256, key.encode(), text.encode())[:CODE_BYTES]:
        bits = bits << 8 | byte
    return "".join([BASE32[bits >> shift & 31] for shift in range(35, -1, -5)])


def config_message(device: str, sensor, phase: int) -> bytes:
    """Return the body that says what a sensor is and whose."""
    members = (
        ("device", device),
        ("class", sensor.class_),
        ("type", sensor.type),
        ("function", sensor.function[:TEXT_MAX]),
        ("voltage", _number(sensor.voltage)),
        ("current", _number(sensor.current)),
        ("phase", phase),
        (
            "constant",
            sensor.constant if not sensor.fraction else sensor.constant + sensor.fraction / 1000,
        ),
        ("enable", 1 if sensor.enabled else 0),
    )
    parts = [json.dumps(name) + ":" + json.dumps(value) for name, value in members if value != ""]
    return ('{"config":{' + ",".join(parts) + "}}").encode()


def _number(text):
    value = whole(text)
    return "" if value is None else value


class Registrar:
    """What is to be posted before the first tuples: the device's key, then each sensor's config
    message.

    next_request() is None when all is done, or while it waits; ready() says whether tuples may go
    up already.
    """

    def __init__(self, settings, version, mono: float):
        self._settings = settings
        self._prefix = upload.base_path(settings.base_url)
        self._version = version
        self._todo = self._all()
        self._next_at = mono
        self._again_at = mono
        self._retry_s = RETRY_S
        self._refused = False
        self._refusals = 0  # in a row
        self.last_error = ""

    def _all(self):
        return [REGISTER] + list(self._settings.sensors) if self._settings.register else []

    def refused_elsewhere(self, mono: float) -> None:
        """The server refused tuples or a heartbeat: it may have dropped a device that nobody
        claimed (§8.4).

        Then everything is registered again, at most once in REFUSED_S.
        """
        if not self._todo and mono >= self._again_at:
            self._todo = self._all()
            self._next_at, self._again_at = mono, mono + REFUSED_S

    def ready(self) -> bool:
        """Whether tuples may be posted: all is registered, or it was refused and the server may
        know us all the same.
        """
        return not self._todo or self._refused

    def done(self) -> bool:
        """Whether nothing is left to be posted."""
        return not self._todo

    def due_at(self, mono: float) -> float:
        """Return when next_request() is worth asking; never when nothing is left."""
        return self._next_at if self._todo else mono + 1e9

    def next_request(self, mono: float) -> "upload.Request | None":
        if not self._todo or mono < self._next_at:
            return None
        settings, what = self._settings, self._todo[0]
        if what == REGISTER:
            return self._post(
                "/device/" + settings.device,
                json.dumps({"key": settings.key}).encode(),
                REGISTER,
                None,
            )
        return self._post(
            "/sensor/" + what.id,
            config_message(settings.device, what, settings.phase),
            BIND,
            what.id,
        )

    def _post(self, path, body, kind, sensor):
        path = self._prefix + path
        headers = {
            "Content-Type": "application/json",
            "X-Version": "1.0",
            "User-Agent": "Fluksometer v{}".format(self._version),
            "X-Digest": x_digest(self._settings.key, body),
            "X-Sign": x_sign(self._settings.key, path, body),
        }
        return upload.Request(
            "POST", path, headers, body, upload.TIMEOUT_S, kind, sensor, None, False
        )

    def answered(self, request, answer, mono: float) -> "upload.Event | None":
        if answer.status in (200, 204):
            self._todo.pop(0)
            self._retry_s = RETRY_S
            self._refusals = 0
            if not self._todo:
                self._refused, self.last_error = False, ""
                return upload.Event("info", "device and sensors are registered")
            return None
        text = "{} answered {}{}".format(_name(request), answer.status, upload.reason(answer))
        if 400 <= answer.status < 500 and answer.status not in upload.BUSY:
            return self._no(request, text, mono)
        return self._later(text, mono, upload.retry_after(answer.headers))

    def failed(self, request, error, mono: float) -> "upload.Event | None":
        return self._later("{}: {}".format(_name(request), error), mono)

    def _no(self, request, text, mono):
        """A refusal: a sensor that is refused does not hold up the others; when all are, or the
        device is, wait long.
        """
        self._refused = True
        self._refusals += 1
        if request.kind == REGISTER or self._refusals >= len(self._todo):
            self._refusals = 0
            self._next_at = mono + REFUSED_S
        else:
            self._todo.append(self._todo.pop(0))
        return self._say(text)

    def _later(self, text, mono, retry_after_s=0):
        self._next_at = mono + max(self._retry_s, min(retry_after_s, upload.RETRY_AFTER_MAX_S))
        self._retry_s = min(self._retry_s * 2, RETRY_MAX_S)
        return self._say(text)

    def _say(self, text):
        if text == self.last_error:
            return None
        self.last_error = text
        return upload.Event("warning", text)


def _name(request):
    return "registration" if request.kind == REGISTER else "binding of sensor " + request.sensor
