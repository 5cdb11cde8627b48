# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTPS on both interpreters against the fake server: what is verified, every form of answer, that
each ends, that nothing leaks.
"""

import contextlib
import socket
import ssl
import threading

import pytest

from flukso.upload import acknowledges
from tests.runtime.clients import BODY, DEVICE, KEY, SENSOR, Client
from tools.fakes.misbehaviour import reset
from tools.fakes.server import Server


@pytest.fixture
def server(pki):
    with Server(pki / "good.pem", {DEVICE: KEY}) as server:
        yield server


@pytest.fixture
def client(connect, server, pki):
    with connect(server.url, pki / "ca.crt") as client:
        yield client


def test_posts_and_is_answered(server, client):
    answer = client.post()
    assert (answer["status"], answer["body"]) == (200, '{"response":"ok"}')
    assert server.held(SENSOR) == [(1700000000, 1)]
    assert not server.store.violations


REFUSED = [  # certificate of the server, CA file, a word of the sentence
    ("foreign", "ca.crt", "not signed by the CA"),
    ("good", "foreign-ca.crt", "not signed by the CA"),
    ("wrong-host", "ca.crt", "another host name"),
    ("expired", "ca.crt", "expired"),
    ("future", "ca.crt", "not valid yet"),
]


@pytest.mark.parametrize("kind, ca, words", REFUSED)
def test_refuses_the_certificate_and_sends_nothing(connect, pki, kind, ca, words):
    with (
        Server(pki / (kind + ".pem"), {DEVICE: KEY}) as server,
        connect(server.url, pki / ca) as client,
    ):
        said = client.post()
        assert said["kind"] == "refused-certificate", said
        # what a wrong clock may be the reason of
        assert said["dates"] is (kind in ("expired", "future")), said
        assert words in said["text"]
        # TLS 1.3: the server may be done before we refuse
        assert server.requests == [] and server.handshakes <= 1


def test_failed_handshakes_leave_no_descriptor_and_no_memory(runtime, pki):
    with (
        Server(pki / "expired.pem", {DEVICE: KEY}) as server,
        Client(runtime, server.url, pki / "ca.crt") as client,
    ):
        for _ in range(5):
            client.post()
        before = client.ask(do="fds")
        for _ in range(30):
            assert client.post()["kind"] == "refused-certificate"
        server.use_certificate(pki / "good.pem")
        assert client.post()["status"] == 200
        client.ask(do="close")
        after = client.ask(do="fds")
    assert after["fds"] == before["fds"]
    assert after["heap"] - before["heap"] < 4096


def test_refused_and_cut_connections_leave_no_descriptor(runtime, server, pki):
    with Client(runtime, server.url, pki / "ca.crt") as client:
        server.down()
        client.post()
        before = client.ask(do="fds")
        for _ in range(20):
            assert client.post()["kind"] == "unreachable"
        server.up()
        server.misbehave("close", "connect", 20)
        for _ in range(20):
            assert client.post()["kind"] == "protocol"
        server.misbehave("stall", "connect", 5)
        for _ in range(5):
            assert client.post(0.1)["kind"] == "timeout"
        assert client.ask(do="fds")["fds"] == before["fds"]


def test_nothing_listens(server, client):
    server.down()
    said = client.post()
    assert said["kind"] == "unreachable" and "refused" in said["text"]


def test_no_such_name(connect, server, pki):
    with connect("https://nowhere.invalid:{}/".format(server.port), pki / "ca.crt") as client:
        said = client.post()
        assert said["kind"] == "unreachable" and "nowhere.invalid" in said["text"]


def test_an_address_in_place_of_a_name_is_verified_too(connect, server, pki):
    with connect("https://127.0.0.1:{}/".format(server.port), pki / "ca.crt") as client:
        assert client.post()["status"] == 200
    with connect("https://127.0.0.2:{}/".format(server.port), pki / "ca.crt") as client:
        assert "kind" in client.post()


def test_a_plain_http_server_is_a_protocol_error(connect, pki):
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(30)  # a client that never comes fails the test and leaves no thread

    def serve():
        connection, _ = listener.accept()
        connection.recv(100)
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
        connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    with connect(
        "https://localhost:{}/".format(listener.getsockname()[1]), pki / "ca.crt"
    ) as client:
        assert client.post()["kind"] == "protocol"
    thread.join()
    listener.close()


@pytest.mark.parametrize(
    "form", ["plain", "chunked", "lower-case", "no-length", "close-keep-alive", "slow"]
)
def test_every_form_of_answer_is_read(server, client, form):
    server.misbehave(form)
    for _ in range(2):
        assert client.post()["body"] == '{"response":"ok"}'


def test_a_kept_connection_that_is_reset_is_asked_anew(connect, pki):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "good.pem")
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(30)

    def answered(connection):
        received = b""
        while not received.endswith(BODY):
            received += connection.recv(65536)
        connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{"response":"ok"}')

    def serve():
        with contextlib.suppress(TimeoutError):
            first = context.wrap_socket(listener.accept()[0], server_side=True)
            answered(first)
            first.recv(1)  # of the next request: the client waits for its answer
            reset(first)
            with context.wrap_socket(listener.accept()[0], server_side=True) as second:
                answered(second)

    thread = threading.Thread(target=serve)
    thread.start()
    with connect(
        "https://localhost:{}/".format(listener.getsockname()[1]), pki / "ca.crt"
    ) as client:
        assert [client.post().get("body") for _ in range(2)] == ['{"response":"ok"}'] * 2
    thread.join()
    listener.close()


BROKEN = [
    "half-status",
    "half-body",
    "too-short",
    "garbage",
    "huge",
    "empty",
    "two-lengths",
    "reset",
    "close",
]


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_answer_is_an_error(server, client, name):
    server.misbehave(name)
    assert client.post()["kind"] == "protocol"
    server.behave()
    assert client.post()["status"] == 200


def test_a_head_that_is_cut_acknowledges_nothing(server, client):
    server.misbehave("half-head")
    said = client.post()  # http.client takes the end of the connection for the end of the headers
    assert said.get("kind") == "protocol" or not acknowledges(said["status"], said["body"].encode())


STALLS = [
    ("stall", "connect", {}),
    ("stall", "request", {}),
    ("stall", "answer", {}),
    ("stall", "answer", {"sent": 30}),
    ("slow", "answer", {"seconds": 0.2}),
]


@pytest.mark.parametrize("name, at, options", STALLS)
def test_ends_in_time_whatever_the_server_does(server, client, name, at, options):
    server.misbehave(name, at, **options)
    said = client.post(0.7)
    assert said["kind"] == "timeout", (
        "nothing else ends it: the server says nothing more, or a byte now and then"
    )
    assert said["turns"] > 2, "the loop went on"


def test_a_black_hole_ends_in_time(connect, pki):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fillers = []
    for _ in range(3):  # fill the backlog: further SYNs are dropped
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
        fillers.append(filler)
    with connect(
        "https://127.0.0.1:{}/".format(listener.getsockname()[1]), pki / "ca.crt"
    ) as client:
        assert client.post(0.5)["kind"] in ("timeout", "unreachable")
    for opened in [*fillers, listener]:
        opened.close()


def test_statuses_are_answers_and_redirects_are_not_followed(server, client):
    for status in (204, 301, 400, 401, 500, 503):
        server.misbehave(
            "status",
            "instead",
            1,
            status=status,
            headers={"Location": "https://localhost:1/", "Retry-After": "7"},
        )
        answer = client.post()
        assert (answer["status"], answer["headers"]["retry-after"]) == (status, "7")


def test_keeps_the_connection_and_asks_again_when_it_was_closed(server, client):
    for _ in range(3):
        client.post()
    assert server.handshakes == 1
    server.misbehave("close", "answer", 1)  # the kept connection ends in place of an answer
    assert client.post()["status"] == 200
    assert server.handshakes == 2
    server.drop_connections()
    assert client.post()["status"] == 200
    server.misbehave("close", "answer", 2)  # the new one, too: that is no closed keep-alive
    assert client.post()["kind"] == "protocol"
    assert client.post()["status"] == 200
