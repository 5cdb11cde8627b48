# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of the hot path: status, headers in their canonical spelling, body. Historic devices read
the names literally.
"""

import json
from collections import namedtuple

Answer = namedtuple("Answer", ("status", "headers", "body"))

JSON = (b"Content-Type", b"application/json")
COMMON = [
    (b"Cache-Control", b"no-store"),
    (b"Referrer-Policy", b"no-referrer"),
    (b"X-Content-Type-Options", b"nosniff"),
]
# another site's page may read with a token in its request; cookies count nowhere here
CROSS_ORIGIN = [
    (b"Access-Control-Allow-Origin", b"*"),
    (b"Access-Control-Allow-Methods", b"GET, HEAD"),
    (b"Access-Control-Allow-Headers", b"X-Token, X-Version"),
    (b"Access-Control-Max-Age", b"86400"),
]


class Refusal(Exception):
    """Ends a request with an error answer. close: the rest of the body is not wanted."""

    def __init__(
        self, status: int, reason: str, *headers: tuple[bytes, bytes], close: bool = False
    ):
        super().__init__(reason)
        self.status = status
        self.headers = headers + (((b"Connection", b"close"),) if close else ())

    def answer(self) -> Answer:
        return reply(self.status, json.dumps({"error": str(self)}).encode(), *self.headers)


async def send_answer(answer: Answer, scope, send) -> None:
    """Send it as ASGI's two messages; HEAD gets no body."""
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send(
        {"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body}
    )


def reply(status: int, body: bytes, *headers: tuple[bytes, bytes]) -> Answer:
    return Answer(status, [(b"Content-Length", b"%d" % len(body)), JSON, *COMMON, *headers], body)


def unauthorized(reason: str, close: bool = False) -> Refusal:
    """401 with the reason where historic clients look for it (§3, §4)."""
    return Refusal(401, reason, (b"WWW-Authenticate", reason.encode()), close=close)


OK = reply(200, b'{"response":"ok"}')
# whose owner looks on: every 10 s for the next ten minutes (§8.6); less would ask more of the
# router than of the reader
OFTEN = (b"X-Upload-Interval", b"10")
OK_WATCHED = Answer(OK.status, [*OK.headers, OFTEN], OK.body)
# a length even here: a device that knows no 204 would wait for a body
NO_CONTENT = Answer(204, [(b"Content-Length", b"0"), *COMMON], b"")
