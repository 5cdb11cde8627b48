# SPDX-License-Identifier: GPL-3.0-or-later
"""Registration, claim, keys and heartbeats: docs/design/protocols.md §3 and §8."""

import base64
import hashlib
import hmac
import json
import secrets
import time

import pytest

from tests.server.database import ago, count, create, row, rows, update, value
from tools.harness.testbed import Platform
from tools.harness.wait import wait_until

BEAT = {
    "reset": 1,
    "version": 210,
    "uptime": 3600,
    "memtotal": 13148,
    "memfree": 2000,
    "memcached": 300,
    "membuffers": 900,
}

HERE = "tests.server.inside.registration."


class Box:
    """A device that nobody knows yet."""

    def __init__(self):
        self.id, self.key, self.sensor = (
            secrets.token_hex(16),
            secrets.token_hex(16),
            secrets.token_hex(16),
        )

    @property
    def code(self):
        full = hmac.new(self.key.encode(), b"claim " + self.id.encode(), hashlib.sha256).digest()
        return base64.b32encode(full)[:8].decode()


@pytest.fixture
def box(client):
    """One that has registered and bound its sensor."""
    box = Box()
    assert client.post("/device/" + box.id, {"key": box.key}, box.key, sign=True).status == 200
    assert (
        client.post(
            "/sensor/" + box.sensor, {"config": {"device": box.id}}, box.key, sign=True
        ).status
        == 200
    )
    return box


def beat(client, box, sign=True, **more):
    return client.post("/device/" + box.id, BEAT | {"time": int(time.time())} | more, box.key, sign)


def claim(platform, name, *codes):
    return platform.call("tests.server.inside.accounts.claim", name, codes)


def show(platform, box, *fields):
    """These fields of the device; the field itself if it is one alone."""
    shown = row(platform, "devices.Device", *fields, pk=box.id)
    return shown if len(fields) > 1 else shown[0]


def test_a_device_registers_binds_a_sensor_and_uploads(platform, client, box, minute):
    reply = client.upload(box.sensor, [(minute, 5)], box.key, sign=True)
    assert (reply.status, reply.body) == (200, b'{"response":"ok"}')
    assert platform.held(box.sensor) == [(minute, 5)]


def test_the_same_key_again_is_fine_and_another_is_not(client, box):
    other = secrets.token_hex(16)
    assert client.post("/device/" + box.id, {"key": box.key}, box.key, sign=True).status == 200
    reply = client.post("/device/" + box.id, {"key": other}, other, sign=True)
    assert (reply.status, reply.headers["WWW-Authenticate"]) == (401, "Incorrect digest")


def test_a_new_key_that_the_old_one_signs_replaces_it(client, box, minute):
    old, box.key = box.key, secrets.token_hex(16)
    assert client.post("/device/" + box.id, {"key": box.key}, old, sign=True).status == 200
    assert client.upload(box.sensor, [(minute, 1)], box.key, sign=True).status == 200
    assert client.upload(box.sensor, [(minute, 1)], old, sign=True).status == 401


@pytest.mark.parametrize("key", ["", "A" * 32, "a" * 31, 5, None, "g" * 32])
def test_a_key_that_is_none_registers_nothing(client, key):
    box = Box()
    assert client.post("/device/" + box.id, {"key": key}, box.key).status in (400, 401)


def test_a_registration_needs_its_own_digest(client):
    box = Box()
    assert client.post("/device/" + box.id, {"key": box.key}, Box().key).status == 401


def test_an_unknown_device_has_no_heartbeat(client):
    assert beat(client, Box()).status == 401


def test_an_unclaimed_device_has_six_sensors(client, box):
    answers = [
        client.post(
            "/sensor/" + secrets.token_hex(16), {"config": {"device": box.id}}, box.key, sign=True
        ).status
        for _ in range(6)
    ]
    assert answers == [200] * 5 + [401]


def test_the_heartbeats_answer_is_signed(client, box):
    reply = beat(client, box)
    assert reply.json()["upgrade"] == 0 and abs(reply.json()["timestamp"] - time.time()) < 30
    assert (
        reply.headers["X-Digest"]
        == hmac.new(box.key.encode(), reply.body, hashlib.sha1).hexdigest()
    )


