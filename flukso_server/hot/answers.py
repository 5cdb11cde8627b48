# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of the hot path: status, headers, body.

Headers have their canonical spelling, for historic devices compare the names literally.
"""

import json
from collections import namedtuple
from random import randint

from flukso_server.hot import limits

Answer = namedtuple("Answer", ("status", "headers", "body"))

JSON = (b"Content-Type", b"application/json")
COMMON = [
    (b"Cache-Control", b"no-store"),
    (b"Referrer-Policy", b"no-referrer"),
    (b"X-Content-Type-Options", b"nosniff"),
]
# The page of another site may read with a token in its request. Cookies count nowhere here.
CROSS_ORIGIN = [
    (b"Access-Control-Allow-Origin", b"*"),
    (b"Access-Control-Allow-Methods", b"GET, HEAD"),
    (b"Access-Control-Allow-Headers", b"X-Token, X-Version"),
    (b"Access-Control-Max-Age", b"86400"),
]


class Refusal(Exception):
    """Ends a request with an error answer; close: the rest of its body is not wanted."""

    def __init__(
        self, status: int, reason: str, *headers: tuple[bytes, bytes], close: bool = False
    ):
        super().__init__(reason)
        self.status = status
        self.headers = headers + (((b"Connection", b"close"),) if close else ())

    def answer(self) -> Answer:
        return reply(self.status, json.dumps({"error": str(self)}).encode(), *self.headers)


async def send_answer(answer: Answer, scope, send) -> None:
    """Send the answer as ASGI's two messages, without its body to HEAD."""
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send(
        {"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body}
    )


def reply(status: int, body: bytes, *headers: tuple[bytes, bytes]) -> Answer:
    return Answer(status, [(b"Content-Length", b"%d" % len(body)), JSON, *COMMON, *headers], body)


def busy(reason: str = "busy", close: bool = False) -> Refusal:
    """Return a 503 that asks the client to come back within minutes, each at another time."""
    return Refusal(503, reason, later(), close=close)


def later() -> tuple[bytes, bytes]:
    """Return a Retry-After at random, so that those who were put off together come back apart."""
    return b"Retry-After", b"%d" % randint(limits.AWAY_MIN_S, limits.AWAY_MAX_S)


def unauthorized(reason: str, close: bool = False) -> Refusal:
    """Return a 401 that has its reason also where historic clients look for it (§3, §4)."""
    return Refusal(401, reason, (b"WWW-Authenticate", reason.encode()), close=close)


OK = reply(200, b'{"response":"ok"}')
# The device is to upload every 10 s for the next ten minutes (§8.6). A shorter interval would cost
# its router more than it gives the person who looks on.
OFTEN = (b"X-Upload-Interval", b"10")
OK_WATCHED = Answer(OK.status, [*OK.headers, OFTEN], OK.body)
# The length is there for devices that do not know 204, and would wait for a body.
NO_CONTENT = Answer(204, [(b"Content-Length", b"0"), *COMMON], b"")
