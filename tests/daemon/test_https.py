# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTPS on CPython alone: its threads, its environment, its CA file, any bytes for an answer;
tests/runtime/test_https.py has the rest.
"""

import asyncio
import contextlib
import socket
import ssl
import threading
import time

import pytest

from flukso.digest import x_digest
from flukso.https import CERTIFICATE, PROTOCOL, HttpsError, parse_url
from flukso.ports.cpython_https import WORKERS_MAX, open_https
from tools.fakes.server import Server
from tools.harness.ca import make

DEVICE, KEY, SENSOR = "d" * 32, "0" * 32, "a" * 32
LATE_S = 30  # on a busy machine, threads may take this long to be heard of
BODY = b'{"measurements":[[1700000000,1]]}'


class RealClock:
    def real(self, seconds):
        return seconds


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    return make(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def server(pki):
    with Server(pki / "good.pem", {DEVICE: KEY}) as server:
        yield server


def headers(body=BODY):
    return {
        "Content-Type": "application/json",
        "X-Version": "1.0",
        "User-Agent": "Fluksometer v210",
        "X-Digest": x_digest(KEY, body),
    }


async def post(https, timeout_s=5.0, path="/sensor/" + SENSOR):
    return await https.request("POST", path, headers(), BODY, timeout_s)


def once(server, pki, ca="ca.crt", url=None, timeout_s=5.0):
    async def run():
        https = open_https(url or server.url, str(pki / ca), RealClock())
        try:
            return await post(https, timeout_s)
        finally:
            https.close()

    return asyncio.run(run())


def refusal(server, pki, **options):
    with pytest.raises(HttpsError) as caught:
        once(server, pki, **options)
    return caught.value


def test_goes_on_after_a_timeout_and_leaves_no_thread(server, pki):
    async def run():
        https = open_https(server.url, str(pki / "ca.crt"), RealClock())
        server.misbehave("stall", times=3)
        for _ in range(WORKERS_MAX):
            with pytest.raises(HttpsError):
                await post(https, 0.3)
        server.behave()  # a request that ended before the server saw it has left its fault behind
        deadline = time.monotonic() + LATE_S
        while https._workers and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        assert (await post(https, LATE_S)).status == 200
        https.close()

    asyncio.run(run())
    for thread in threading.enumerate():
        if thread.name == "https":
            thread.join(LATE_S)  # it has given its result, and may still be on its way out
            assert not thread.is_alive()


def test_the_environment_changes_nothing(server, pki, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pki / "ca.crt"))
    assert once(server, pki).status == 200
    assert refusal(server, pki, ca="foreign-ca.crt").kind == CERTIFICATE


def test_a_ca_file_that_is_none_stops_the_start(server, tmp_path):
    (tmp_path / "empty.crt").write_text("")
    for name in ("missing.crt", "empty.crt"):
        with pytest.raises(OSError):
            open_https(server.url, str(tmp_path / name), RealClock())


URLS = [
    ("https://api.flukso.net/", ("api.flukso.net", 443, "")),
    ("https://localhost:8443", ("localhost", 8443, "")),
    ("https://[::1]:8443/a/b/", ("::1", 8443, "/a/b")),
    ("https://[fe80::1]", ("fe80::1", 443, "")),
]
BAD_URLS = [
    "http://a/",
    "https://",
    "https:///x",
    "https://a:0/",
    "https://a:70000/",
    "https://a:x/",
    "https://u@a/",
    "https://a/b?c",
    "https://a b/",
]


@pytest.mark.parametrize("url, want", URLS)
def test_takes_urls_apart(url, want):
    assert tuple(parse_url(url)) == want


@pytest.mark.parametrize("url", BAD_URLS)
def test_refuses_urls(url):
    with pytest.raises(ValueError):
        parse_url(url)


HEAD = b"HTTP/1.1 200 OK\r\n"
RAW = [  # what a server sends; the answer's body, or None for an error
    ("no-header", HEAD + b"\r\nx", b"x"),
    ("65-headers", HEAD + b"".join(b"X-%d: 1\r\n" % n for n in range(65)) + b"\r\n", None),
    ("long-header", HEAD + b"X: " + b"a" * 70000 + b"\r\n\r\n", None),
    ("endless-headers", HEAD + b"X: a\r\n" * 5000, None),
    ("negative-length", HEAD + b"Content-Length: -17\r\n\r\nxy", None),
    ("length-is-no-number", HEAD + b"Content-Length: ten\r\n\r\nxy", None),
    ("huge-length", HEAD + b"Content-Length: 99999999999999999999\r\n\r\nxy", None),
    ("over-the-limit", HEAD + b"\r\n" + b"x" * 70000, None),
    ("just-the-limit", HEAD + b"\r\n" + b"x" * 65536, b"x" * 65536),
    ("chunk-is-no-number", HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nxy\r\n0\r\n\r\n", None),
    ("chunk-too-long", HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffff\r\nxy", None),
    ("chunks-without-end", HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nxy\r\n", None),
    ("status-is-no-number", b"HTTP/1.1 abc OK\r\n\r\n", None),
    ("status-over-999", b"HTTP/1.1 1000 OK\r\n\r\n", None),
    ("other-protocol", b"SSH-2.0-OpenSSH\r\n", None),
    ("nothing", b"", None),
    ("zeros", bytes(1000), None),
    (
        "continue-first",
        b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b"Content-Length: 1\r\n\r\nx",
        b"x",
    ),
    (
        "early-hints-first",
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + HEAD + b"Content-Length: 1\r\n\r\nx",
        b"x",
    ),
    (
        "unasked-upgrade",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + HEAD + b"Content-Length: 1\r\n\r\nx",
        None,
    ),
    ("endless-interim", b"HTTP/1.1 100 Continue\r\n\r\n" * 5000, None),
    ("head-is-cut", HEAD + b"Content-Length: 1\r\n", None),
    ("compressed", HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nxy", b"xy"),
]


@pytest.mark.parametrize("raw, body", [pytest.param(raw, body, id=name) for name, raw, body in RAW])
def test_any_bytes_are_an_answer_or_the_one_error(pki, raw, body):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "good.pem")
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(30)  # a client that never comes fails the test and leaves no thread

    def serve():
        connection, _ = listener.accept()
        with (
            contextlib.suppress(OSError),
            context.wrap_socket(connection, server_side=True) as secure,
        ):
            received = b""
            while not received.endswith(BODY):  # what is left unread would become a reset
                received += secure.recv(65536)
            secure.sendall(raw)

    thread = threading.Thread(target=serve)
    thread.start()
    url = "https://localhost:{}/".format(listener.getsockname()[1])
    try:
        if body is None:
            assert refusal(None, pki, url=url).kind == PROTOCOL
        else:
            assert once(None, pki, url=url).body == body
    finally:
        thread.join()
        listener.close()
