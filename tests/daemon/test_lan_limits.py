# SPDX-License-Identifier: GPL-3.0-or-later
"""The LAN API's server: what it takes for a request, and every limit."""

import asyncio
import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flukso import lan_http
from flukso.lan_http import BURST, HttpError, LanServer, Rate, compose, parse_head
from flukso.ports.tcp import serve_tcp
from tests.daemon.lan_client import ask, get, raw, read_answer, serve
from tests.daemon.lan_house import POWER, House

HEADS = [
    (b"GET / HTTP/1.1", True),
    (b"GET / HTTP/1.1\r\nConnection: close", False),
    (b"GET / HTTP/1.1\r\nTE: deflate\r\nConnection: TE, close", False),
    (b"GET / HTTP/1.0", False),
    (b"GET / HTTP/1.0\r\nconnection:  Keep-Alive ", True),
    (b"GET /a?b=c HTTP/1.1\r\nX-Y: a:b\r\nEmpty:\r\nUser-Agent: \xc3\xa9", True),
    (b"GET / HTTP/1.1\r\nContent-Length: 0", True),
]
BAD_HEADS = [
    (b"", 400),
    (b"GET /", 400),
    (b"GET  / HTTP/1.1", 400),
    (b"GET / HTTP/2.0", 400),
    (b"GET / HTTP/1.1 ", 400),
    (b"GET http://x/ HTTP/1.1", 400),
    (b"GET /\x00 HTTP/1.1", 400),
    (b"GET / HTTP/1.1\r\nno colon", 400),
    (b"GET / HTTP/1.1\r\n: x", 400),
    (b"GET / HTTP/1.1\r\n folded: x", 400),
    (b"GET / HTTP/1.1\r\nName : x", 400),
    (b"GET / HTTP/1.1\r\nName: x\x07", 400),
    (b"GET / HTTP/1.1\r\nContent-Length: 1", 400),
    (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked", 400),
    (b"GET / HTTP/1.1\r\nHost: a\r\nhost: b", 400),
    (b"POST / HTTP/1.1\r\nContent-Length: 1", 405),
    (b"BREW / HTTP/1.1", 405),
    (b"GET /" + b"a" * lan_http.TARGET_MAX + b" HTTP/1.1", 414),
    (b"GET / HTTP/1.1" + b"\r\na: b" * (lan_http.HEADERS_MAX + 1), 431),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01", 400),
]


@pytest.mark.parametrize("head, keep", HEADS)
def test_heads(head, keep):
    assert parse_head(head).keep is keep


@pytest.mark.parametrize("head, status", BAD_HEADS)
def test_bad_heads(head, status):
    with pytest.raises(HttpError) as caught:
        parse_head(head)
    assert caught.value.status == status


@given(
    st.binary(max_size=300)
    | st.lists(
        st.sampled_from([b"GET ", b"/", b" HTTP/1.1", b"\r\n", b":", b" ", b"a", b"%", b"\x80"]),
        max_size=20,
    ).map(b"".join)
)
def test_any_head_is_taken_or_refused(head):
    try:
        parsed = parse_head(head)
    except HttpError as error:
        assert 400 <= error.status < 500
        return
    assert parsed.method in lan_http.METHODS and parsed.target.startswith("/")


# Limits


def test_a_head_that_never_ends_is_431():
    async def client(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nX: " + b"a" * (lan_http.HEAD_MAX + 10))
        status = (await read_answer(reader))[0]
        assert await reader.read() == b""
        return status

    assert serve(client) == 431


def test_a_head_may_come_byte_by_byte_and_requests_may_be_pipelined():
    async def client(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for byte in raw("/status"):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)
        first = await read_answer(reader)
        writer.write(
            raw("/status")
            + raw("/metrics")
            + raw("/nothing")
            + raw("/", "GET", "1.1", "Connection: close")
            + raw("/status")
        )
        statuses = [(await read_answer(reader))[0] for _ in range(4)]
        assert await reader.read() == b""
        return [first[0], *statuses]

    assert serve(client) == [200, 200, 200, 404, 200]


def test_connections_are_bounded_in_all_and_for_one_address(monkeypatch):
    house = House()

    async def client(port):
        opened = [
            await asyncio.open_connection("127.0.0.1", port)
            for _ in range(lan_http.PER_ADDRESS_MAX + 3)
        ]
        refused = [await read_answer(reader) for reader, _ in opened[lan_http.PER_ADDRESS_MAX :]]
        status = (await ask_over(opened[0], raw("/status")))[0]
        opened[0][1].close()
        while house.lan.connections() == lan_http.PER_ADDRESS_MAX:
            await asyncio.sleep(0)
        again = await ask(port, raw("/status"))
        for _, writer in opened:
            writer.close()
        return [entry[0] for entry in refused], status, again[0][0]

    assert serve(client, house) == ([503] * 3, 200, 200)
    monkeypatch.setattr(lan_http, "CONNECTIONS_MAX", 2)
    monkeypatch.setattr(lan_http, "PER_ADDRESS_MAX", 2)

    async def crowd(port):
        opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        status = (await read_answer(opened[2][0]))[0]
        for _, writer in opened:
            writer.close()
        return status

    assert serve(crowd) == 503


def test_a_crowd_waits_in_the_kernel_while_the_loop_is_busy():
    async def client(port):  # holds the loop up
        waiting = [
            socket.create_connection(("127.0.0.1", port), 3) for _ in range(lan_http.BACKLOG)
        ]
        for link in waiting:
            link.close()
        return len(waiting)

    assert serve(client) >= 128


async def ask_over(opened, request):
    opened[1].write(request)
    return await read_answer(opened[0])


@pytest.mark.parametrize("sent, limit", [(b"", "IDLE_S"), (b"GET / HT", "HEAD_S")])
def test_a_client_that_says_nothing_is_cut(monkeypatch, sent, limit):
    monkeypatch.setattr(lan_http, "SWEEP_S", 0.02)
    monkeypatch.setattr(lan_http, limit, 0.1)

    async def client(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        begin = time.monotonic()
        assert await reader.read() == b"", "it is the server who ends it"
        writer.close()
        return time.monotonic() - begin

    house = House()
    house.port.system_clock = lambda: time
    assert serve(client, house) > 0.05
    assert house.lan.refused == 1 and house.lan.connections() == 0


def test_a_client_that_takes_nothing_is_cut(monkeypatch):
    monkeypatch.setattr(lan_http, "SWEEP_S", 0.02)
    monkeypatch.setattr(lan_http, "SEND_S", 0.2)

    async def client(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        for _ in range(40):
            writer.write(raw("/status") * 200)
            await asyncio.sleep(0)
        while not house.lan.refused:
            await asyncio.sleep(0.05)
        writer.close()
        return house.lan.refused

    house = House()
    house.port.system_clock = lambda: time
    assert serve(client, house) == 1


def test_answers_that_have_to_be_made_are_limited_and_made_ones_are_free():
    async def client(port):
        statuses = [
            answer[0]
            for answer in await ask(port, *[raw("/status?" + str(n)) for n in range(BURST + 5)])
        ]
        known = await ask(port, *[raw("/status?1")] * 300)
        return statuses, {answer[0] for answer in known}

    house = House()
    house.port.system_clock = lambda: house.clock  # it stands, so nothing is refilled
    statuses, known = serve(client, house)
    assert statuses == [200] * BURST + [429] * 5
    assert known == {200}


def test_the_rate_is_per_address_refills_and_forgets():
    rate = Rate()
    assert [rate.allows("a", 0.0) for _ in range(BURST + 1)] == [True] * BURST + [False]
    assert rate.allows("b", 0.0)
    assert rate.allows("a", 0.06) and not rate.allows("a", 0.06)
    for n in range(2 * lan_http.ADDRESSES_MAX):
        rate.allows(n, 1.0)
    assert len(rate._spent) <= lan_http.ADDRESSES_MAX


def test_the_cache_is_bounded():
    def answer(head):
        return 200, "text/plain", head.target.encode()

    server = LanServer(answer, lambda: time.monotonic() * 1000, lambda: 1, serve_tcp, None)

    async def client(port):
        for n in range(3 * lan_http.CACHE_MAX):
            assert (await ask(port, raw("/{}".format(n))))[0][2] == "/{}".format(n).encode()

    serve(client, server=server)
    assert len(server._cache) == lan_http.CACHE_MAX


def test_an_answer_cannot_be_split_by_what_was_asked():
    status, headers, body = get("/sensor/" + POWER + "?callback=f%0d%0aX-Evil:1")
    assert status == 400 and "x-evil" not in headers
    assert compose(200, "a/b", b"x", True).count(b"\r\n\r\n") == 1


def test_no_connection_is_taken_when_memory_is_short(monkeypatch):
    assert lan_http.roomy()
    monkeypatch.setattr(lan_http, "roomy", lambda: False)

    async def client(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        answer = await read_answer(reader)
        writer.close()
        return answer

    status, headers, _ = serve(client)
    assert status == 503 and headers["retry-after"] == "5"
