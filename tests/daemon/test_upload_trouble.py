# SPDX-License-Identifier: GPL-3.0-or-later
"""What is posted when while the server is in trouble, and that nothing is lost by it."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flukso import upload
from flukso.https import PROTOCOL, TIMEOUT, UNREACHABLE, Answer, HttpsError
from flukso.upload import HEARTBEAT, TUPLES, acknowledges
from tests.daemon.upload_device import GOOD_BEAT, OK, T0, A, B, Device, unreachable, zeros


def test_backs_off_to_an_hour_with_jitter_and_keeps_everything():
    spans = []
    for random in (zeros, lambda count: b"\xff" * count):
        device = Device([A], random=random).feed(6000)
        device.answer = unreachable
        waits = []
        for _ in range(12):
            sent = device.tuples(device.due())
            if sent:
                waits.append(device.seconds_to_next())
        spans.append(waits)
        assert device.store.buffer(A).batch(1000)[0] == (T0 + 100, 100)
    assert max(spans[0]) <= 3600 and max(spans[1]) <= 3600
    device = Device([A]).feed(6000)
    device.answer = lambda request: unreachable(request) if request.kind == TUPLES else GOOD_BEAT
    device.due()
    waits = []
    for _ in range(9):
        waits.append(device.uploader._hold_until - device.mono)
        device.mono = device.uploader._hold_until
        device.drain()
    # the lower end; the upper one is twice that
    assert waits == [
        15,
        30,
        60,
        120,
        240,
        480,
        960,
        1800,
        1800,
    ]


def test_while_the_server_is_away_only_a_small_body_is_tried():
    device = Device([A]).feed(60 * 500)
    device.answer = unreachable
    device.due()
    device.mono += 3600
    assert [len(request.batch) for request in device.tuples(device.drain())] == [upload.PROBE]
    device.mono += 3600
    device.answer = lambda request: OK if request.kind == TUPLES else GOOD_BEAT
    assert [len(request.batch) for request in device.tuples(device.drain())] == [
        upload.PROBE,
        upload.BATCH,
        500 - upload.PROBE - upload.BATCH,
    ]


RETRIES = [
    ({"retry-after": "120"}, 120),
    ({"retry-after": "7200"}, 7200),
    ({"retry-after": " 99999999 "}, upload.RETRY_AFTER_MAX_S),
    (
        {"retry-after": "Sun, 06 Nov 1994 08:51:37 GMT", "date": "Sun, 06 Nov 1994 08:49:37 GMT"},
        120,
    ),
    ({"retry-after": "Sun, 06 Nov 1994 08:51:37 GMT"}, 15),
    ({"retry-after": "soon"}, 15),
    ({"retry-after": "²"}, 15),
    ({"retry-after": "-5"}, 15),
    ({}, 15),
]


@pytest.mark.parametrize("headers, wait_s", RETRIES)
@pytest.mark.parametrize("status", [429, 500, 503, 301, 200])
def test_honours_retry_after(status, headers, wait_s):
    device = Device([A]).feed(60)
    device.answer = lambda request: (
        GOOD_BEAT if request.kind == HEARTBEAT else Answer(status, headers, b"")
    )
    device.due()
    assert device.seconds_to_next() == wait_s


@pytest.mark.parametrize("status", [401, 404, 405, 410, 451])
def test_a_refusal_is_said_once_retried_slowly_and_holds_up_no_other(status):
    device = Device([A, B])
    answers = {A: Answer(status, {"www-authenticate": "Incorrect digest"}, b""), B: OK}
    device.answer = lambda request: (
        GOOD_BEAT if request.kind == HEARTBEAT else answers[request.sensor]
    )
    tried = []
    for _ in range(36):
        device.feed(300)
        tried += [(device.mono, request.sensor) for request in device.tuples(device.due())]
    assert len([1 for _, sensor in tried if sensor == B]) == 36
    assert [1 for _, sensor in tried if sensor == A] == [1, 1, 1]
    assert [event.level for event in device.events] == ["warning"]
    assert "{}: Incorrect digest".format(status) in device.events[0].text
    assert len(device.store.buffer(B)) == 0 and len(device.store.buffer(A)) > 150
    answers[A] = OK
    device.mono += 4000
    device.drain()
    assert len(device.store) == 0 and device.events[-1].level == "info"


def test_what_a_server_says_is_cut_and_made_printable():
    device = Device([A]).feed(60)
    device.answer = lambda request: Answer(
        400, {}, json.dumps({"error": "x\n\x1b[31m" + "é" * 300}).encode()
    )
    device.due()
    assert all(
        32 <= ord(c) < 127 and len(event.text) < 200 for event in device.events for c in event.text
    )


def test_the_same_trouble_is_said_once():
    device = Device([A]).feed(60)
    device.answer = unreachable
    for _ in range(10):
        device.due()
    assert len(device.events) == 2  # heartbeat and tuples
    device.answer = lambda request: HttpsError(TIMEOUT, "slow")
    device.mono += 4000
    device.drain()
    assert len(device.events) == 4


@pytest.mark.parametrize(
    "trouble", [Answer(500, {}, b""), Answer(401, {}, b""), HttpsError(PROTOCOL, "cut")]
)
def test_a_heartbeat_in_trouble_holds_up_no_tuples(trouble):
    device = Device([A])
    device.answer = lambda request: trouble if request.kind == HEARTBEAT else OK
    for _ in range(24):
        device.feed(300, sensors=[A])
        device.due()
        device.drain()
    assert len(device.store) <= 5
    beats = [request for request in device.requests if request.kind == HEARTBEAT]
    assert 1 <= len(beats) <= 12
    assert all(json.loads(request.body)["reset"] == 1 for request in beats)


def test_flush_tries_at_once_even_in_a_back_off():
    device = Device([A]).feed(600)
    device.answer = unreachable
    device.due()
    device.answer = lambda request: OK
    assert device.drain() == []
    device.uploader.flush(device.mono)
    assert [request.kind for request in device.drain()] == [TUPLES]
    assert len(device.store.buffer(A)) == 0


ANSWERS = st.one_of(
    st.builds(
        Answer,
        st.integers(100, 599),
        st.dictionaries(
            st.sampled_from(
                ["retry-after", "date", "x-upload-interval", "x-digest", "www-authenticate"]
            ),
            st.text(max_size=30),
            max_size=3,
        ),
        st.binary(max_size=80),
    ),
    st.just(OK),
    st.just(GOOD_BEAT),
    st.builds(HttpsError, st.sampled_from([UNREACHABLE, TIMEOUT, PROTOCOL]), st.text(max_size=20)),
)


@given(
    st.lists(st.tuples(ANSWERS, st.integers(0, 4000)), max_size=40),
    st.binary(min_size=2, max_size=2),
)
@settings(deadline=None)
def test_whatever_the_server_does_nothing_is_lost_or_out_of_order(history, noise):
    device = Device([A], random=lambda count: noise)
    fed, got = [], []
    for answer, seconds in history:
        device.store.add(A, device.now(), int(device.mono))
        fed.append((device.now(), int(device.mono)))
        device.mono += seconds + 61
        request = device.uploader.next_request(device.store, device.now(), device.mono)
        if request is None:
            continue
        if isinstance(answer, Exception):
            device.uploader.failed(request, answer, device.mono)
            continue
        device.uploader.answered(request, answer, device.mono, device.store)
        if request.kind == TUPLES and acknowledges(answer.status, answer.body):
            got += request.batch
    left = device.store.buffer(A).batch(1000)
    assert got + left == fed
    assert device.seconds_to_next() <= upload.RETRY_AFTER_MAX_S


def test_stamps_count_as_sent_while_their_request_is_on_its_way():
    """A clock that jumps meanwhile must not re-date what the server may be storing just then."""
    device = Device([A]).feed(600)
    device.mono += 60
    uploader, request = device.uploader, None
    while request is None or request.kind != TUPLES:
        request = uploader.next_request(device.store, T0 + 700, device.mono)
        if request.kind != TUPLES:
            uploader.failed(request, HttpsError(TIMEOUT, ""), device.mono)
    assert uploader.newest_sent == request.batch[-1][0]
    uploader.failed(request, HttpsError("unreachable", ""), device.mono)
    assert uploader.newest_sent == 0
