# SPDX-License-Identifier: GPL-3.0-or-later
"""One connection of the hot path under clients that wait, trickle, flood or do not read: each of
them is bounded.
"""

import asyncio
import contextlib
import socket
import ssl
import threading

import pytest
import uvicorn

from flukso_server.hot import http_answer, limits
from flukso_server.hot.connection_states import STORE
from flukso_server.hot.http_connection import DeviceProtocol
from flukso_server.hot.shares import Shares
from flukso_server.hot.sweeper import Sweeper
from tests.server.connections import Quick, later, played, turn
from tools.harness.wait import wait_until

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
HALF = b"POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"


@pytest.mark.parametrize("rest", [HALF, HALF[:25], HALF + b"{"])
def test_a_request_behind_another_has_its_thirty_seconds_too(rest):
    async def play(connect, app):
        protocol, transport = connect()
        protocol.data_received(GET + rest)
        await turn()
        later(protocol, limits.REQUEST_S - 1)
        assert [status for status, _ in transport.answers()] == [200] and not transport.closing
        protocol.data_received(b"{")  # what trickles in makes it no younger
        later(protocol, limits.REQUEST_S + 1)
        assert [status for status, _ in transport.answers()] == [200, 408] and transport.closing

    played(play)


BODY = b'{"measurements":[]}'
UPLOAD = b"POST /sensor/%b HTTP/1.1\r\nContent-Length: %d\r\nX-Digest: %b\r\n\r\n%b" % (
    b"a" * 32,
    len(BODY),
    b"0" * 40,
    BODY,
)


def test_a_refused_connection_takes_no_upload_any_more():
    async def play(connect, app):
        for before, taken in ((b"", True), (b"nonsense\r\n\r\n", False)):
            protocol, transport = connect()
            if before:
                protocol.data_received(before)
            protocol.data_received(UPLOAD)
            assert (protocol.state.answering is STORE) == taken

    played(play, Quick)


def test_a_request_behind_a_quick_upload_has_its_thirty_seconds_too():
    async def play(connect, app):
        protocol, transport = connect()
        protocol.data_received(UPLOAD)
        protocol.data_received(HALF)
        protocol.answer_fast_upload(b"Content-Length: 0\r\n\r\n", protocol.loop.time())
        later(protocol, limits.REQUEST_S + 1)
        assert [status for status, _ in transport.answers()] == [200, 408] and transport.closing

    played(play, Quick)


def test_while_an_answer_is_due_nobody_is_given_up():
    async def play(connect, app):
        protocol, transport = connect()
        app.may_answer.clear()
        protocol.data_received(GET + HALF)
        await turn()
        later(protocol, 10 * limits.REQUEST_S)
        assert not transport.closing
        app.may_answer.set()
        await turn()
        assert [status for status, _ in transport.answers()] == [200]

    played(play)


