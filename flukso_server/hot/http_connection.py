# SPDX-License-Identifier: GPL-3.0-or-later
"""uvicorn's HTTP protocol for devices of fifteen years, and for clients that mean them harm.

Every wait, head, body and queue has a limit.
"""

import asyncio
import logging
from collections import deque
from typing import Any, ClassVar
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from flukso_server.hot import connection_states as states
from flukso_server.hot import limits
from flukso_server.hot.answers import Refusal, busy, later, send_answer
from flukso_server.hot.connection_states import BETWEEN, CLOSED, DEAF, HOLDING, IDLE, State
from flukso_server.hot.flow import Flow
from flukso_server.hot.http_answer import CanonicalCycle, access_logger, close_soon, spell, wire
from flukso_server.hot.requests import forwarded_from, origin, read_headers
from flukso_server.hot.sending import SendWatch
from flukso_server.hot.shares import Rates, Shares
from flukso_server.hot.sweeper import Sweeper
from flukso_server.hot.upload_bytes import read_upload
from flukso_server.hot.upload_rules import Post
from flukso_server.project.networks import NOWHERE, networks

logger = logging.getLogger("flukso.connection")


CONNECTIONS_MAX = 20_000  # about 20 KB each with TLS; project/serve.py sets what is allowed


class DeviceProtocol(HttpToolsProtocol):
    """One connection. Each request must be complete within limits.REQUEST_S.

    The time counts from the request's first byte, from the beginning of the connection or from the
    answer to the request before it, whichever is last.

    An application that has `store_upload(connection, post) -> bool` is offered small uploads
    without the cost of a parser's callbacks, a task and ASGI's messages (hot/upload_bytes.py). By
    returning True it promises to call answer_fast_upload() or fail_fast_upload(). The other
    requests, and the uploads that it declines, go through the parser to the application.
    """

    cycle: CanonicalCycle  # of the newest request; None before the first
    pipeline: deque[tuple[CanonicalCycle, Any]]  # type: ignore[assignment]
    sweeper: ClassVar[Sweeper] = Sweeper()
    shares: ClassVar[Shares] = Shares(CONNECTIONS_MAX)
    rates: ClassVar[Rates] = Rates()
    behind_proxy: ClassVar[bool] = False  # every client has the proxy's address then
    state: State = states.OPEN
    idle_since = 0.0  # when the last answer was written
    _began: float | None = None  # when the REQUEST_S began; None while no request is awaited
    _held = b""  # see Reading.HOLDING
    # of the request whose answer is due, or was last; None before the first
    _answering: CanonicalCycle = None  # type: ignore[assignment]
    _stalled_bytes = 0  # received since the parser last finished a head or a part of a body

    def __init__(self, config, *args, **more) -> None:
        super().__init__(config, *args, **more)
        self._store_upload = getattr(config.loaded_app, "store_upload", None)

    def connection_made(self, transport) -> None:
        super().connection_made(transport)
        self.flow = Flow(transport, self.pipeline)
        self._began = self.loop.time()
        self._sending = SendWatch(self._began)
        # of this connection, or behind a proxy of its newest request
        self._place = networks(self.client[0]) if self.client and not self.behind_proxy else NOWHERE
        self._has_room = self.shares.join(self, self._place, self._began)
        self.sweeper.start(self.loop, self.server_state.connections)

    def connection_lost(self, exc) -> None:
        self._happened(states.CLOSE)
        for cycle in (self._answering, self.cycle):
            if cycle is not None and not cycle.response_complete:
                cycle.abandon()
        self._drop_waiting()
        self.shares.leave(self)
        super().connection_lost(exc)

    def _happened(self, event: states.Event) -> None:
        self.state = self.state.after[event]

    def _drop_waiting(self) -> None:
        for cycle, _app in self.pipeline:
            cycle.let_go()
        self.pipeline.clear()

    def age(self, now: float) -> None:
        """End a request that takes too long, or a connection that has been idle for too long.

        A client that takes nothing of an answer is cut off.
        """
        if self._is_stuck(now):
            self.transport.abort()
        elif self.transport.is_closing():
            return
        elif self._began is not None:
            if self._began < now - limits.REQUEST_S:
                self._refuse(Refusal(408, "too slow", close=True))
        elif self.state.answering is IDLE and self.idle_since < now - limits.KEEP_ALIVE_S:
            self._happened(states.CLOSE)
            self.transport.close()

    def _is_stuck(self, now: float) -> bool:
        long_idle = (
            self.state.answering is IDLE
            and self.idle_since < now - limits.UNSENT_S - 3 * limits.SWEEP_S
            and not self.transport.is_closing()
        )
        if long_idle:
            # To ask the kernel would cost more than all else here. Bytes that are still unsent go
            # with the connection.
            self._sending.nothing_waits(now)
            return False
        return self._sending.is_stuck(self.transport, now)

    def idle_for(self, now: float) -> float | None:
        """See hot/shares.py."""
        if self.state.answering is not IDLE or self.transport.is_closing():
            return None
        return now - (self.idle_since if self._began is None else self._began)

    def shut(self) -> None:
        """Close a connection to which nothing is due."""
        self._happened(states.CLOSE)
        self.transport.close()

    def _may_ask(self) -> bool:
        """Count a request; return False if its network has made too many."""
        return self.rates.take(self._place, self.loop.time())

    def shutdown(self) -> None:
        self._happened(states.STOP)
        if self.state.answering is not states.STORE_LAST:
            super().shutdown()

    # reading

    def data_received(self, data: bytes) -> None:
        state = self.state
        if state.answering is IDLE:
            reading = state.reading
            if self._store_upload is not None and (reading is BETWEEN or reading is HOLDING):
                if self._held:
                    data, self._held = self._held + data, b""
                upload = read_upload(data)
                if upload.__class__ is Post:
                    if self.behind_proxy:
                        self._place = forwarded_from(data[: len(data) - len(upload.body)])
                    if self._place.home and not self._may_ask():
                        self._refuse(_too_many())
                        return
                    if self._store_upload(self, upload):
                        self._began = None
                        self.state = state.after[states.UPLOAD]
                        self.url = upload.path
                        return
                elif upload is not None:
                    self._held = data
                    self._happened(states.HOLD)
            if self._began is None:
                self._began = self.loop.time()
        if not self._held:
            self._feed(data)

    def _feed(self, data: bytes) -> None:
        if self.state.reading is DEAF or self.transport.is_closing():
            return
        self._stalled_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError as error:
            reason = error.__context__  # what one of the callbacks below raised
            if not isinstance(reason, Refusal):
                if reason is not None:
                    logger.error("a request cannot be read", exc_info=reason)
                reason = Refusal(400, "malformed request", close=True)
            self._refuse(reason)
        except httptools.HttpParserUpgrade:
            self._refuse(Refusal(400, "no upgrades here", close=True))
        else:
            if self._stalled_bytes > limits.HEAD_MAX:
                self._refuse(_long_head())

    def on_message_begin(self) -> None:
        self._happened(states.BEGIN)
        self._stalled_bytes = 0
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_headers_complete(self) -> None:
        lengths = [len(name) + len(value) for name, value in self.headers]
        if len(self.url) + sum(lengths) > limits.HEAD_MAX:
            raise _long_head()
        self._start_cycle()
        self.headers = []  # for trailers, which nobody reads

    def on_body(self, body: bytes) -> None:
        self._stalled_bytes = 0
        if not self.cycle.response_complete and not self.cycle.hold(len(body)):
            raise _busy_refusal()
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._happened(states.END)
        self._stalled_bytes = 0
        self._began = None
        super().on_message_complete()

    def _start_cycle(self) -> None:
        """Start an ASGI task, or let it wait for the requests before it on this connection."""
        waiting = self.state.answering is not IDLE
        if waiting and len(self.pipeline) >= limits.PIPELINE_MAX:
            raise _busy_refusal()
        parser = self.parser
        self.scope = self._make_scope()
        if self.behind_proxy:
            self._place = origin(self.scope, read_headers(self.scope), True)
        if self._place.home and not self._may_ask():
            raise _too_many()
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
        app = self.app if self._has_room else _busy
        if waiting:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, app))
        else:
            self._start_asgi_task(cycle, app)

    def _make_scope(self) -> Any:
        """Return ASGI's scope of the request. Raises Refusal(400) for a malformed URL."""
        try:
            url = httptools.parse_url(self.url)
            path = url.path.decode("ascii")
        except (httptools.HttpParserInvalidURLError, UnicodeDecodeError, AttributeError):
            raise Refusal(400, "malformed request", close=True) from None
        return {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": self.parser.get_http_version(),
            "method": self.parser.get_method().decode("ascii"),
            "scheme": self.scheme,
            "server": self.server,
            "client": self.client,
            "root_path": "",
            "path": unquote(path) if "%" in path else path,
            "raw_path": url.path,
            "query_string": url.query or b"",
            "headers": self.headers,
            "state": self.app_state.copy(),
        }

    def _start_asgi_task(self, cycle, app) -> None:
        self._happened(states.START)
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    # answering

    def answer_fast_upload(self, constant: bytes, now: float) -> None:
        """Answer the upload with 200; now: the loop's time.

        constant: the headers that are always the same, an empty line and the body.
        """
        transport = self.transport
        if transport.is_closing():
            return
        state = self.state = self.state.after[states.ANSWER]
        head = _date_head(self.server_state.default_headers)
        if state.answering is CLOSED:
            transport.write(head + b"Connection: close\r\n" + constant)
            transport.close()
            self._drop_waiting()
        else:
            transport.write(head + constant)
        if access_logger.isEnabledFor(logging.INFO):
            access_logger.info("POST %s 200", self.url.decode("ascii"))
        self.server_state.total_requests += 1
        if state.answering is CLOSED:
            return
        if self.pipeline or state.reading is not BETWEEN:
            self._next(now)
        else:
            self.idle_since = now
            if self.flow.read_paused:
                self.flow.resume_reading()

    def fail_fast_upload(self) -> None:
        """Answer that the upload could not be stored."""
        self._happened(states.CLOSE)
        refusal = busy("not stored", close=True)
        self.transport.write(wire(self.server_state.default_headers, refusal.answer()))
        self.transport.close()

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        self._happened(states.ANSWER)
        if self.transport.is_closing():
            self._happened(states.CLOSE)
        else:
            self._next(self.loop.time())

    def _next(self, now: float) -> None:
        """Start the next request that waits; from now on its client has REQUEST_S."""
        incomplete = self.state.reading is not BETWEEN
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
            incomplete = cycle.more_body
        else:
            self.idle_since = now
        if incomplete and self._began is None:
            self._began = now
        self.flow.resume_reading()

    def _refuse(self, refusal: Refusal) -> None:
        """Read nothing more on this connection, and say why unless another answer is due.

        The connection closes with that answer then.
        """
        self._happened(states.REFUSE)
        self._began, self._held = None, b""
        self._drop_waiting()
        if self.state.answering is CLOSED:
            self._send_and_close(refusal)
        elif self.state.answering is states.APP:
            self._refuse_rest(self._answering, refusal)

    def _refuse_rest(self, cycle: CanonicalCycle, refusal: Refusal) -> None:
        """Refuse what follows the request of this cycle, or the rest of that request itself."""
        if not cycle.more_body:
            cycle.keep_alive = False
            return
        self._happened(states.CLOSE)
        cycle.abandon()
        if cycle.response_started:
            close_soon(self.transport, self.loop)
        else:
            self._send_and_close(refusal)

    def _send_and_close(self, refusal: Refusal) -> None:
        self.transport.write(wire(self.server_state.default_headers, refusal.answer()))
        close_soon(self.transport, self.loop)


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
    return busy(close=True)


def _too_many() -> Refusal:
    return Refusal(429, "too many requests", later(), close=True)


async def _busy(scope, receive, send) -> None:
    await send_answer(_busy_refusal().answer(), scope, send)