def test_a_claimed_device_is_told_so(platform, client, box):
    assert "claimed" not in beat(client, box).json()
    assert claim(platform, "carol", box.code.lower()) == ["claimed"]
    assert beat(client, box, time=int(time.time()) + 5).json()["claimed"] == 1


def test_a_code_is_no_good_before_a_heartbeat_or_twice(platform, client, box):
    assert claim(platform, "dave", box.code) == ["refused"]
    beat(client, box)
    assert claim(platform, "dave", box.code) == ["claimed"]
    assert claim(platform, "erin", box.code) == ["refused"]


def test_five_wrong_codes_an_hour_are_all(platform, client, box):
    beat(client, box)
    wrong = ["AAAAAAA" + letter for letter in "ABCDE"]
    assert claim(platform, "frank", *wrong, box.code) == ["refused"] * 6
    assert claim(platform, "grace", box.code) == ["claimed"]


def test_a_replayed_heartbeat_changes_nothing(platform, client, box):
    now = int(time.time())
    assert beat(client, box, uptime=100, time=now).status == 200
    assert beat(client, box, uptime=10, time=now + 1).status == 200
    assert show(platform, box, "resets", "uptime_s") == [2, 10]
    assert beat(client, box, uptime=100, time=now).status == 200  # the recording
    assert show(platform, box, "resets", "uptime_s", "beat_time") == [2, 10, now + 1]


def test_a_heartbeat_from_the_future_changes_nothing(platform, client, box):
    assert beat(client, box, time=int(time.time()) + 600).status == 200
    assert show(platform, box, "seen", "beat_time") == [None, 0]


def test_a_reset_counts_only_when_the_uptime_fell(platform, client, box):
    now = int(time.time())
    for n, uptime in enumerate((50, 60, 70, 5)):
        assert beat(client, box, uptime=uptime, time=now + n).status == 200
    assert show(platform, box, "resets") == 2


def test_a_historic_heartbeat_needs_no_time(platform, client):
    box = Box()
    assert client.post("/device/" + box.id, {"key": box.key}, box.key).status == 200
    assert client.post("/device/" + box.id, BEAT | {"version": "1.0.0"}, box.key).status == 200
    assert show(platform, box, "version", "uptime_s") == [10000, 3600]


def test_once_signed_always_signed(platform, client, minute):
    box = Box()
    assert client.post("/device/" + box.id, {"key": box.key}, box.key).status == 200
    assert (
        client.post("/sensor/" + box.sensor, {"config": {"device": box.id}}, box.key).status == 200
    )
    assert client.upload(box.sensor, [(minute, 5)], box.key).status == 200
    assert client.upload(box.sensor, [(minute, 5)], box.key, sign=True).status == 200
    assert client.upload(box.sensor, [(minute, 5)], box.key).status == 401
    assert client.post("/device/" + box.id, BEAT, box.key).status == 401
    assert show(platform, box, "sign_required") is True


def test_a_signature_is_good_for_its_path_alone(client, box, minute):
    other = secrets.token_hex(16)
    assert (
        client.post("/sensor/" + other, {"config": {"device": box.id}}, box.key, sign=True).status
        == 200
    )
    path, body = "/sensor/" + box.sensor, json.dumps({"measurements": [[minute, 5]]}).encode()
    sign = hmac.new(box.key.encode(), path.encode() + b"\n" + body, hashlib.sha256).hexdigest()
    assert client.post(path, body, box.key, X_Sign=sign).status == 200
    assert client.post("/sensor/" + other, body, box.key, X_Sign=sign).status == 401


def test_a_lost_key_is_replaced_in_its_owners_window(platform, client, box, minute):
    beat(client, box)
    assert claim(platform, "heidi", box.code) == ["claimed"]
    fresh = Box()
    fresh.id, fresh.sensor = box.id, box.sensor
    assert client.post("/device/" + box.id, {"key": fresh.key}, fresh.key, sign=True).status == 401

    window(platform, box)
    assert client.post("/device/" + box.id, {"key": fresh.key}, fresh.key, sign=True).status == 200
    assert client.upload(box.sensor, [(minute, 1)], fresh.key, sign=True).status == 401, (
        "not before the code"
    )
    assert claim(platform, "ivan", fresh.code) == ["refused"]
    assert claim(platform, "heidi", fresh.code) == ["claimed"]
    wait_until(lambda: client.upload(box.sensor, [(minute, 1)], fresh.key, sign=True).status == 200)
    assert client.upload(box.sensor, [(minute, 1)], box.key, sign=True).status == 401


