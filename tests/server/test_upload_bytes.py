# SPDX-License-Identifier: GPL-3.0-or-later
"""Small uploads are read as a full parser reads them; digests are those of other programs."""

import hashlib
import hmac
from re import _parser as sre_parser

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flukso_server.hot.signer import Signer
from flukso_server.hot.upload_bytes import _HEAD, BYTES_MAX, read_upload

SENSOR = b"0123456789abcdef" * 2
BODY = b'{"measurements":[[1,2]]}'
DIGEST, SIGN = b"ab" * 20, b"cd" * 32
USUAL = [
    b"Host: x",
    b"Content-Length: 24",
    b"X-Version: 1.0",
    b"X-Digest: " + DIGEST,
    b"X-Sign: " + SIGN,
    b"User-Agent: a b",
]


def request(lines=None, body=BODY, first=b"POST /sensor/" + SENSOR + b" HTTP/1.1") -> bytes:
    return b"\r\n".join([first, *(USUAL if lines is None else lines), b"", b""]) + body


def test_reads_the_usual_upload():
    assert read_upload(request()) == (b"/sensor/" + SENSOR, SENSOR.decode(), DIGEST, SIGN, BODY)


@pytest.mark.parametrize("at", range(1, len(BODY) + 1))
def test_says_how_much_of_the_body_is_missing(at):
    assert read_upload(request()[:-at]) == at


def replaced(old: bytes, new: bytes) -> list[bytes]:
    return [line.replace(old, new) for line in USUAL]


OTHERS = [
    pytest.param(request(first=b"GET /sensor/" + SENSOR + b" HTTP/1.1"), id="method"),
    pytest.param(request(first=b"POST /sensor/" + SENSOR + b" HTTP/1.0"), id="old-version"),
    pytest.param(request(first=b"POST /sensor/" + SENSOR + b"?a HTTP/1.1"), id="query"),
    pytest.param(request(first=b"POST /sensor/" + SENSOR.upper() + b" HTTP/1.1"), id="capitals"),
    pytest.param(
        request(replaced(b"Content-Length: 24", b"Content-Length: 23")), id="more-than-one-request"
    ),
    pytest.param(request([*USUAL, b"Content-Length: 24"]), id="two-lengths"),
    pytest.param(request([*USUAL, b"content-length: 5"]), id="two-lengths-in-two-cases"),
    pytest.param(request([*USUAL, b"Content-Length : 5"]), id="a-space-before-the-colon"),
    pytest.param(request([*USUAL, b"Transfer-Encoding: chunked"]), id="chunked"),
    pytest.param(request([*USUAL, b"transfer-encoding: chunked"]), id="chunked-small"),
    pytest.param(request([*USUAL, b"Expect: 100-continue"]), id="expect"),
    pytest.param(request([*USUAL, b"Connection: close"]), id="close"),
    pytest.param(request([*USUAL, b"Upgrade: h2c"]), id="upgrade"),
    pytest.param(request([*USUAL, b" folded"]), id="folded"),
    pytest.param(request([*USUAL, b"A: b\nC: d"]), id="bare-line-feed"),
    pytest.param(request([*USUAL, b"A: b\rC: d"]), id="bare-return"),
    pytest.param(request([*USUAL, b"A: \x00"]), id="nul"),
    pytest.param(request(replaced(b"1.0", b"1.1")), id="other-protocol-version"),
    pytest.param(request([line for line in USUAL if b"Length" not in line]), id="no-length"),
    pytest.param(request(replaced(b": 24", b": 2x")), id="no-number"),
    pytest.param(request(replaced(b": 24", b": 00024")), id="five-digits"),
    pytest.param(request(replaced(DIGEST, DIGEST.upper())), id="digest-in-capitals"),
    pytest.param(request()[:60], id="half-a-head"),
    pytest.param(
        request(replaced(b": 24", b": 9999"))[:-24] + b"x" * (BYTES_MAX + 1), id="too-long"
    ),
    pytest.param(b"", id="nothing"),
]


@pytest.mark.parametrize("data", OTHERS)
def test_leaves_everything_else_to_the_parser(data):
    assert read_upload(data) is None


def test_a_body_that_would_be_held_is_bounded():
    long = request([*USUAL[2:], b"Content-Length: 9999", *[b"A: " + b"x" * 1000] * 8], b"")
    assert read_upload(long) is None


def by_h11(data: bytes):
    """(path, headers, body) of the only request, None when there is anything else."""
    connection = h11.Connection(h11.SERVER)
    if b"\r\nhost:" not in data.lower():  # h11 insists on one; what is read does not depend on it
        data = data.replace(b"\r\n", b"\r\nHost: x\r\n", 1)
    connection.receive_data(data)
    body, head = b"", None
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            break
        else:
            return None
    if head is None or connection.trailing_data[0]:
        return None
    return head.target, dict(head.headers), body


CHANGES = st.lists(
    st.tuples(st.integers(0, len(request()) + 20), st.integers(0, 3), st.binary(max_size=4)),
    min_size=1,
    max_size=3,
)


@given(CHANGES)
def test_what_it_takes_any_parser_reads_the_same(changes):
    data = request()
    for at, gone, added in changes:
        data = data[:at] + added + data[at + gone :]
    found = read_upload(data)
    if isinstance(found, tuple):
        try:
            told = by_h11(data)
        except h11.RemoteProtocolError:
            told = None
        assert told is not None, data
        path, headers, body = told
        assert (found.path, found.body) == (path, body)
        assert (found.digest, found.sign) == (headers.get(b"x-digest"), headers.get(b"x-sign"))


def repeats(pattern):
    """Each repetition in a parsed regular expression: (how, least, most)."""
    for how, told in pattern:
        if "REPEAT" in str(how):
            yield str(how), told[0], told[1]
        for each in told if isinstance(told, tuple | list) else ():
            for part in each if isinstance(each, list) else [each]:
                if isinstance(part, sre_parser.SubPattern):
                    yield from repeats(part)


def test_no_bytes_take_long():
    """What repeats gives nothing back, so a byte is looked at once, whatever comes after it."""
    found = list(repeats(sre_parser.parse(_HEAD.pattern)))
    assert len(found) >= 6
    assert [each for each in found if each[0] != "POSSESSIVE_REPEAT" and each[1] != each[2]] == []
    seen = [how for how, _least, _most in repeats(sre_parser.parse(rb"(?:a|(b*c))++d"))]
    assert seen == ["POSSESSIVE_REPEAT", "MAX_REPEAT"], "those within others are looked at, too"
    bad = request([*USUAL, *[b"A: " + b" " * 50] * 280], b"")[:-3]
    assert BYTES_MAX * 0.9 < len(bad) < BYTES_MAX and read_upload(bad) is None


@given(st.binary(min_size=1, max_size=64), st.binary(max_size=300), st.binary(max_size=300))
def test_digests_are_the_hmacs(key, path, body):
    signer = Signer(key)
    for _ in range(2):  # a state that was used once is still whole
        assert signer.digest(body) == hmac.new(key, body, hashlib.sha1).hexdigest()
        assert (
            signer.sign(path, body)
            == hmac.new(key, path + b"\n" + body, hashlib.sha256).hexdigest()
        )
