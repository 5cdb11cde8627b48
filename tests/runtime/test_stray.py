# SPDX-License-Identifier: GPL-3.0-or-later
"""An answer belongs to its request, on both interpreters: what nobody asked for acknowledges
nothing and ends the connection.
"""

import ssl
import threading

import pytest

from tests.runtime.scripted import LIMIT_S, NO, OK, Scripted, server_context

EXTRA = [  # what a server sends in one record for the first request
    ("answer", OK + OK),
    ("half-an-answer", OK + b"HTTP/1.1 2"),
    ("newline", OK + b"\r\n"),
    (
        "chunked",
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11\r\n{"response":"ok"}\r\n0\r\n\r\n'
        + OK,
    ),
    ("no-content", b"HTTP/1.1 204 No Content\r\n\r\n" + OK),
    (
        "two-frames",
        b"HTTP/1.1 200 OK\r\nContent-Length: 17\r\nTransfer-Encoding: "
        b'chunked\r\n\r\n11\r\n{"response":"ok"}\r\n0\r\n\r\n',
    ),
]


@pytest.fixture
def context(pki):
    return server_context(pki / "good.pem")


def refuse(server, secure):
    """The next connection: the request is refused, so a client that says otherwise took it from
    elsewhere.
    """
    server.request(secure)
    secure.sendall(NO)


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in EXTRA])
def test_what_follows_the_answer_in_its_record(connect, pki, context, data):
    def first(server, secure):
        server.request(secure)
        secure.sendall(data)
        assert server.request(secure) == b""

    with Scripted(context, first, refuse) as server, connect(server.url, pki / "ca.crt") as client:
        assert client.post()["status"] in (200, 204)
        assert client.post()["status"] == 503
    assert server.accepted == 2 and server.failed is None


def test_an_answer_that_follows_in_a_record_of_its_own(connect, pki, context):
    """Written with the first in one go, so both lie at the client before it reads."""

    def first(server, secure):
        server.request(secure)
        secure.sendall(OK)
        secure.sendall(OK)
        sent.set()
        server.request(secure)

    sent = threading.Event()
    with Scripted(context, first, refuse) as server, connect(server.url, pki / "ca.crt") as client:
        assert client.post()["status"] == 200
        assert sent.wait(LIMIT_S)
        assert client.post()["status"] == 503
    assert server.accepted == 2


@pytest.mark.parametrize("stray", [OK, b"x", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_what_comes_between_two_requests(connect, pki, context, stray):
    def first(server, secure):
        server.request(secure)
        secure.sendall(OK)
        answered.wait(LIMIT_S)
        secure.sendall(stray)
        sent.set()
        server.request(secure)

    answered, sent = threading.Event(), threading.Event()
    with Scripted(context, first, refuse) as server, connect(server.url, pki / "ca.crt") as client:
        assert client.post()["status"] == 200
        answered.set()
        assert sent.wait(LIMIT_S)
        assert client.post()["status"] == 503
    assert server.accepted == 2


def test_an_answer_before_the_request(connect, pki, context):
    """It comes together with the last of the server's handshake, which in TLS 1.2 is the last of
    all.
    """
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_TICKET
    received = []

    def first(server, plain):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        secure = context.wrap_bio(incoming, outgoing, server_side=True)
        while True:
            try:
                secure.do_handshake()
                break
            except ssl.SSLWantReadError:
                plain.sendall(outgoing.read())
                incoming.write(plain.recv(65536))
        secure.write(OK)
        plain.sendall(outgoing.read())
        while more := plain.recv(65536):
            received.append(more)

    with Scripted(None, first) as server, connect(server.url, pki / "ca.crt") as client:
        said = client.post()
    assert said["kind"] == "protocol" and "before it is asked" in said["text"], said
    assert all(record[0] == 21 for record in received)  # alerts, and no application data


def test_an_answer_before_the_body_has_arrived(connect, pki, context):
    """The server's machine takes only a part of the request, for its window is small and nobody
    reads.
    """
    body = b"x" * 300_000

    def first(server, secure):
        secure.recv(100)
        secure.sendall(OK)
        done.wait(LIMIT_S)

    done = threading.Event()
    with (
        Scripted(context, first, refuse, receive_buffer=4096) as server,
        connect(server.url, pki / "ca.crt") as client,
    ):
        said = client.post(3.0, body)
        assert said.get("kind") in ("protocol", "timeout"), said
        done.set()
        assert client.post()["status"] == 503


@pytest.mark.parametrize("status", [100, 102, 103, 199])
def test_interim_answers_are_passed_over(connect, pki, context, status):
    interim = b"HTTP/1.1 %d Wait\r\nLink: x\r\n\r\n" % status

    def script(server, secure):
        server.request(secure)
        secure.sendall(interim + interim)
        secure.sendall(NO)
        server.request(secure)
        secure.sendall(interim + OK)

    with Scripted(context, script) as server, connect(server.url, pki / "ca.crt") as client:
        assert [client.post()["status"] for _ in range(2)] == [503, 200]
    assert server.accepted == 1


@pytest.mark.parametrize(
    "length", [b"-17", b"+17", b"17x", b"0x11", b"", b"1 7", b"17, 17", b"99999999999"]
)
def test_a_length_that_is_none_gets_a_sentence(connect, pki, context, length):
    def script(server, secure):
        server.request(secure)
        secure.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Length: " + length + b'\r\n\r\n{"response":"ok"}'
        )
        server.request(secure)

    with Scripted(context, script) as server, connect(server.url, pki / "ca.crt") as client:
        said = client.post()
    assert said["kind"] == "protocol" and (
        "unusable length" in said["text"] or "longer than" in said["text"]
    ), said