def test_unclaimed_devices_are_bounded(tmp_path, certificates):
    from tools.harness.device import Client

    with (
        Platform(tmp_path, certificates / "good.pem", FLUKSO_UNCLAIMED_DEVICES_MAX="2") as small,
        Client(small.port, certificates / "ca.crt") as client,
    ):
        boxes = [Box() for _ in range(3)]
        assert [
            client.post("/device/" + box.id, {"key": box.key}, box.key).status for box in boxes
        ] == [200, 200, 401]


def test_a_code_lasts_48_hours_after_a_heartbeat(platform, client, box):
    beat(client, box)

    update(platform, "devices.Device", {"seen": ago(hours=48.01)}, pk=box.id)
    assert claim(platform, "judy", box.code) == ["refused"]
    update(platform, "devices.Device", {"seen": ago(hours=47.9)}, pk=box.id)
    assert claim(platform, "judy", box.code) == ["claimed"]


def test_attempts_are_free_again_after_an_hour(platform, client, box):
    beat(client, box)
    assert (
        claim(platform, "kate", *["AAAAAAA" + letter for letter in "ABCDE"], box.code)
        == ["refused"] * 6
    )
    update(platform, "devices.ClaimAttempt", {"at": ago(minutes=61)})
    assert claim(platform, "kate", box.code) == ["claimed"]


def window(platform, box, minutes=0):
    """Open it as many minutes ago."""

    platform.call(HERE + "open_window", box.id, minutes)


def offer(client, box, sign=True):
    """Post a new key for the device; (status, a box with that key)."""
    fresh = Box()
    fresh.id, fresh.sensor = box.id, box.sensor
    return client.post("/device/" + box.id, {"key": fresh.key}, fresh.key, sign).status, fresh


@pytest.fixture
def claimed(platform, client, box):
    beat(client, box)
    assert claim(platform, "lisa", box.code) == ["claimed"]
    return box


def test_the_window_shuts_after_an_hour(platform, client, claimed):
    window(platform, claimed, minutes=61)
    assert offer(client, claimed)[0] == 401
    window(platform, claimed, minutes=59)
    assert offer(client, claimed)[0] == 200


def test_new_keys_from_one_place_are_few(platform, client, claimed):
    window(platform, claimed)
    answers = [offer(client, claimed) for _ in range(6)]
    assert [status for status, _ in answers] == [200] * 5 + [401]
    assert (
        client.post(
            "/device/" + claimed.id, {"key": answers[0][1].key}, answers[0][1].key, sign=True
        ).status
        == 200
    ), "is there already"
    assert claim(platform, "lisa", answers[4][1].code) == ["claimed"]


@pytest.mark.parametrize("sign", [True, False])
def test_a_new_key_keeps_to_signatures_as_it_came(platform, client, claimed, minute, sign):
    window(platform, claimed)
    fresh = offer(client, claimed, sign)[1]
    assert claim(platform, "lisa", fresh.code) == ["claimed"]

    shown = show(platform, claimed, "sign_required", "rekey_until", "beat_time")
    assert shown == [sign, None, 0]
    wait_until(
        lambda: (
            client.upload(claimed.sensor, [(minute, 1)], fresh.key).status == (401 if sign else 200)
        )
    )


def test_a_claimed_device_has_64_sensors(platform, client, claimed):

    sensors = ["%032x" % (n + (7 << 120)) for n in range(62)]
    create(platform, "devices.Sensor", *({"pk": each, "device_id": claimed.id} for each in sensors))
    answers = [
        client.post(
            "/sensor/" + secrets.token_hex(16),
            {"config": {"device": claimed.id}},
            claimed.key,
            sign=True,
        ).status
        for _ in range(2)
    ]
    assert answers == [200, 401]


