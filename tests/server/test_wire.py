# SPDX-License-Identifier: GPL-3.0-or-later
"""The raw bytes of answers, as historic daemons read them, and what slow, large and broken requests
get.
"""

import hashlib
import hmac
import json
import re
import time

import pytest

from tools.harness.device import DEVICE, KEY, SENSOR, digests

WAIT_S = 300  # for what comes sooner or later on a busy machine
CANONICAL = re.compile(rb"[A-Z][a-z]*(-[A-Z][a-z]*)*|ETag|WWW-Authenticate")
BEAT = b'{"reset":0,"version":210,"uptime":1,"memtotal":1,"memfree":1,"memcached":1,"membuffers":1}'


def request(path: str, body: bytes, method="POST", version="1.1", **more: str) -> bytes:
    headers = (
        digests(KEY, path, body, False)
        | {"Host": "localhost", "Content-Length": str(len(body))}
        | more
    )
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{method} {path} HTTP/{version}\r\n{lines}\r\n".encode() + body


def read_answer(connection) -> tuple[bytes, dict[bytes, bytes], bytes]:
    """Status line, headers by their literal names, body by its length alone: no length, no body."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        assert part, data
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    headers = dict(line.split(b": ", 1) for line in lines)
    while len(body) < int(headers[b"Content-Length"]):
        part = connection.recv(65536)
        assert part
        body += part
    assert len(body) == int(headers[b"Content-Length"])
    return status, headers, body


def upload(minute: int) -> bytes:
    return json.dumps({"measurements": [[minute, 1]]}).encode()


@pytest.mark.parametrize(
    "path, body, status",
    [
        pytest.param("/sensor/" + SENSOR, b'{"measurements":[]}', b"200 OK", id="upload"),
        pytest.param("/device/" + DEVICE, BEAT, b"200 OK", id="heartbeat"),
        pytest.param(
            "/sensor/" + SENSOR, b'{"config":{"class":"analog"}}', b"204 No Content", id="config"
        ),
        pytest.param("/sensor/" + SENSOR, b"{", b"400 Bad Request", id="malformed"),
        pytest.param(
            "/sensor/" + "c" * 32, b'{"measurements":[]}', b"401 Unauthorized", id="unknown"
        ),
        pytest.param("/sensor/x", b"{}", b"404 Not Found", id="no-path"),
    ],
)
def test_headers_are_spelled_as_historic_daemons_look_for_them(connect, path, body, status):
    connection = connect()
    connection.sendall(request(path, body))
    line, headers, answer = read_answer(connection)
    assert line == b"HTTP/1.1 " + status
    assert all(CANONICAL.fullmatch(name) for name in headers), headers
    assert b"Transfer-Encoding" not in headers
    assert (
        headers[b"Cache-Control"] == b"no-store" and headers[b"Referrer-Policy"] == b"no-referrer"
    )
    if status.startswith(b"401"):
        assert headers[b"WWW-Authenticate"] == b"No proper provisioning for this sensor"
    if path.startswith("/device"):
        assert (
            headers[b"X-Digest"].decode()
            == hmac.new(KEY.encode(), answer, hashlib.sha1).hexdigest()
        )


def test_an_upload_is_answered_in_one_piece(connect, minute):
    connection = connect()
    connection.sendall(request("/sensor/" + SENSOR, upload(minute)))
    assert connection.recv(65536).endswith(b'\r\n\r\n{"response":"ok"}')


def test_a_body_that_follows_its_head(connect, minute):
    connection = connect()
    for count in range(2):
        whole = request("/sensor/" + SENSOR, upload(minute - count))
        at = whole.index(b"\r\n\r\n") + 4
        for part in (whole[:at], whole[at : at + 5], whole[at + 5 :]):
            connection.sendall(part)
            time.sleep(0.05)  # so that each arrives alone
        assert read_answer(connection)[0] == b"HTTP/1.1 200 OK"


def test_a_request_byte_by_byte(connect, minute):
    connection = connect()
    for byte in request("/sensor/" + SENSOR, upload(minute)):
        connection.sendall(bytes([byte]))
    assert read_answer(connection)[0] == b"HTTP/1.1 200 OK"


def test_many_requests_at_once_are_answered_in_order(connect, minute):
    connection = connect()
    wanted = [b"200 OK", b"400 Bad Request", b"401 Unauthorized", b"204 No Content", b"200 OK"] * 4
    bodies = {
        b"200 OK": request("/sensor/" + SENSOR, upload(minute)),
        b"400 Bad Request": request("/sensor/" + SENSOR, b"{}"),
        b"401 Unauthorized": request("/sensor/" + SENSOR, b"{}", **{"X-Digest": "0" * 40}),
        b"204 No Content": request("/sensor/" + SENSOR, b'{"config":{}}'),
    }
    connection.sendall(b"".join(bodies[status] for status in wanted))
    stream = connection.makefile("rb")
    for status in wanted:
        assert stream.readline().strip() == b"HTTP/1.1 " + status
        length = 0
        while (line := stream.readline().strip()) != b"":
            if line.startswith(b"Content-Length: "):
                length = int(line.split()[1])
        stream.read(length)


def test_http_1_0_is_answered_and_closed(connect, minute):
    connection = connect()
    connection.sendall(request("/sensor/" + SENSOR, upload(minute), version="1.0"))
    line, headers, _ = read_answer(connection)
    assert line.endswith(b"200 OK") and headers[b"Connection"] == b"close"
    assert connection.recv(1) == b""


def test_a_connection_that_is_to_close_is_closed(connect, minute):
    connection = connect()
    connection.sendall(request("/sensor/" + SENSOR, upload(minute), Connection="close"))
    assert read_answer(connection)[1][b"Connection"] == b"close"
    assert connection.recv(1) == b""


def test_expecting_100_continue(connect, minute):
    connection = connect()
    whole = request("/sensor/" + SENSOR, upload(minute), Expect="100-continue")
    head, _, body = whole.partition(b"\r\n\r\n")
    connection.sendall(head + b"\r\n\r\n")
    assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.sendall(body)
    assert read_answer(connection)[0] == b"HTTP/1.1 200 OK"


def test_a_chunked_upload_is_taken(platform, connect, minute):
    body = json.dumps({"measurements": [[minute - 7200, 77]]}).encode()
    headers = "".join(
        f"{name}: {value}\r\n" for name, value in digests(KEY, "/", body, False).items()
    )
    connection = connect()
    connection.sendall(
        f"POST /sensor/{SENSOR} HTTP/1.1\r\nHost: x\r\n{headers}Transfer-Encoding: "
        f"chunked\r\n\r\n".encode()
    )
    for at in range(0, len(body), 10):
        part = body[at : at + 10]
        connection.sendall(b"%x\r\n%b\r\n" % (len(part), part))
    connection.sendall(b"0\r\n\r\n")
    assert read_answer(connection)[0] == b"HTTP/1.1 200 OK"
    assert (minute - 7200, 77) in platform.held(SENSOR)


def test_a_body_that_is_too_long_is_refused_before_it_comes(connect):
    connection = connect()
    connection.sendall(
        f"POST /sensor/{SENSOR} HTTP/1.1\r\nHost: x\r\nContent-Length: "
        f"{(1 << 20) + 1}\r\n\r\n".encode()
    )
    line, headers, _ = read_answer(connection)
    assert line == b"HTTP/1.1 413 Request Entity Too Large" or line.startswith(b"HTTP/1.1 413")
    assert headers[b"Connection"] == b"close" and connection.recv(1) == b""


def test_a_body_that_never_ends_is_refused_at_the_limit(connect):
    connection = connect()
    connection.sendall(
        f"POST /sensor/{SENSOR} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    )
    chunk = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
    connection.sendall(chunk * 33)
    line, headers, _ = read_answer(connection)
    assert line.startswith(b"HTTP/1.1 413 ") and headers[b"Connection"] == b"close"
    until = time.monotonic() + WAIT_S
    with pytest.raises(OSError):
        while time.monotonic() < until:
            connection.sendall(chunk)


def test_a_long_body_for_an_unknown_sensor_is_not_read(connect):
    connection = connect()
    connection.sendall(
        f"POST /sensor/{'c' * 32} HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n".encode()
    )
    line, headers, _ = read_answer(connection)
    assert line == b"HTTP/1.1 401 Unauthorized" and headers[b"Connection"] == b"close"


def test_a_megabyte_is_taken(platform, connect, minute):
    first = minute - 40_000 * 60
    body = json.dumps(
        {"measurements": [[first + 60 * n, n] for n in range(40_000)]}, separators=(",", ":")
    ).encode()
    assert len(body) < 1 << 20
    connection = connect()
    connection.sendall(request("/sensor/" + SENSOR, body))
    assert read_answer(connection)[0] == b"HTTP/1.1 200 OK"
    held = dict(platform.held(SENSOR))
    assert held[first] == 0 and held[first + 60 * 39_000] == 39_000


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(b"\r\n\r\n\r\nnonsense\r\n\r\n", id="nonsense"),
        pytest.param(
            b"POST /sensor/%b HTTP/1.1\r\nContent-Length: -1\r\n\r\n" % SENSOR.encode(),
            id="negative-length",
        ),
        pytest.param(
            b"POST /sensor/%b HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"
            % SENSOR.encode(),
            id="two-lengths",
        ),
        pytest.param(
            b"POST /sensor/\xff HTTP/1.1\r\nContent-Length: 0\r\n\r\n", id="url-not-ascii"
        ),
        pytest.param(b"GET http:// HTTP/1.1\r\nHost: x\r\n\r\n", id="bad-url"),
        pytest.param(b"X" * 100_000 + b"\r\n\r\n", id="endless-method"),
    ],
)
def test_what_is_no_http_is_refused(connect, wire):
    connection = connect()
    connection.sendall(wire)
    line, headers, body = read_answer(connection)
    assert re.match(rb"HTTP/1.1 (400|404|401|431) ", line) and list(json.loads(body)) == ["error"]
    assert all(CANONICAL.fullmatch(name) for name in headers), headers


@pytest.mark.slow
@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"POST /sensor/",
        b"POST /sensor/%b HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{" % SENSOR.encode(),
    ],
)
def test_a_slow_request_is_given_up(connect, sent):
    connection = connect()
    connection.sendall(sent)
    connection.settimeout(WAIT_S)
    began = time.monotonic()
    line, _, body = read_answer(connection)
    assert line.startswith(b"HTTP/1.1 408 ") and list(json.loads(body)) == ["error"]
    assert time.monotonic() - began > 25, "not before its time"