@pytest.mark.parametrize(
    "begin, more",
    [
        pytest.param(b"GET / HTTP/1.1\r\nX: ", b"a", id="header"),
        pytest.param(b"GET /", b"a", id="url"),
        pytest.param(b"GET / HTTP/1.1\r\n", b"A: b\r\n", id="headers"),
        pytest.param(
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
            b"A: b\r\n",
            id="trailers",
        ),
        pytest.param(b"", b"\r\n", id="nothing"),
    ],
)
@pytest.mark.parametrize("size", [4096, 262_144])
def test_a_head_without_end_is_refused(begin, more, size):
    async def play(connect, app):
        protocol, transport = connect()
        protocol.data_received(begin)
        sent = 0
        while not transport.closing and sent < 1 << 20:
            protocol.data_received(more * (size // len(more)))
            sent += size
        assert sent <= limits.HEAD_MAX + 2 * size
        assert transport.answers() == [(431, {"error": "head too long"})]
        kept = protocol._stalled_bytes
        protocol.data_received(more * size)
        assert protocol._stalled_bytes == kept and len(transport.answers()) == 1, (
            "nothing is read after it"
        )

    played(play)


def test_a_long_head_in_one_piece_is_refused_and_a_full_one_is_not():
    async def play(connect, app):
        for length, status in ((limits.HEAD_MAX - 100, 200), (limits.HEAD_MAX, 431)):
            protocol, transport = connect()
            protocol.data_received(
                b"GET / HTTP/1.1\r\nHost: x\r\nCookie: %b\r\n\r\n" % (b"c" * length)
            )
            await turn()
            assert [each for each, _ in transport.answers()] == [status]

    played(play)


def test_a_long_body_is_no_long_head():
    async def play(connect, app):
        protocol, transport = connect()
        protocol.data_received(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(50):
            protocol.data_received(b"400\r\n" + b"x" * 0x400 + b"\r\n")
            await turn()
        protocol.data_received(b"0\r\n\r\n" + GET)
        await turn()
        assert [status for status, _ in transport.answers()] == [200, 200]

    played(play)


def test_what_is_no_http_is_answered_after_what_was():
    async def play(connect, app):
        protocol, transport = connect()
        app.may_answer.clear()
        protocol.data_received(GET + b"nonsense\r\n\r\n")
        await turn()
        assert transport.out == b""
        app.may_answer.set()
        await turn()
        assert [status for status, _ in transport.answers()] == [200] and transport.closing
        protocol, transport = connect()
        protocol.data_received(b"nonsense\r\n\r\n")
        assert transport.answers() == [(400, {"error": "malformed request"})] and transport.closing

    played(play)


def test_requests_that_wait_are_few_and_stop_the_reading():
    async def play(connect, app):
        protocol, transport = connect()
        app.may_answer.clear()
        protocol.data_received(GET * 4)
        await turn()
        assert not transport.reading and len(protocol.pipeline) == 3
        protocol.data_received(GET * (limits.PIPELINE_MAX + 1))
        assert not protocol.pipeline
        app.may_answer.set()
        await turn()
        assert [status for status, _ in transport.answers()] == [200] and transport.closing

    played(play)


def test_reading_goes_on_only_when_all_that_waited_is_answered():
    async def play(connect, app):
        protocol, transport = connect()
        protocol.data_received(GET * 4)
        while len(transport.answers()) < 4:
            assert not transport.reading or len(protocol.pipeline) == 0
            await asyncio.sleep(0)
        await turn()
        assert transport.reading

    played(play)


def test_who_does_not_read_is_not_read_and_then_cut_off():
    async def play(connect, app):
        protocol, transport = connect()
        protocol.data_received(GET)
        await turn()
        transport.unsent = 100_000
        protocol.pause_writing()
        assert not transport.reading
        protocol.data_received(GET)  # what was under way
        await turn()
        assert not transport.reading, "an answer under way opens it no more"
        for at in range(5, limits.UNSENT_S, 5):
            later(protocol, at)
            assert not transport.aborted
        later(protocol, limits.UNSENT_S + 10)
        assert transport.aborted
        protocol.connection_lost(None)
        await turn()

    played(play)


def test_who_reads_slowly_is_served():
    async def play(connect, app):
        protocol, transport = connect()
        protocol.data_received(GET)
        await turn()
        for at in range(0, 4 * limits.UNSENT_S, 5):
            transport.unsent, transport.taken = 100_000, at  # as much comes as goes
            later(protocol, at)
        assert not transport.aborted
        protocol.pause_writing()
        protocol.resume_writing()
        assert transport.reading

    played(play)


def test_a_close_that_waits_for_the_client_is_cut_short():
    async def play(connect, app):
        protocol, transport = connect()
        protocol.data_received(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        await turn()
        assert transport.closing and not transport.aborted
        for at in range(0, limits.CLOSE_S, 5):
            transport.unsent, transport.taken = 100_000, at
            later(protocol, at)
        assert not transport.aborted
        later(protocol, limits.CLOSE_S + 5)
        assert transport.aborted

    played(play)


def test_bodies_of_all_connections_have_a_limit_together(monkeypatch):
    monkeypatch.setattr(limits, "BODIES_MAX", 250)

    async def play(connect, app):
        app.may_answer.clear()
        sent = [connect() for _ in range(3)]
        for protocol, _ in sent:
            protocol.data_received(HALF + b"x" * 99)
            await turn()
        assert [transport.answers() for _, transport in sent] == [
            [],
            [],
            [(503, {"error": "busy"})],
        ]
        assert app.told_gone == 1 and http_answer.Bodies.held == 198
        app.may_answer.set()
        for protocol, transport in sent[:2]:
            protocol.data_received(b"x")
            await turn()
            assert [status for status, _ in transport.answers()] == [200]
        assert http_answer.Bodies.held == 0
        protocol, transport = connect()
        protocol.data_received(HALF + b"x" * 99)
        protocol.connection_lost(None)
        assert http_answer.Bodies.held == 0

    played(play)


def test_a_stream_with_a_request_behind_it_learns_that_its_client_has_gone():
    async def play(connect, app):
        protocol, transport = connect()
        protocol.data_received(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n" + GET)
        await turn()
        protocol.connection_lost(None)
        await turn()
        assert app.told_gone == 1

    played(play)


def test_an_upgrade_is_answered_without_one():
    async def play(connect, app):
        protocol, transport = connect()
        protocol.data_received(
            b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
        )
        await turn()
        assert [status for status, _ in transport.answers()] == [200] and transport.closing

    played(play)


def test_a_full_house_says_so(monkeypatch):
    monkeypatch.setattr(DeviceProtocol, "shares", Shares(0))

    async def play(connect, app):
        protocol, transport = connect()
        protocol.data_received(GET)
        await turn()
        assert transport.answers() == [(503, {"error": "busy"})] and transport.closing

    played(play)


def test_each_connection_is_looked_at_once_in_a_sweep(monkeypatch):
    by_hand, seen = Sweeper(), []
    monkeypatch.setattr(DeviceProtocol, "age", lambda self, now: seen.append(self))

    async def play(connect, app):
        made = [connect()[0] for _ in range(45)]
        connections, loop = made[0].server_state.connections, asyncio.get_running_loop()
        for _ in range(2):
            seen.clear()
            for _ in range(15):
                before = len(seen)
                by_hand.turn(loop, connections)
                assert len(seen) - before == 3
            assert set(seen) == set(made)
        by_hand.stop()

    played(play)


def test_a_sweep_goes_on_when_a_connection_ends_before_its_turn(monkeypatch):
    async def play(connect, app):
        by_hand = Sweeper()
        app.may_answer.clear()
        made = [connect() for _ in range(2)]
        for protocol, _transport in made:
            protocol.data_received(GET)
        await turn()
        connections, loop = made[0][0].server_state.connections, asyncio.get_running_loop()
        seen = []
        monkeypatch.setattr(
            DeviceProtocol,
            "age",
            lambda self, now, age=DeviceProtocol.age: (seen.append(self), age(self, now)),
        )
        for _ in range(4):
            by_hand.turn(loop, connections)
            if len(seen) == 1:  # the other one waits for its turn
                protocol, transport = next(each for each in made if each[0] is not seen[0])
                transport.abort()
                protocol.connection_lost(None)
        assert set(seen) == {each for each, _ in made if each is not protocol} and len(seen) == 3
        assert by_hand._timer is not None
        by_hand.stop()

    played(play)


def test_a_connection_whose_socket_is_closed_already_is_left_alone():
    async def play(connect, app):
        app.may_answer.clear()
        protocol, transport = connect()
        protocol.data_received(GET)
        await turn()
        transport.abort()  # nobody has been told so yet
        later(protocol, 5)
        assert transport.out == b""
        protocol.connection_lost(None)

    played(play)


@pytest.mark.parametrize("secure", [False, True])
def test_a_client_that_does_not_read_is_cut_off_on_a_real_connection(
    certificates, monkeypatch, secure
):
    """With uvloop and TLS as in the services; here a minute is a second."""
    monkeypatch.setattr(limits, "UNSENT_S", 1)
    monkeypatch.setattr(limits, "SWEEP_S", 0.2)
    body = b"x" * (16 << 20)  # more than the kernel takes

    async def app(_scope, _receive, send):
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"Content-Length", b"%d" % len(body))],
            }
        )
        await send({"type": "http.response.body", "body": body})

    pem = str(certificates / "good.pem") if secure else None
    config = uvicorn.Config(
        app,
        http=DeviceProtocol,
        loop="uvloop",
        lifespan="off",
        log_config=None,
        ws="none",
        ssl_certfile=pem,
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        with contextlib.ExitStack() as opened:
            idle, reading = (
                opened.enter_context(_connect(listener, certificates, secure)) for _ in range(2)
            )
            for each in (idle, reading):
                each.sendall(GET)
            got = 0
            while got < len(body):
                part = reading.recv(1 << 20)
                assert part, "who reads gets all of it"
                got += len(part)
            wait_until(lambda: len(server.server_state.connections) <= 1, 15)
        server.should_exit = True
        thread.join(15)
    DeviceProtocol.sweeper.stop()


def _connect(listener, certificates, secure: bool):
    plain = socket.create_connection(listener.getsockname(), 10)
    if not secure:
        return plain
    return ssl.create_default_context(cafile=str(certificates / "ca.crt")).wrap_socket(
        plain, server_hostname="localhost"
    )
