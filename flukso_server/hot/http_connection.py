# SPDX-License-Identifier: GPL-3.0-or-later
"""uvicorn's HTTP protocol for devices of fifteen years and for whoever means them harm: every wait,
head, body and queue has a limit.
"""

import asyncio
import logging
import socket
import struct
from collections import deque
from typing import Any, ClassVar
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from flukso_server.hot import limits
from flukso_server.hot.answers import Refusal, send_answer
from flukso_server.hot.http_answer import CanonicalCycle, access_logger, close_soon, spell, wire
from flukso_server.hot.upload_bytes import read_upload
from flukso_server.hot.upload_rules import Post

SWEEP_S = 5  # in which each connection is looked at once
# in as many turns: 20,000 at once, some µs each, would hold up whatever is uploaded meanwhile
SWEEP_PARTS = 20


class Flow(FlowControl):
    """Nothing is read while the client does not take what it asked for, or while requests of it
    wait: they would pile up.
    """

    def __init__(self, transport, waiting) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        if not self.write_paused and not self._waiting and not self._transport.is_closing():
            super().resume_reading()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.pause_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.resume_reading()


class DeviceProtocol(HttpToolsProtocol):
    """One connection. A request must be complete within limits.REQUEST_S of its first byte, of the
    connection's beginning, or of the answer to the one before it, whichever is last.

    An application that has `store_upload(connection, post) -> bool` is offered small uploads whole
    (hot/upload_bytes.py), without the cost of a parser's callbacks, a task and ASGI's messages: it takes
    one by returning True, and later calls connection.answer_fast_upload() or fail_fast_upload(). What it does
    not take goes the usual way.
    """

    cycle: CanonicalCycle  # the newest request's; None before the first
    pipeline: deque[tuple[CanonicalCycle, Any]]  # type: ignore[assignment]
    _sweeper = None
    _due: ClassVar[list["DeviceProtocol"]] = []  # connections that the sweeper has still to look at
    _part = 0  # how many each time
    began: float | None = None  # when the request that is still being read began
    idle_since = 0.0
    _between = True  # the parser has seen the end of the last request, and nothing of the next
    _held = b""  # an upload of which the rest of the body has not come
    _quick_busy = False  # a request was taken and has no answer yet
    _last = False  # close after it: the service stops, or what follows it is refused
    _answering: CanonicalCycle | None = None  # the request whose answer is due, or was last
    _deaf = False  # after a refusal nothing is read
    _refusal: Refusal | None = None  # why a callback stopped the parser
    _fed = 0  # bytes since the parser last got on: of a head, of trailers, of nothing
    _got_on = False
    _moved_at = 0.0  # when the client last took something, or had nothing to take
    _taken = 0  # bytes that it had taken at the last look
    _closing_since: float | None = None

    def __init__(self, config, *args, **more) -> None:
        super().__init__(config, *args, **more)
        self._store_upload = getattr(config.loaded_app, "store_upload", None)

    def connection_made(self, transport) -> None:
        super().connection_made(transport)
        self.flow = Flow(transport, self.pipeline)
        self.began = self._moved_at = self.loop.time()
        cls = DeviceProtocol
        if cls._sweeper is None:
            cls._sweeper = self.loop.call_later(
                SWEEP_S / SWEEP_PARTS, cls._sweep, self.loop, self.server_state.connections
            )

    def connection_lost(self, exc) -> None:
        for cycle in (self._answering, self.cycle):
            if cycle is not None and not cycle.response_complete:
                cycle.abandon()
        self._drop_waiting()
        super().connection_lost(exc)

    def _drop_waiting(self) -> None:
        for cycle, _app in self.pipeline:
            cycle.let_go()
        self.pipeline.clear()

    # growing old

    @classmethod
    def _sweep(cls, loop, connections) -> None:
        """One timer for all connections: one each would cost more than the rest of a small request."""
        cls._sweeper = None
        now = loop.time()
        if not cls._due:
            cls._due = [each for each in connections if isinstance(each, cls)]
            cls._part = len(cls._due) // SWEEP_PARTS + 1
        turn = cls._due[-cls._part :]
        del cls._due[-cls._part :]
        for connection in turn:
            if connection in connections:  # it has not ended since the sweep began
                connection.age(now)
        if connections:
            cls._sweeper = loop.call_later(SWEEP_S / SWEEP_PARTS, cls._sweep, loop, connections)

    def age(self, now: float) -> None:
        """Give up what takes too long, close what has been idle for too long, cut off who takes
        nothing of an answer.
        """
        if self._is_stuck(now):
            self.transport.abort()
        elif self.transport.is_closing():
            return
        elif self.began is not None:
            if self.began < now - limits.REQUEST_S:
                self._refuse(Refusal(408, "too slow", close=True))
        elif self._is_idle() and self.idle_since < now - limits.KEEP_ALIVE_S:
            self.transport.close()

    def _is_stuck(self, now: float) -> bool:
        """Whether nothing of what is to be sent goes out, or a close waits for it for too long."""
        if (
            self._is_idle()
            and self.idle_since < now - limits.UNSENT_S - 3 * SWEEP_S
            and not self.transport.is_closing()
        ):
            # asking the kernel costs more than all else here; whatever is still unsent goes with
            # the connection
            self._moved_at = now
            return False
        waiting, taken = _taken(self.transport)
        if not waiting or taken != self._taken:
            self._moved_at = now
        self._taken = taken
        if self._closing_since is None and self.transport.is_closing():
            self._closing_since = now
        late = self._closing_since is not None and self._closing_since < now - limits.CLOSE_S
        return late or self._moved_at < now - limits.UNSENT_S

    def _is_idle(self) -> bool:
        return not self._quick_busy and (self.cycle is None or self.cycle.response_complete)

    def shutdown(self) -> None:
        if self._quick_busy:
            self._last = True
        else:
            super().shutdown()

    # reading

    def data_received(self, data: bytes) -> None:
        idle = self._is_idle()
        if idle and self._between and self._store_upload is not None:
            if self._held:
                data, self._held = self._held + data, b""
            upload = read_upload(data)
            if upload.__class__ is Post:
                if self._store_upload(self, upload):
                    self.began = None
                    self._quick_busy = True
                    self.url = upload.path
                    return
            elif upload is not None:
                self._held = data
        if self.began is None and idle:
            self.began = self.loop.time()
        if not self._held:
            self._feed(data)

    def _feed(self, data: bytes) -> None:
        if self._deaf or self.transport.is_closing():
            return
        self._got_on = False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self._refuse(self._refusal or Refusal(400, "malformed request", close=True))
        except httptools.HttpParserUpgrade:
            self._refuse(Refusal(400, "no upgrades here", close=True))
        else:
            self._fed = 0 if self._got_on else self._fed + len(data)
            if self._fed > limits.HEAD_MAX:
                self._refuse(_long_head())

    def _stop_parser(self, refusal: Refusal) -> None:
        self._refusal = refusal
        raise ValueError(str(refusal))  # becomes a parser error

    def on_message_begin(self) -> None:
        self._got_on = True
        self._between = False
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_headers_complete(self) -> None:
        if (
            len(self.url) + sum([len(name) + len(value) for name, value in self.headers])
            > limits.HEAD_MAX
        ):
            self._stop_parser(_long_head())
        self._start_cycle()
        self.headers = []  # for trailers, which nobody reads

    def on_body(self, body: bytes) -> None:
        self._got_on = True
        if not self.cycle.response_complete and not self.cycle.hold(len(body)):
            self._stop_parser(_busy_refusal())
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._got_on = True
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
        if waiting and len(self.pipeline) >= limits.PIPELINE_MAX:
            self._stop_parser(_busy_refusal())
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

    def _start_asgi_task(self, cycle, app) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    # answering

    def answer_fast_upload(self, constant: bytes, now: float) -> None:
        """Answer a request that was taken: 200, the constant headers, an empty line and the body.
        now: the loop's time.
        """
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
        if self.pipeline or not self._between:
            self._next(now)
        else:
            self.idle_since = now
            if self.flow.read_paused:
                self.flow.resume_reading()

    def fail_fast_upload(self) -> None:
        """A request that was taken could not be carried out."""
        self._quick_busy = False
        refusal = Refusal(503, "not stored", (b"Retry-After", b"60"), close=True)
        self.transport.write(wire(self.server_state.default_headers, refusal.answer()))
        self.transport.close()

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if not self.transport.is_closing():
            self._next(self.loop.time())

    def _next(self, now: float) -> None:
        """A request was answered: the next one's turn. From now on the client is waited for."""
        incomplete = not self._between
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
            incomplete = cycle.more_body
        else:
            self.idle_since = now
        if incomplete and self.began is None:
            self.began = now
        self.flow.resume_reading()

    def _refuse(self, refusal: Refusal) -> None:
        """Nothing more is taken on this connection: say why, unless the answer to an earlier
        request is due; that one is the last then.
        """
        self.began = None
        self._deaf, self._between, self._held = True, False, b""
        self._drop_waiting()
        cycle = self._answering
        if self._quick_busy:
            self._last = True
        elif cycle is None or cycle.response_complete:
            self._tell(refusal)
        elif not cycle.more_body:
            cycle.keep_alive = False
        else:
            cycle.abandon()
            if cycle.response_started:
                close_soon(self.transport, self.loop)
            else:
                self._tell(refusal)

    def _tell(self, refusal: Refusal) -> None:
        self.transport.write(wire(self.server_state.default_headers, refusal.answer()))
        close_soon(self.transport, self.loop)


