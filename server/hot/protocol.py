# SPDX-License-Identifier: GPL-3.0-or-later
"""uvicorn's HTTP protocol, with what devices of fifteen years need: canonical header names, head and body in one write.

Historic daemons look for `Content-Length` and `X-Digest` literally; uvicorn's httptools protocol writes names in lower case.
"""

import asyncio
import logging
from urllib.parse import unquote

import httptools
from hot import limits
from hot.whole import Upload, read_upload
from uvicorn.protocols.http.httptools_impl import HEADER_RE, HEADER_VALUE_RE, STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

SWEEP_S = 5
LINGER_S = 2  # in which a client may read why it is cut off
NAMES_MAX = 500  # header names whose spelling is remembered; an application has some dozens
_SPELLED = {b"www-authenticate": b"WWW-Authenticate", b"etag": b"ETag", b"x-xss-protection": b"X-XSS-Protection"}
_NO_BODY = (204, 304)

access_logger = logging.getLogger("flukso.access")


def spell(name: bytes) -> bytes:
    """`content-length` -> `Content-Length`."""
    spelled = _SPELLED.get(name)
    if spelled is None:
        lower = name.lower()
        spelled = _SPELLED.get(lower) or b"-".join(part.capitalize() for part in lower.split(b"-"))
        if len(_SPELLED) < NAMES_MAX:
            _SPELLED[name] = spelled
    return spelled


class CanonicalCycle(RequestResponseCycle):
    """One request and its answer."""

    _head: list[bytes] | None = None  # of an answer whose body has not begun
    _chunked = False
    _status = 0

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
        self.expected_content_length = length  # type: ignore[assignment] # None: uvicorn's own answers tell none
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
        """The length is always said when it is known; a stream of unknown length, which no device gets, is chunked."""
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
        if access_logger.isEnabledFor(logging.INFO):  # the path as sent, without its query: that may hold a token
            access_logger.info("%s %s %d", self.scope["method"], self.scope["raw_path"].decode("ascii"), self._status)
        self.message_event.set()
        if not self.keep_alive:
            if self.more_body:  # it still sends
                close_soon(self.transport, asyncio.get_running_loop())
            else:
                self.transport.close()
        self.on_response()


