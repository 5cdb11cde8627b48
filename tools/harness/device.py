# SPDX-License-Identifier: GPL-3.0-or-later
"""What a device or a client sends, written anew from docs/design/protocols.md: nothing of the
server's or the daemon's code.
"""

import hashlib
import hmac
import http.client
import json
import ssl

DEVICE, KEY = "0" * 31 + "d", "00112233445566778899aabbccddeeff"
OTHER_DEVICE, OTHER_KEY = "1" * 31 + "d", "ffeeddccbbaa99887766554433221100"
SENSOR, SENSOR_2, OTHER_SENSOR = "a" * 31 + "1", "a" * 31 + "2", "b" * 31 + "1"


class Reply:
    """An answer: status, headers (any case), body."""

    def __init__(self, response: http.client.HTTPResponse):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)


def digests(key: str, path: str, body: bytes, sign: bool) -> dict[str, str]:
    headers = {
        "X-Version": "1.0",
        "Content-Type": "application/json",
        "User-Agent": "Fluksometer v210",
    }
    headers["X-Digest"] = hmac.new(key.encode(), body, hashlib.sha1).hexdigest()
    if sign:
        headers["X-Sign"] = hmac.new(
            key.encode(), path.encode() + b"\n" + body, hashlib.sha256
        ).hexdigest()
    return headers


class Client:
    """One connection over verified TLS; opened again when the server closed it."""

    def __init__(self, port: int, cafile):
        context = ssl.create_default_context(cafile=str(cafile))
        self._connection = http.client.HTTPSConnection(
            "localhost", port, context=context, timeout=60
        )

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict | None = None
    ) -> Reply:
        self._connection.request(method, path, body, headers or {})
        return Reply(self._connection.getresponse())

    def get(self, path: str, **headers: str) -> Reply:
        return self.request(
            "GET", path, None, {name.replace("_", "-"): value for name, value in headers.items()}
        )

    def post(self, path: str, message, key: str = KEY, sign: bool = False, **headers: str) -> Reply:
        """A signed post; message: an object, or bytes as they are."""
        body = (
            message
            if isinstance(message, bytes)
            else json.dumps(message, separators=(",", ":")).encode()
        )
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("POST", path, body, digests(key, path, body, sign) | named)

    def upload(self, sensor: str, tuples, key: str = KEY, sign: bool = False) -> Reply:
        return self.post(
            "/sensor/" + sensor, {"measurements": [list(pair) for pair in tuples]}, key, sign
        )

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *exc: object) -> None:
        self._connection.close()
