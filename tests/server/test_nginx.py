# SPDX-License-Identifier: GPL-3.0-or-later
"""The raw bytes of answers behind nginx, with the configuration that the project offers."""

import re
import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from server.testbed import Platform
from tests.server.client import DEVICE, KEY, SENSOR
from tests.server.test_wire import BEAT, CANONICAL, read_answer, request

CONFIGURATION = Path(__file__).parents[2] / "server" / "deploy" / "nginx.conf"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def nginx(tmp_path_factory, certificates):
    """A function that opens a TLS connection to nginx, in front of a platform."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    assert program, "Debian's nginx-light is needed: see tools/packages.apt"
    folder = tmp_path_factory.mktemp("nginx")
    port = free_port()
    with Platform(folder / "platform", None, {DEVICE: KEY}, {SENSOR: DEVICE}) as platform:
        text = CONFIGURATION.read_text()
        for old, new in (
            ("127.0.0.1:8001", f"127.0.0.1:{platform.port}"),
            ("127.0.0.1:8002", f"127.0.0.1:{platform.port}"),
            ("listen 8443", f"listen 127.0.0.1:{port}"),
            ("/etc/flukso/server.pem", str(certificates / "good.pem")),
            ("/var/log/nginx/", f"{folder}/"),
        ):
            assert old in text
            text = text.replace(old, new)
        paths = "".join(f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        whole = f"daemon off;\npid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{}}\nhttp {{\n{paths}{text}}}\n"
        (folder / "nginx.conf").write_text(whole)
        process = subprocess.Popen([program, "-p", str(folder), "-c", str(folder / "nginx.conf")], stderr=subprocess.DEVNULL)
        try:
            yield lambda: connect(port, certificates)
        finally:
            process.terminate()
            process.wait(10)


def connect(port: int, certificates) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=str(certificates / "ca.crt"))
    until = time.monotonic() + 10
    while True:
        try:
            plain = socket.create_connection(("127.0.0.1", port), 20)
            break
        except OSError:
            assert time.monotonic() < until
            time.sleep(0.05)
    return context.wrap_socket(plain, server_hostname="localhost")


@pytest.mark.parametrize(
    "path, body, status",
    [
        pytest.param("/sensor/" + SENSOR, b'{"measurements":[]}', b"200 OK", id="upload"),
        pytest.param("/device/" + DEVICE, BEAT, b"200 OK", id="heartbeat"),
        pytest.param("/sensor/" + SENSOR, b"{", b"400 Bad Request", id="malformed"),
        pytest.param("/sensor/" + "c" * 32, b'{"measurements":[]}', b"401 Unauthorized", id="unknown"),
    ],
)
def test_answers_keep_their_length_and_spelling(nginx, path, body, status):
    with nginx() as connection:
        connection.sendall(request(path, body))
        line, headers, _ = read_answer(connection)
    assert line == b"HTTP/1.1 " + status
    assert all(CANONICAL.fullmatch(name) for name in headers), headers
    assert b"Transfer-Encoding" not in headers and b"Content-Encoding" not in headers
    assert (b"X-Digest" in headers) == path.startswith("/device")
    assert (b"WWW-Authenticate" in headers) == status.startswith(b"401")


def test_the_signature_holds_behind_nginx(nginx):
    from tests.server.client import digests

    path, body = "/sensor/" + SENSOR, b'{"measurements":[]}'
    with nginx() as connection:
        connection.sendall(request(path, body, **digests(KEY, path, body, True)))
        assert read_answer(connection)[0] == b"HTTP/1.1 200 OK"


def test_pages_come_through(nginx):
    with nginx() as connection:
        connection.sendall(b"GET /login/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200 OK") and re.search(rb"Set-Cookie: csrftoken=[^\r]*Secure", answer)
