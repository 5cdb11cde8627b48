# SPDX-License-Identifier: GPL-3.0-or-later
"""Uploads and digests on either interpreter, by the shared vectors."""

import json
from binascii import unhexlify

from flukso.backlog import Store
from flukso.digest import hmac, same, x_digest, x_sign
from flukso.httpdate import http_date
from flukso.https import Answer, HttpsError, parse_url
from flukso.register import claim_code
from flukso.upload import HEARTBEAT, TUPLES, Setup, Uploader, acknowledges

VECTORS = __file__.rpartition("/")[0] + "/../../vectors/"
KEY = "0" * 32
A = "a" * 32


def vectors(name):
    with open(VECTORS + name + ".json") as file:
        return json.load(file)


def zeros(count):
    return bytes(count)


def test_digests():
    import hashlib

    found = vectors("digests")
    for case in found["x_digest"]:
        assert x_digest(case["key"], unhexlify(case["body_hex"])) == case["digest"], case["id"]
    for case in found["x_sign"]:
        assert x_sign(case["key"], case["path"], unhexlify(case["body_hex"])) == case["sign"], case[
            "id"
        ]
    for case in found["hmac_sha1"]:
        key, body = unhexlify(case["key_hex"]), unhexlify(case["body_hex"])
        assert hmac(hashlib.sha1, key, body) == unhexlify(case["digest"]), case["id"]
    assert same("abc", "abc") and not same("abc", "abd") and not same("abc", "ab")


def test_claim_codes():
    for case in vectors("digests")["claim"]:
        number = case.get("number", 0)
        assert claim_code(case["device"], case["key"], number) == case["code"], case["id"]


def test_a_signed_answer_tells_the_claim_number():
    for case in vectors("uploads")["heartbeat_answers"]:
        uploader = Uploader(setup([A], case["key"], 210))
        beat = uploader.next_request(Store(), 1, 20.0)
        headers = {} if case["digest"] is None else {"x-digest": case["digest"]}
        uploader.answered(beat, Answer(200, headers, case["body"].encode()), 20.0, None)
        assert uploader.claim_number == case.get("claim", 0), case["id"]


def test_an_unfinished_answer_acknowledges_nothing():
    assert acknowledges(200, b' {"response":"ok"}\n')
    for body in (
        b'{"response":"ok"',
        b'{"response":"ok",',
        b'"ok"',
        b"{}",
        b"",
        b'["response"]',
        b"}",
    ):
        assert not acknowledges(200, body), body


def setup(sensors, key, version):
    return Setup("d" * 32, key, version, 300, sensors, "", zeros, dict)


def test_requests():
    for case in vectors("uploads")["requests"]:
        store = Store()
        for ts, counter in case["tuples"]:
            store.add(case["sensor"], ts, counter)
        uploader = Uploader(setup([case["sensor"]], case["key"], case["version"]))
        beat = uploader.next_request(store, 1700000000, 100.0)
        assert beat.kind == HEARTBEAT and json.loads(beat.body.decode())["time"] == 1700000000
        uploader.failed(beat, HttpsError("unreachable", "away"), 100.0)
        request = uploader.next_request(store, 1700000000, 100.0)
        assert (request.kind, request.path, request.body.decode()) == (
            TUPLES,
            case["path"],
            case["body"],
        )
        headers = {}
        for name in request.headers:
            headers[name.lower()] = request.headers[name]
        assert headers == case["headers"], case["id"]


def test_answers():
    for case in vectors("uploads")["answers"]:
        assert acknowledges(case["status"], case["body"].encode()) is case["acknowledged"], case[
            "id"
        ]
    for body in (b"", b"\xff\xfe", b"[" * 5000, b'"ok"', b"{", b"null", b'{"response":1}'):
        assert not acknowledges(200, body)


def test_an_outage_and_its_end():
    store = Store()
    uploader = Uploader(setup([A], KEY, 210))
    for n in range(2000):
        store.add(A, 1700000000 + 61 * n, n)
    mono = 100.0
    for _ in range(30):
        mono = max(mono, uploader.due_at(mono))
        request = uploader.next_request(store, 1700000000, mono)
        if request is not None:
            uploader.failed(request, HttpsError("timeout", "slow"), mono)
    assert uploader.due_at(mono) - mono <= 3600
    mono += 3600
    total = 0
    while len(store):
        request = uploader.next_request(store, 1700000000, mono)
        assert len(request.body) <= 8192
        if request.kind == TUPLES:
            total += len(request.batch)
        uploader.answered(
            request, Answer(200, {"retry-after": "x"}, b'{"response":"ok"}'), mono, store
        )
    assert total == 2000 and uploader.acknowledged == 2000


def test_texts():
    assert http_date("Sun, 06 Nov 1994 08:49:37 GMT") == 784111777
    assert http_date("Sun, 06 Nov 1994") is None
    assert parse_url("https://[::1]:8443/a/") == ("::1", 8443, "/a")
    for url in ("http://a/", "https://", "https://a:0/", "https://u@a/"):
        try:
            parse_url(url)
        except ValueError:
            continue
        raise AssertionError(url)
