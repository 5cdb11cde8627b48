# SPDX-License-Identifier: GPL-3.0-or-later
"""What is posted when, and what the server's answers do to the buffer."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flukso import upload
from flukso.buffer import Store
from flukso.digest import x_digest
from flukso.https import PROTOCOL, TIMEOUT, UNREACHABLE, Answer, HttpsError
from flukso.upload import HEARTBEAT, TUPLES, Uploader, acknowledges, base_path, encode, http_date

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "uploads.json").read_text())
DEVICE, KEY = "d" * 32, "00112233445566778899aabbccddeeff"
A, B = "a" * 32, "b" * 32
T0 = 1_700_000_000
OK = Answer(200, {}, b'{"response":"ok"}')
BEAT = b'{"upgrade":0,"timestamp":1700000000}'
GOOD_BEAT = Answer(200, {"x-digest": x_digest(KEY, BEAT)}, BEAT)


def zeros(count):
    return bytes(count)


class Device:
    """An uploader with its store and a clock; `answers` says what the server does with each request."""

    def __init__(self, sensors=(A, B), interval_s=300, random=zeros, **options):
        self.mono = 100.0
        self.store = Store()
        self.uploader = Uploader(DEVICE, KEY, 210, interval_s, sensors, random, mono=self.mono, **options)
        self.answer = lambda request: OK if request.kind == TUPLES else GOOD_BEAT
        self.requests, self.events = [], []

    def now(self):
        return T0 + int(self.mono)

    def feed(self, seconds, step=60, sensors=(A, B)):
        for ts in range(self.now(), self.now() + seconds, step):
            for sensor in sensors:
                self.store.add(sensor, ts, ts - T0)
        self.mono += seconds
        return self

    def due(self):
        """Wait until something is due, then take and answer requests until there is none."""
        self.mono = max(self.mono, self.uploader.due_at(self.mono))
        return self.drain()

    def drain(self):
        taken = []
        while True:
            request = self.uploader.next_request(self.store, self.now(), self.mono)
            if request is None:
                break
            taken.append(request)
            answer = self.answer(request)
            if isinstance(answer, Exception):
                event = self.uploader.failed(request, answer, self.mono)
            else:
                event = self.uploader.answered(request, answer, self.mono, self.store)
            if event is not None:
                self.events.append(event)
        self.requests += taken
        return taken

    def tuples(self, requests):
        return [request for request in requests if request.kind == TUPLES]

    def seconds_to_next(self):
        return self.uploader.due_at(self.mono) - self.mono


@pytest.mark.parametrize("case", VECTORS["requests"], ids=lambda case: case["id"])
def test_a_request_is_the_vector_s(case):
    device = Device()
    device.uploader = Uploader(DEVICE, case["key"], case["version"], 300, [case["sensor"]], zeros)
    for ts, counter in case["tuples"]:
        device.store.add(case["sensor"], ts, counter)
    request = device.tuples(device.due())[0]
    assert (request.method, request.path, request.body.decode()) == ("POST", case["path"], case["body"])
    assert {name.lower(): value for name, value in request.headers.items()} == case["headers"]


@pytest.mark.parametrize("case", VECTORS["answers"], ids=lambda case: case["id"])
def test_only_a_true_yes_drops_tuples(case):
    device = Device([A]).feed(60)
    device.answer = lambda request: GOOD_BEAT if request.kind == HEARTBEAT else Answer(case["status"], {}, case["body"].encode())
    device.due()
    assert (len(device.store) == 1) is case["acknowledged"]  # the other sensor keeps its tuple
    assert acknowledges(case["status"], case["body"].encode()) is case["acknowledged"]


@pytest.mark.parametrize(
    "body", [b"", b"ok", b"{", b'{"response":"OK"}', b'["response"]', b'"ok"', b"\xff", b"[" * 60000, b'{"response":null}']
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


def unreachable(request):
    return HttpsError(UNREACHABLE, "nobody there")


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
    assert waits == [15, 30, 60, 120, 240, 480, 960, 1800, 1800]  # the lower end; the upper one is twice that


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
    ({"retry-after": "Sun, 06 Nov 1994 08:51:37 GMT", "date": "Sun, 06 Nov 1994 08:49:37 GMT"}, 120),
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
    device.answer = lambda request: GOOD_BEAT if request.kind == HEARTBEAT else Answer(status, headers, b"")
    device.due()
    assert device.seconds_to_next() == wait_s


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413])
def test_a_refusal_is_said_once_retried_slowly_and_holds_up_no_other(status):
    device = Device([A, B])
    answers = {A: Answer(status, {"www-authenticate": "Incorrect digest"}, b""), B: OK}
    device.answer = lambda request: GOOD_BEAT if request.kind == HEARTBEAT else answers[request.sensor]
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
    device.answer = lambda request: Answer(400, {}, json.dumps({"error": "x\n\x1b[31m" + "é" * 300}).encode())
    device.due()
    assert all(32 <= ord(c) < 127 and len(event.text) < 200 for event in device.events for c in event.text)


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


def test_a_heartbeat_at_the_start_and_each_hour():
    device = Device([A], vitals=lambda: {"uptime": 12.7, "memtotal": 30000, "memfree": 2000})
    for _ in range(25):
        device.feed(300)
        device.due()
    beats = [request for request in device.requests if request.kind == HEARTBEAT]
    assert len(beats) == 3 and beats[0].path == "/device/" + DEVICE
    body = json.loads(beats[0].body)
    assert list(body) == ["reset", "version", "uptime", "memtotal", "memfree", "memcached", "membuffers", "time"]
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
    assert bool(device.events) is not case["good"]


@pytest.mark.parametrize("trouble", [Answer(500, {}, b""), Answer(401, {}, b""), HttpsError(PROTOCOL, "cut")])
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


def test_flush_tries_at_once_even_in_a_back_off():
    device = Device([A]).feed(600)
    device.answer = unreachable
    device.due()
    device.answer = lambda request: OK
    assert device.drain() == []
    device.uploader.flush(device.mono)
    assert [request.kind for request in device.drain()] == [TUPLES]
    assert len(device.store.buffer(A)) == 0


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
    assert [base_path(url) for url in ("https://a/", "https://a", "https://a:1/b/c/", "https://a/b")] == ["", "", "/b/c", "/b"]
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


ANSWERS = st.one_of(
    st.builds(
        Answer,
        st.integers(100, 599),
        st.dictionaries(
            st.sampled_from(["retry-after", "date", "x-upload-interval", "x-digest", "www-authenticate"]), st.text(max_size=30), max_size=3
        ),
        st.binary(max_size=80),
    ),
    st.just(OK),
    st.just(GOOD_BEAT),
    st.builds(HttpsError, st.sampled_from([UNREACHABLE, TIMEOUT, PROTOCOL]), st.text(max_size=20)),
)


@given(st.lists(st.tuples(ANSWERS, st.integers(0, 4000)), max_size=40), st.binary(min_size=2, max_size=2))
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
    """A clock that jumps meanwhile must not re-date what the server may be storing at this moment."""
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