class DeviceProtocol(HttpToolsProtocol):
    """One connection. A request must be complete within limits.REQUEST_S of its first byte, or of the connection's beginning.

    An application that has `quick(connection, upload) -> bool` is offered small uploads whole (hot/whole.py), without the cost of
    a parser's callbacks, a task and ASGI's messages: it takes one by returning True, and later calls connection.quick_answer()
    or quick_failed(). What it does not take goes the usual way.
    """

    _sweeper = None
    began: float | None = None  # when the request that is still being read began
    idle_since = 0.0
    _between = True  # the parser has seen the end of the last request, and nothing of the next
    _held = b""  # an upload of which the rest of the body has not come
    _quick_busy = False  # a request was taken and has no answer yet
    _last = False  # close after it: the service stops

    def __init__(self, config, *args, **more) -> None:
        super().__init__(config, *args, **more)
        self._quick = getattr(config.loaded_app, "quick", None)

    def connection_made(self, transport) -> None:
        super().connection_made(transport)
        self.began = self.loop.time()
        cls = DeviceProtocol
        if cls._sweeper is None:
            cls._sweeper = self.loop.call_later(SWEEP_S, cls._sweep, self.loop, self.server_state.connections)

    @classmethod
    def _sweep(cls, loop, connections) -> None:
        """One timer for all connections: one each would cost more than the rest of a small request."""
        cls._sweeper = None
        now = loop.time()
        for connection in list(connections):
            if isinstance(connection, cls):
                connection.age(now)
        if connections:
            cls._sweeper = loop.call_later(SWEEP_S, cls._sweep, loop, connections)

    def age(self, now: float) -> None:
        """Give up what takes too long, close what has been idle for too long."""
        if self.began is not None:
            if self.began < now - limits.REQUEST_S:
                self._give_up()
        elif self._is_idle() and self.idle_since < now - limits.KEEP_ALIVE_S:
            self.transport.close()

    def _is_idle(self) -> bool:
        return not self._quick_busy and (self.cycle is None or self.cycle.response_complete)

    def _give_up(self) -> None:
        """Tell a slow client so, and close."""
        self.began = None
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        close_soon(self.transport, self.loop)

    def shutdown(self) -> None:
        if self._quick_busy:
            self._last = True
        else:
            super().shutdown()

    # reading

    def data_received(self, data: bytes) -> None:
        idle = self._is_idle()
        if idle and self._between and self._quick is not None:
            if self._held:
                data, self._held = self._held + data, b""
            upload = read_upload(data)
            if upload.__class__ is Upload:
                if self._quick(self, upload):
                    self.began = None
                    self._quick_busy = True
                    self.url = upload.path
                    return
            elif upload is not None:
                self._held = data
        if self.began is None and idle:
            self.began = self.loop.time()
        if not self._held:
            super().data_received(data)

    def on_message_begin(self) -> None:
        self._between = False
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_headers_complete(self) -> None:
        self._start_cycle()

    def on_message_complete(self) -> None:
        self._between = True
        self.began = None
        super().on_message_complete()

    def _start_cycle(self) -> CanonicalCycle:
        """The usual way: an ASGI task, at once or after the requests before it on this connection."""
        parser = self.parser
        try:
            url = httptools.parse_url(self.url)
            path = url.path.decode("ascii")
        except (httptools.HttpParserInvalidURLError, UnicodeDecodeError, AttributeError):
            raise ValueError("URL") from None  # becomes a parser error, which is answered 400
        self.scope = {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": parser.get_http_version(),
            "method": parser.get_method().decode("ascii"),
            "scheme": self.scheme,  # type: ignore[typeddict-item] # known once there is a connection
            "server": self.server,
            "client": self.client,
            "root_path": "",
            "path": unquote(path) if "%" in path else path,
            "raw_path": url.path,
            "query_string": url.query or b"",
            "headers": self.headers,
            "state": self.app_state.copy(),
        }
        waiting = not self._is_idle()
        cycle = self.cycle = CanonicalCycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=parser.should_keep_alive() and parser.get_http_version() != "1.0",
            on_response=self.on_response_complete,
        )
        app = _busy if len(self.connections) > limits.CONNECTIONS_MAX else self.app
        if waiting:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, app))
        else:
            self._start_asgi_task(cycle, app)
        return cycle

    # answering

    def quick_answer(self, constant: bytes, now: float) -> None:
        """Answer a request that was taken: 200, the constant headers, an empty line and the body. now: the loop's time."""
        self._quick_busy = False
        transport = self.transport
        if transport.is_closing():
            return
        head = _date_head(self.server_state.default_headers)
        if self._last:
            transport.write(head + b"Connection: close\r\n" + constant)
            transport.close()
        else:
            transport.write(head + constant)
        if access_logger.isEnabledFor(logging.INFO):
            access_logger.info("POST %s 200", self.url.decode("ascii"))
        self.server_state.total_requests += 1
        if self.pipeline:
            self.on_response_complete()
        else:
            self.idle_since = now
            if self.flow.read_paused:
                self.flow.resume_reading()

    def quick_failed(self) -> None:
        """A request that was taken could not be carried out."""
        self._quick_busy = False
        self.transport.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 60\r\nConnection: close\r\n\r\n")
        self.transport.close()

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        else:
            self.idle_since = self.loop.time()


_head: tuple[object, bytes] = (None, b"")


def _date_head(default_headers: list[tuple[bytes, bytes]]) -> bytes:
    """The status line and uvicorn's headers (the date), spelled; uvicorn makes another list each second."""
    global _head
    if _head[0] is not default_headers:
        _head = (default_headers, b"".join([STATUS_LINE[200], *[b"%b: %b\r\n" % (spell(n), v) for n, v in default_headers]]))
    return _head[1]


def close_soon(transport, loop) -> None:
    """Close for a client that may go on sending: what it sends is not read any more, and it is cut off after a while."""
    if not transport.is_closing():
        transport.close()
    loop.call_later(LINGER_S, transport.abort)


async def _busy(scope, receive, send) -> None:
    headers = [(b"Content-Length", b"0"), (b"Retry-After", b"60"), (b"Connection", b"close")]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