@pytest.mark.parametrize("again", [False, True])
def test_a_signed_registration_asks_for_signatures_from_then_on(platform, client, minute, again):
    box = Box()
    if again:
        assert client.post("/device/" + box.id, {"key": box.key}, box.key).status == 200
        assert show(platform, box, "sign_required") is False
    assert client.post("/device/" + box.id, {"key": box.key}, box.key, sign=True).status == 200
    assert show(platform, box, "sign_required") is True
    assert client.post("/device/" + box.id, {"key": box.key}, box.key).status == 401
    assert client.post("/device/" + box.id, BEAT, box.key).status == 401


def test_heartbeats_leave_few_rows(platform, client, box):
    now = int(time.time())
    for n in range(4):
        assert beat(client, box, time=now + n, reset=0, uptime=100 + n).status == 200
    assert beat(client, box, time=now + 4, uptime=1).status == 200

    beats = rows(platform, "devices.Heartbeat", "reset", "uptime_s", device=box.id)
    assert beats == [[True, 100]] and show(platform, box, "resets", "uptime_s") == [1, 1]
    update(platform, "devices.Heartbeat", {"at": ago(minutes=8)})
    assert beat(client, box, time=now + 5, uptime=10).status == 200
    assert count(platform, "devices.Heartbeat", device=box.id) == 2


def test_a_device_that_nobody_claimed_fills_a_fortnight_at_most(platform, client, box, minute):
    old, fresh = (minute - 15 * 86_400, 1), (minute - 13 * 86_400, 2)
    assert client.upload(box.sensor, [old, fresh, (minute, 3)], box.key, sign=True).status == 200
    assert platform.held(box.sensor) == [fresh, (minute, 3)]
    beat(client, box)
    assert claim(platform, "mary", box.code) == ["claimed"]
    wait_until(
        lambda: (
            client.upload(box.sensor, [old], box.key, sign=True).status == 200
            and old in platform.held(box.sensor)
        )
    )

    wait_until(lambda: value(platform, "devices.Sensor", "old_tuples", pk=box.sensor) >= 1, 30)


def test_one_place_registers_so_many_devices_a_day(tmp_path, certificates):
    from tools.harness.device import Client

    def register(client, address):
        box = Box()
        return client.post("/device/" + box.id, {"key": box.key}, box.key, X_Real_IP=address).status

    with (
        Platform(tmp_path, certificates / "good.pem", FLUKSO_BEHIND_PROXY="1") as behind,
        Client(behind.port, certificates / "ca.crt") as client,
    ):
        assert [register(client, f"2001:db8::{n}") for n in range(2)] == [200, 200]

        behind.call(HERE + "register_many", 98, "2001:db8::/64")
        assert [
            register(client, address) for address in ("2001:db8::9", "2001:db8:1::9", "192.0.2.1")
        ] == [401, 200, 200]
        update(behind, "devices.Device", {"created": ago(hours=25)})
        assert register(client, "2001:db8::9") == 200


OFTEN, USUAL = "10", None


def asked(client, box):
    """X-Upload-Interval of a heartbeat's answer and of an upload's, once they agree: the hot path
    hears of changes a little later.
    """
    for _ in range(50):
        now = int(time.time())
        upload = client.post(
            "/sensor/" + box.sensor, {"measurements": [[now, now]]}, box.key, sign=True
        ).headers.get("X-Upload-Interval")
        if upload == beat(client, box).headers.get("X-Upload-Interval"):
            return upload
        time.sleep(0.2)
    raise AssertionError("heartbeat and upload are answered differently")


def test_who_is_being_set_up_and_who_was_just_claimed_is_asked_to_come_often(platform, client, box):
    assert asked(client, box) == OFTEN
    platform.call(HERE + "set_ago", box.id, "unclaimed_since", 61)
    assert asked(client, box) == USUAL
    assert claim(platform, "zoe", box.code) == ["claimed"]
    assert asked(client, box) == OFTEN
    platform.call(HERE + "set_ago", box.id, "claimed", 11)
    assert asked(client, box) == USUAL
