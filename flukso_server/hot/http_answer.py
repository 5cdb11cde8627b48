# SPDX-License-Identifier: GPL-3.0-or-later
"""One request and its answer on uvicorn's HTTP protocol.

Historic daemons look for `Content-Length` and `X-Digest` literally, but uvicorn writes names in
lower case. Here they have their canonical spelling, and head and body are one write.
"""

import asyncio
import logging
from collections.abc import Iterable

from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    RequestResponseCycle,
)

from flukso_server.hot import limits
from flukso_server.hot.answers import Answer

LINGER_S = 2  # a client has to read why it is cut off
NAMES_MAX = 500  # header names whose spelling is remembered; applications use some dozens
_SPELLED = {
    b"www-authenticate": b"WWW-Authenticate",
    b"etag": b"ETag",
    b"x-xss-protection": b"X-XSS-Protection",
}
_NO_BODY = (204, 304)

access_logger = logging.getLogger("flukso.access")


def spell(name: bytes) -> bytes:
    """Return the canonical spelling of a header's name: `content-length` -> `Content-Length`."""
    spelled = _SPELLED.get(name)
    if spelled is None:
        lower = name.lower()
        spelled = _SPELLED.get(lower) or b"-".join(part.capitalize() for part in lower.split(b"-"))
        if len(_SPELLED) < NAMES_MAX:
            _SPELLED[name] = spelled
    return spelled


def wire(default_headers: Iterable[tuple[bytes, bytes]], answer: Answer) -> bytes:
    """Return an answer's bytes; default_headers: uvicorn's, in any spelling."""
    lines = [
        b"%b: %b\r\n" % (spell(name), value) for name, value in [*default_headers, *answer.headers]
    ]
    return b"".join([STATUS_LINE[answer.status], *lines, b"\r\n", answer.body])


class Bodies:
    """Counts the bytes of bodies that this process holds: of requests without a full answer."""

    held = 0


class CanonicalCycle(RequestResponseCycle):
    """One request and its answer."""

    _head: list[bytes] | None = None  # of the answer, until its body begins
    _chunked = False
    _status = 0
    _held = 0  # bytes of the request's body, until it is answered

    def hold(self, size: int) -> bool:
        """Count bytes of the body. Returns False if all connections together hold too many."""
        self._held += size
        Bodies.held += size
        return Bodies.held <= limits.BODIES_MAX

    def let_go(self) -> None:
        """Count the body as released."""
        Bodies.held -= self._held
        self._held = 0

    def abandon(self) -> None:
        """Discard whatever is answered: the client has gone, or was refused."""
        self.disconnected = True
        self.message_event.set()
        self.let_go()

    async def send(self, message) -> None:
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if not self.response_started:
            self._begin(message)
        elif not self.response_complete:
            self._continue(message)
        else:
            raise RuntimeError("the answer is complete already")

    def _begin(self, message) -> None:
        if message["type"] != "http.response.start":
            raise RuntimeError("an answer begins with http.response.start")
        self.response_started = True
        self.waiting_for_100_continue = False
        status = self._status = message["status"]
        head = [STATUS_LINE[status]]
        length = None
        for name, value in self.default_headers + list(message.get("headers", ())):
            if name == b"Content-Length" or name.lower() == b"content-length":
                length = int(value)
                head += (b"Content-Length: ", value, b"\r\n")
                continue
            if HEADER_RE.search(name) or HEADER_VALUE_RE.search(value):
                raise RuntimeError("a header cannot be sent")
            spelled = spell(name)
            if spelled == b"Connection":
                self.keep_alive = self.keep_alive and b"close" not in value.lower()
                continue
            if spelled == b"Transfer-Encoding":
                continue
            head += (spelled, b": ", value, b"\r\n")
        if not self.keep_alive:
            head.append(b"Connection: close\r\n")
        # None in uvicorn's own answers
        self.expected_content_length = length  # type: ignore[assignment]
        self._head = head

    def _continue(self, message) -> None:
        if message["type"] != "http.response.body":
            raise RuntimeError("after the start comes http.response.body")
        body = message.get("body", b"")
        more = message.get("more_body", False)
        if self._head is not None:
            self._write_head(self._head, body, more)
            self._head = None
        else:
            self._write(b"", body, more)
        if not more:
            self._finish()

    def _write_head(self, head: list[bytes], body: bytes, more: bool) -> None:
        """Write the head with the body's length, or as chunked for a stream of unknown length.

        Devices get no streams.
        """
        if self.expected_content_length is None:
            if not more:
                self.expected_content_length = len(body)
                if self.scope["method"] != "HEAD" and self._status not in _NO_BODY:
                    head += (b"Content-Length: ", b"%d" % len(body), b"\r\n")
            elif self.scope["method"] != "HEAD":
                self._chunked = True
                head.append(b"Transfer-Encoding: chunked\r\n")
        head.append(b"\r\n")
        self._write(b"".join(head), body, more)

    def _write(self, head: bytes, body: bytes, more: bool) -> None:
        if self.scope["method"] == "HEAD":
            self.expected_content_length = 0
            self.transport.write(head)
            return
        if self._chunked:
            chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            self.transport.write(b"".join((head, chunk, b"" if more else b"0\r\n\r\n")))
            return
        self.expected_content_length -= len(body)
        if self.expected_content_length < 0 or (not more and self.expected_content_length):
            self.keep_alive = False
            raise RuntimeError("the body is not as long as its Content-Length")
        if head or body:
            self.transport.write(head + body)

    def _finish(self) -> None:
        self.response_complete = True
        self.let_go()
        if access_logger.isEnabledFor(logging.INFO):
            # without the query, which may hold a token
            access_logger.info(
                "%s %s %d",
                self.scope["method"],
                self.scope["raw_path"].decode("ascii"),
                self._status,
            )
        self.message_event.set()
        if not self.keep_alive:
            if self.more_body:  # the client is still sending
                close_soon(self.transport, asyncio.get_running_loop())
            else:
                self.transport.close()
        self.on_response()


def close_soon(transport, loop) -> None:
    """Close a connection whose client may go on sending.

    What it sends is not read any more, and after LINGER_S it is cut off.
    """
    if not transport.is_closing():
        transport.close()
    loop.call_later(LINGER_S, transport.abort)
