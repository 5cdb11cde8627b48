# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP reader of the MicroPython port: any answer, in pieces of any size, is read or refused,
and nothing else happens.
"""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flukso.http import CHUNKS_MAX, AnswerReader, Closed, encode_request
from flukso.https import BODY_MAX, HEADERS_MAX, LINE_MAX, PROTOCOL, HttpsError

OK = b"HTTP/1.1 200 OK\r\n"


def read(raw: bytes, piece: int = 4096):
    """The answer, and whether the connection may be asked again."""
    pieces = [raw[at : at + piece] for at in range(0, len(raw), piece)]

    async def more():
        return pieces.pop(0) if pieces else b""

    reader = AnswerReader(more)
    return asyncio.run(reader.answer()), reader.reusable


GOOD = [  # id, bytes, status, body, reusable
    ("length", OK + b"Content-Length: 2\r\n\r\nok", 200, b"ok", True),
    ("no-body", b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", True),
    ("close", OK + b"Connection: Close\r\ncontent-length: 2\r\n\r\nok", 200, b"ok", False),
    ("old", b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, b"ok", False),
    ("to-the-end", OK + b"\r\nok", 200, b"ok", False),
    ("more-than-asked", OK + b"Content-Length: 2\r\n\r\nokHTTP", 200, b"ok", False),
    (
        "chunked",
        OK + b"Transfer-Encoding: chunked\r\n\r\n1;a=b\r\no\r\n01\r\nk\r\n0\r\nX: y\r\n\r\n",
        200,
        b"ok",
        True,
    ),
    (
        "interim",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n",
        200,
        b"",
        True,
    ),
    ("bare-newlines", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", 200, b"ok", True),
    ("no-reason", b"HTTP/1.1 503\r\nContent-Length: 0\r\n\r\n", 503, b"", True),
    (
        "same-length-twice",
        OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok",
        200,
        b"ok",
        True,
    ),
]


@pytest.mark.parametrize(
    "raw, status, body, reusable", [pytest.param(*case[1:], id=case[0]) for case in GOOD]
)
@pytest.mark.parametrize("piece", [1, 7, 4096])
def test_reads(raw, status, body, reusable, piece):
    answer, kept = read(raw, piece)
    assert (answer.status, answer.body) == (status, body)
    if "more-than" not in str(raw) and piece == 4096:
        assert kept == reusable


BAD = [
    ("half-status", b"HTTP/1.1 2"),
    ("half-head", OK + b"Content-Length: 2\r\n"),
    ("half-body", OK + b"Content-Length: 20\r\n\r\nok"),
    ("not-http", b"SSH-2.0-OpenSSH\r\n\r\n"),
    ("http-2", b"HTTP/2 200\r\n\r\n"),
    ("status-word", b"HTTP/1.1 two OK\r\n\r\n"),
    ("status-999", b"HTTP/1.1 999 OK\r\n\r\n"),
    ("two-lengths", OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nokk"),
    ("list-of-lengths", OK + b"Content-Length: 2, 2\r\n\r\nok"),
    ("negative", OK + b"Content-Length: -2\r\n\r\nok"),
    ("huge", OK + b"Content-Length: %d\r\n\r\n" % (BODY_MAX + 1) + b"x" * (BODY_MAX + 1)),
    ("endless", OK + b"\r\n" + b"x" * (BODY_MAX + 1)),
    ("long-line", OK + b"X: " + b"x" * (LINE_MAX + 5000) + b"\r\n\r\n"),
    ("many-headers", OK + b"X: y\r\n" * (HEADERS_MAX + 1) + b"\r\n"),
    ("no-colon", OK + b"nonsense\r\n\r\n"),
    ("blank-in-name", OK + b"Content-Length : 2\r\n\r\nok"),
    ("folded", OK + b"X: a\r\n b\r\n\r\n"),
    ("gzip", OK + b"Transfer-Encoding: gzip\r\n\r\nok"),
    ("bad-chunk", OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
    ("chunk-too-long", OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nok\r\n0\r\n\r\n"),
    ("chunks-too-big", OK + b"Transfer-Encoding: chunked\r\n\r\nffffffff\r\n"),
    (
        "too-many-chunks",
        OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * (CHUNKS_MAX + 1),
    ),
    ("chunks-cut", OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"),
    ("only-interim", b"HTTP/1.1 100 Continue\r\n\r\n" * 9),
]


@pytest.mark.parametrize("raw", [pytest.param(raw, id=name) for name, raw in BAD])
@pytest.mark.parametrize("piece", [3, 4096])
def test_refuses(raw, piece):
    with pytest.raises(HttpsError) as caught:
        read(raw, piece)
    assert caught.value.kind == PROTOCOL and not isinstance(caught.value, Closed)


def test_tells_a_connection_that_was_closed_from_a_cut_answer():
    with pytest.raises(Closed):
        read(b"")


@given(st.binary(max_size=300), st.integers(1, 50))
def test_any_bytes_are_an_answer_or_a_protocol_error(raw, piece):
    for head in (
        b"",
        OK,
        OK + b"Transfer-Encoding: chunked\r\n\r\n",
        OK + b"Content-Length: 5\r\n\r\n",
    ):
        try:
            answer, _ = read(head + raw, piece)
            assert len(answer.body) <= BODY_MAX and 100 <= answer.status < 600
        except HttpsError as error:
            assert error.kind == PROTOCOL


def test_writes_a_request_in_one_order():
    raw = encode_request("POST", "h:1", "/sensor/a", {"X-Version": "1.0", "Accept": "a"}, b"{}")
    assert (
        raw == b"POST /sensor/a HTTP/1.1\r\nHost: h:1\r\nAccept: a\r\nX-Version: "
        b"1.0\r\nContent-Length: 2\r\n\r\n{}"
    )


@pytest.mark.parametrize(
    "path, headers",
    [("/a b", {}), ("a", {}), ("/a", {"X": "a\r\nY: b"}), ("/a\r\n", {}), ("/a", {"X\n": "a"})],
)
def test_refuses_a_request_that_would_break_the_lines(path, headers):
    with pytest.raises(ValueError):
        encode_request("GET", "h", path, headers, b"")
