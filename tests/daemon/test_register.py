# SPDX-License-Identifier: GPL-3.0-or-later
"""Registration: the key first, then each sensor; and what refusals and troubles change."""

import json
from pathlib import Path

import pytest

from flukso import config, register
from flukso.digest import x_digest, x_sign
from flukso.https import Answer, HttpsError
from tests.daemon.fake_port import CONFIG, DEVICE, IDS, KEY

DIGESTS = json.loads((Path(__file__).parents[1] / "vectors/digests.json").read_text())
SETTINGS = config.parse(
    CONFIG.replace("option upload_interval 300", "option upload_interval 300\n\toption register 1")
)
OK = Answer(200, {}, b'{"response":"ok"}')


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in DIGESTS["claim"]])
def test_claim_codes(case):
    assert register.claim_code(case["device"], case["key"], case.get("number", 0)) == case["code"]


def registrar(settings=SETTINGS):
    return register.Registrar(settings, 210, 0.0)


def test_the_key_goes_first_then_every_sensor_signed():
    it = registrar()
    assert not it.ready()
    request = it.next_request(0)
    assert request.path == "/device/" + DEVICE and json.loads(request.body) == {"key": KEY}
    assert request.headers["X-Digest"] == x_digest(KEY, request.body)
    assert request.headers["X-Sign"] == x_sign(KEY, request.path, request.body)
    assert it.answered(request, OK, 1) is None
    bound = []
    while (request := it.next_request(1)) is not None:
        bound.append(request)
        event = it.answered(request, Answer(204, {}, b""), 1)
    assert [request.path for request in bound] == ["/sensor/" + IDS[0], "/sensor/" + IDS[3]]
    clamp = {"voltage": 230, "current": 50, "phase": 1, "constant": 5163.5, "enable": 1}
    assert json.loads(bound[0].body)["config"] == {
        "device": DEVICE,
        "class": "analog",
        "type": "electricity",
        **clamp,
    }
    assert it.ready() and it.done() and event.level == "info"


def test_without_the_option_nothing_is_registered():
    it = registrar(config.parse(CONFIG))
    assert it.ready() and it.done() and it.next_request(0) is None


def test_trouble_is_tried_again_with_growing_pauses_and_said_once():
    it = registrar()
    pauses, events, now = [], [], 0.0
    for _ in range(10):
        request = it.next_request(now)
        events.append(it.failed(request, HttpsError("unreachable", "nobody there"), now))
        pauses.append(it.due_at(now) - now)
        assert it.next_request(now) is None and not it.ready()
        now = it.due_at(now)
    assert pauses[:3] == [30, 60, 120] and max(pauses) == register.RETRY_MAX_S
    assert [event for event in events if event] == events[:1]


def test_a_server_that_asks_to_come_back_later_is_heeded():
    it = registrar()
    busy = Answer(503, {"retry-after": "250"}, b"")
    it.answered(it.next_request(0), busy, 0.0)
    assert it.due_at(0) == 250 and it.next_request(249) is None
    it.answered(it.next_request(250), Answer(503, {"retry-after": "1"}, b""), 250.0)
    assert it.due_at(250) == 250 + 60


def test_a_refused_device_may_still_upload_and_asks_again_hourly():
    it = registrar()
    event = it.answered(
        it.next_request(0), Answer(401, {"www-authenticate": "Incorrect digest"}, b""), 0
    )
    assert "401" in event.text and "Incorrect digest" in event.text
    assert it.ready() and not it.done() and it.next_request(100) is None
    assert it.next_request(register.REFUSED_S).path == "/device/" + DEVICE


def test_a_refused_sensor_does_not_hold_up_the_other():
    it = registrar()
    it.answered(it.next_request(0), OK, 0)
    it.answered(it.next_request(0), Answer(401, {}, b""), 0)
    request = it.next_request(0)
    assert request.path == "/sensor/" + IDS[3]
    it.answered(request, OK, 0)
    assert it.next_request(0).path == "/sensor/" + IDS[0]
    it.answered(it.next_request(0), Answer(401, {}, b""), 0)
    assert it.next_request(1) is None and it.next_request(register.REFUSED_S) is not None


def test_a_device_that_the_server_dropped_registers_again_once_an_hour():
    it = registrar()
    while (request := it.next_request(0)) is not None:
        it.answered(request, OK, 0)
    it.refused_elsewhere(10)
    assert not it.ready() and [each.path for each in _all_requests(it, 10)] == [
        "/device/" + DEVICE,
        "/sensor/" + IDS[0],
        "/sensor/" + IDS[3],
    ]
    it.refused_elsewhere(11)
    assert it.done(), "refused all the same: not again at once"
    it.refused_elsewhere(10 + register.REFUSED_S)
    assert not it.done()


def _all_requests(it, mono):
    while (request := it.next_request(mono)) is not None:
        yield request
        it.answered(request, OK, mono)


def test_without_the_option_a_refusal_changes_nothing():
    it = registrar(config.parse(CONFIG))
    it.refused_elsewhere(10)
    assert it.done()
