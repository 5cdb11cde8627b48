# SPDX-License-Identifier: GPL-3.0-or-later
"""What is posted when, and what the server's answers do to the buffer."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flukso import upload
from flukso.digest import x_digest
from flukso.httpdate import http_date
from flukso.https import TIMEOUT, Answer, HttpsError
from flukso.upload import HEARTBEAT, TUPLES, Uploader, acknowledges, base_path, encode
from tests.daemon.upload_device import (
    BEAT,
    DEVICE,
    GOOD_BEAT,
    KEY,
    OK,
    T0,
    A,
    B,
    Device,
    setup,
    unreachable,
)

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "uploads.json").read_text())


@pytest.mark.parametrize("case", VECTORS["requests"], ids=lambda case: case["id"])
def test_a_request_is_the_vector_s(case):
    device = Device()
    device.uploader = Uploader(setup([case["sensor"]], key=case["key"], version=case["version"]))
    for ts, counter in case["tuples"]:
        device.store.add(case["sensor"], ts, counter)
    request = device.tuples(device.due())[0]
    assert (request.method, request.path, request.body.decode()) == (
        "POST",
        case["path"],
        case["body"],
    )
    assert {name.lower(): value for name, value in request.headers.items()} == case["headers"]


@pytest.mark.parametrize("case", VECTORS["answers"], ids=lambda case: case["id"])
def test_only_a_true_yes_drops_tuples(case):
    device = Device([A]).feed(60)
    device.answer = lambda request: (
        GOOD_BEAT
        if request.kind == HEARTBEAT
        else Answer(case["status"], {}, case["body"].encode())
    )
    device.due()
    assert (len(device.store) == 1) is case["acknowledged"]  # the other sensor keeps its tuple
    assert acknowledges(case["status"], case["body"].encode()) is case["acknowledged"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"ok",
        b"{",
        b'{"response":"OK"}',
        b'["response"]',
        b'"ok"',
        b"\xff",
        b"[" * 60000,
        b'{"response":null}',
    ],
)
def test_a_200_that_says_something_else_is_no_yes(body):
    assert not acknowledges(200, body)


@given(st.integers(100, 599), st.binary(max_size=60))
def test_any_answer_is_judged(status, body):
    assert acknowledges(status, body) in (True, False)


def test_the_first_reading_goes_out_soon_after_the_start():
    device = Device()
    device.store.add(A, device.now(), 7)
    assert device.seconds_to_next() < 11
    first, second = device.due()
    assert (first.kind, second.kind, second.sensor) == (HEARTBEAT, TUPLES, A)
    assert len(device.store) == 0 and device.uploader.acknowledged == 1


def test_uploads_each_interval_from_then_on():
    device = Device()
    device.due()
    begin = device.mono
    for n in range(1, 5):
        device.feed(200)
        sent = device.due()
        assert device.mono == begin + 300 * n
        assert [request.sensor for request in sent] == [A, B]
        assert len(device.store) == 0
    assert device.drain() == []


def test_a_backlog_goes_in_bodies_back_to_back_oldest_first():
    device = Device([A]).feed(1000 * 60)
    bodies = device.tuples(device.due())
    assert len(bodies) == 3 and all(len(request.body) <= upload.BODY_MAX for request in bodies)
    stamps = [ts for request in bodies for ts, _ in request.batch]
    assert stamps == sorted(stamps) and len(stamps) == 1000
    assert [request.whole for request in bodies] == [False, False, True]


def test_the_longest_tuples_fit_a_body():
    batch = [(0xFFFFFFFF - n, 0xFFFFFFFF) for n in range(upload.BATCH)]
    assert len(encode(batch)) <= upload.BODY_MAX
    assert encode([(1, 2), (3, 4)]) == b'{"measurements":[[1,2],[3,4]]}'


def test_readings_that_come_during_an_upload_do_not_make_it_endless():
    device = Device([A]).feed(60)

    def answer(request):
        device.mono += 61
        device.store.add(A, device.now(), int(device.mono))
        return OK if request.kind == TUPLES else GOOD_BEAT

    device.answer = answer
    assert len(device.due()) == 2
    assert len(device.store) > 0


def test_drops_exactly_what_was_acknowledged():
    device = Device([A]).feed(600)
    late = device.now()

    def answer(request):
        if request.kind == TUPLES:
            device.store.add(A, late, 99)
        return OK if request.kind == TUPLES else GOOD_BEAT

    device.answer = answer
    device.due()
    assert [ts for ts, _ in device.store.buffer(A).batch(9)] == [late]


def test_a_heartbeat_at_the_start_and_each_hour():
    device = Device([A], vitals=lambda: {"uptime": 12.7, "memtotal": 30000, "memfree": 2000})
    for _ in range(25):
        device.feed(300)
        device.due()
    beats = [request for request in device.requests if request.kind == HEARTBEAT]
    assert len(beats) == 3 and beats[0].path == "/device/" + DEVICE
    body = json.loads(beats[0].body)
    assert list(body) == [
        "reset",
        "version",
        "uptime",
        "memtotal",
        "memfree",
        "memcached",
        "membuffers",
        "time",
    ]
    assert (body["reset"], body["version"], body["uptime"], body["memcached"]) == (1, 210, 12, 0)
    assert json.loads(beats[1].body)["reset"] == 0
    assert beats[0].headers["X-Digest"] == x_digest(KEY, beats[0].body)


@pytest.mark.parametrize("case", VECTORS["heartbeat_answers"], ids=lambda case: case["id"])
def test_only_a_signed_heartbeat_answer_is_believed(case):
    device = Device([A])
    headers = {} if case["digest"] is None else {"x-digest": case["digest"]}
    device.answer = lambda request: Answer(200, headers, case["body"].encode())
    device.due()
    assert (device.uploader.server_time == 1288290519) is case["good"]
    assert device.uploader.claimed is (case["id"] == "claimed")
    assert device.uploader.claim_number == case.get("claim", 0)
    assert bool(device.events) is not case["good"]


def test_the_server_may_ask_for_another_interval_for_ten_minutes():
    device = Device([A])
    device.due()
    asked = Answer(200, {"x-upload-interval": "20"}, OK.body)
    device.answer = lambda request: asked
    device.feed(300)
    device.due()
    device.answer = lambda request: OK
    waits = []
    for _ in range(33):
        device.feed(int(device.seconds_to_next()), step=10, sensors=[A])
        waits.append(round(device.seconds_to_next()))
        device.due()
    assert device.uploader.interval_s(device.mono) == 300
    times = [request for request in device.requests if request.kind == TUPLES]
    assert 30 <= len(times) <= 36


@pytest.mark.parametrize("text", ["9", "301", "0", "-10", "x", "", "1e2", "00020", "²"])
def test_an_interval_out_of_range_is_not_obeyed(text):
    device = Device([A]).feed(60)
    device.answer = lambda request: Answer(204, {"x-upload-interval": text}, b"")
    device.due()
    assert device.uploader.interval_s(device.mono) == 300


def signed(body, **headers):
    return Answer(200, {"x-digest": x_digest(KEY, body), **headers}, body)


def beats(device, seconds):
    """Let this time go by; returns how long after its beginning each heartbeat was sent."""
    begin, sent = device.mono, []
    while device.uploader.due_at(device.mono) < begin + seconds:
        sent += [device.mono - begin for request in device.due() if request.kind == HEARTBEAT]
    device.mono = begin + seconds
    return sent


def test_a_shown_code_is_asked_after_as_often_as_the_server_wants_uploads():
    device = Device([A])
    device.uploader.code_shown = True
    asked = {"x-upload-interval": "10"}
    device.answer = lambda request: (
        Answer(200, asked, OK.body) if request.kind == TUPLES else signed(BEAT, **asked)
    )
    found = beats(device, 300)
    assert len(found) in (29, 30) and {
        round(b - a) for a, b in zip(found, found[1:], strict=False)
    } == {10}
    device.answer = lambda request: OK if request.kind == TUPLES else signed(BEAT)
    assert len(beats(device, 3600)) == 60  # the ten minutes after it was last asked, and no longer
    device.answer = lambda request: signed(b'{"upgrade":0,"timestamp":1,"claimed":1}', **asked)
    device.mono += 3600
    device.due()
    assert device.uploader.claimed and len(beats(device, 7201)) == 2


def test_an_uploads_answer_brings_the_heartbeat_of_a_shown_code_forward():
    device = Device([A])
    device.uploader.code_shown = True
    device.due()
    device.answer = lambda request: (
        Answer(200, {"x-upload-interval": "10"}, OK.body) if request.kind == TUPLES else GOOD_BEAT
    )
    device.feed(300)
    device.due()
    assert beats(device, 20) == [10.0]


@pytest.mark.parametrize("shown, trouble", [(False, None), (True, 401)])
def test_without_a_code_or_with_refused_heartbeats_they_stay_as_they_are(shown, trouble):
    device = Device([A])
    device.uploader.code_shown = shown
    beat = (
        signed(BEAT, **{"x-upload-interval": "10"})
        if trouble is None
        else Answer(trouble, {"x-upload-interval": "10"}, b"")
    )
    device.answer = lambda request: (
        Answer(200, {"x-upload-interval": "10"}, OK.body) if request.kind == TUPLES else beat
    )
    assert len(device.feed(60).due()) == 2
    assert beats(device, 3000) == []


def test_knows_the_newest_stamp_that_a_server_may_have():
    device = Device([A]).feed(600)
    device.answer = unreachable
    device.due()
    assert device.uploader.newest_sent == 0
    device.answer = lambda request: HttpsError(TIMEOUT, "")
    device.mono += 60
    device.drain()
    assert device.uploader.newest_sent == T0 + 100 + 540


def test_paths_have_the_prefix_of_the_base_url_and_it_is_signed():
    assert [
        base_path(url) for url in ("https://a/", "https://a", "https://a:1/b/c/", "https://a/b")
    ] == ["", "", "/b/c", "/b"]
    device = Device([A], prefix="/b").feed(60)
    assert [request.path for request in device.due()] == ["/b/device/" + DEVICE, "/b/sensor/" + A]


def test_an_idle_uploader_with_no_tuples_stays_quiet():
    device = Device()
    device.due()
    for _ in range(11):
        assert device.due() == []
        assert device.seconds_to_next() == 300


DATES = [
    ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
    ("Sun, 06 Nov 1994 08:49:37 GMT", 784111777),
    ("Tue, 29 Feb 2000 23:59:59 GMT", 951868799),
    ("Fri, 01 Mar 2024 00:00:00 GMT", 1709251200),
    ("Sunday, 06-Nov-94 08:49:37 GMT", None),
    ("Sun Nov  6 08:49:37 1994", None),
    ("Sun, 06 anF 1994 08:49:37 GMT", None),
    ("Sun, 06 Nov 1994 24:49:37 GMT", None),
    ("Sun, 06 Nov 1994 08:49:37 CET", None),
    ("", None),
]


@pytest.mark.parametrize("text, want", DATES)
def test_http_dates(text, want):
    assert http_date(text) == want


@pytest.mark.parametrize(
    "timestamp, noted",
    [(1700000000, 1700000000), ("x", None), ([[[]]], None), ({"a": 1}, None), (None, None)],
)
def test_of_a_heartbeat_s_answer_only_a_number_is_noted(timestamp, noted):
    body = json.dumps({"upgrade": 0, "timestamp": timestamp}).encode()
    device = Device([A])
    device.answer = lambda request: Answer(200, {"x-digest": x_digest(KEY, body)}, body)
    device.due()
    assert device.uploader.server_time == noted


def test_an_answer_that_memory_is_too_short_to_read_acknowledges_nothing(monkeypatch):
    def short(text):
        raise MemoryError

    monkeypatch.setattr(upload.json, "loads", short)
    assert not acknowledges(200, b'{"response":"ok"}')