_TCP_INFO = struct.Struct(
    "24xI92xQ16xI"
)  # of <linux/tcp.h>: tcpi_unacked, tcpi_bytes_acked, tcpi_notsent_bytes


def _taken(transport) -> tuple[bool, int]:
    """Whether something is on its way to the client, and the bytes that it has acknowledged: as the
    kernel sees it, for of what TLS has passed on the transport's own buffer knows nothing.
    """
    connection = transport.get_extra_info("socket")
    try:
        unacknowledged, taken, unsent = _TCP_INFO.unpack(
            connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
        )
    except (OSError, ValueError, AttributeError, struct.error):
        return False, 0  # it is closed; uvloop says so by a ValueError
    return bool(unacknowledged or unsent), taken


_head: tuple[object, bytes] = (None, b"")


def _date_head(default_headers: list[tuple[bytes, bytes]]) -> bytes:
    """The status line and uvicorn's headers (the date), spelled; uvicorn makes another list each
    second.
    """
    global _head
    if _head[0] is not default_headers:
        _head = (
            default_headers,
            b"".join(
                [STATUS_LINE[200], *[b"%b: %b\r\n" % (spell(n), v) for n, v in default_headers]]
            ),
        )
    return _head[1]


def _long_head() -> Refusal:
    return Refusal(431, "head too long", close=True)


def _busy_refusal() -> Refusal:
    return Refusal(503, "busy", (b"Retry-After", b"60"), close=True)


async def _busy(scope, receive, send) -> None:
    await send_answer(_busy_refusal().answer(), scope, send)
