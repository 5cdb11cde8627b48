# SPDX-License-Identifier: GPL-3.0-or-later
"""Registration, claim, keys and heartbeats: docs/protocols.md §3 and §8."""

import base64
import hashlib
import hmac
import json
import secrets
import time

import pytest

from server.testbed import Platform

BEAT = {"reset": 1, "version": 210, "uptime": 3600, "memtotal": 13148, "memfree": 2000, "memcached": 300, "membuffers": 900}
SHOW = "from devices.models import Device; d = Device.objects.get(pk='{}'); print({})"
CLAIM = """
from django.utils import timezone
from accounts.models import Account
from devices.claims import ClaimError, claim_device
account, _ = Account.objects.get_or_create(username="{name}")
for code in {codes}:
    try:
        print("claimed", claim_device(account, code, timezone.now()).pk)
    except ClaimError as error:
        print("refused", error)
"""


class Box:
    """A device that nobody knows yet."""

    def __init__(self):
        self.id, self.key, self.sensor = secrets.token_hex(16), secrets.token_hex(16), secrets.token_hex(16)

    @property
    def code(self):
        full = hmac.new(self.key.encode(), b"claim " + self.id.encode(), hashlib.sha256).digest()
        return base64.b32encode(full)[:8].decode()


@pytest.fixture
def box(client):
    """One that has registered and bound its sensor."""
    box = Box()
    assert client.post("/device/" + box.id, {"key": box.key}, box.key, sign=True).status == 200
    assert client.post("/sensor/" + box.sensor, {"config": {"device": box.id}}, box.key, sign=True).status == 200
    return box


def beat(client, box, sign=True, **more):
    return client.post("/device/" + box.id, BEAT | {"time": int(time.time())} | more, box.key, sign)


def claim(platform, name, *codes):
    printed = platform.command("shell", "-v0", "-c", CLAIM.format(name=name, codes=list(codes)))
    return [line.split()[0] for line in printed.splitlines()]


def show(platform, box, what):
    return platform.command("shell", "-v0", "-c", SHOW.format(box.id, what)).strip()


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
    answers = [client.post("/sensor/" + secrets.token_hex(16), {"config": {"device": box.id}}, box.key, sign=True).status for _ in range(6)]
    assert answers == [200] * 5 + [401]


def test_the_heartbeats_answer_is_signed(client, box):
    reply = beat(client, box)
    assert reply.json()["upgrade"] == 0 and abs(reply.json()["timestamp"] - time.time()) < 30
    assert reply.headers["X-Digest"] == hmac.new(box.key.encode(), reply.body, hashlib.sha1).hexdigest()


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
    assert show(platform, box, "d.resets, d.uptime_s") == "2 10"
    assert beat(client, box, uptime=100, time=now).status == 200  # the recording
    assert show(platform, box, "d.resets, d.uptime_s, d.beat_time - {}".format(now)) == "2 10 1"


def test_a_heartbeat_from_the_future_changes_nothing(platform, client, box):
    assert beat(client, box, time=int(time.time()) + 600).status == 200
    assert show(platform, box, "d.seen, d.beat_time") == "None 0"


def test_a_reset_counts_only_when_the_uptime_fell(platform, client, box):
    now = int(time.time())
    for n, uptime in enumerate((50, 60, 70, 5)):
        assert beat(client, box, uptime=uptime, time=now + n).status == 200
    assert show(platform, box, "d.resets") == "2"


def test_a_historic_heartbeat_needs_no_time(platform, client):
    box = Box()
    assert client.post("/device/" + box.id, {"key": box.key}, box.key).status == 200
    assert client.post("/device/" + box.id, BEAT | {"version": "1.0.0"}, box.key).status == 200
    assert show(platform, box, "d.version, d.uptime_s") == "10000 3600"


def test_once_signed_always_signed(platform, client, minute):
    box = Box()
    assert client.post("/device/" + box.id, {"key": box.key}, box.key).status == 200
    assert client.post("/sensor/" + box.sensor, {"config": {"device": box.id}}, box.key).status == 200
    assert client.upload(box.sensor, [(minute, 5)], box.key).status == 200
    assert client.upload(box.sensor, [(minute, 5)], box.key, sign=True).status == 200
    assert client.upload(box.sensor, [(minute, 5)], box.key).status == 401
    assert client.post("/device/" + box.id, BEAT, box.key).status == 401
    assert show(platform, box, "d.sign_required") == "True"


def test_a_signature_is_good_for_its_path_alone(client, box, minute):
    other = secrets.token_hex(16)
    assert client.post("/sensor/" + other, {"config": {"device": box.id}}, box.key, sign=True).status == 200
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
    open_window = "from django.utils import timezone; from devices.claims import *; "
    platform.command("shell", "-v0", "-c", open_window + f"open_rekey_window(Device.objects.get(pk='{box.id}'), timezone.now())")
    assert client.post("/device/" + box.id, {"key": fresh.key}, fresh.key, sign=True).status == 200
    assert client.upload(box.sensor, [(minute, 1)], fresh.key, sign=True).status == 401, "not before the code"
    assert claim(platform, "ivan", fresh.code) == ["refused"]
    assert claim(platform, "heidi", fresh.code) == ["claimed"]
    wait_until(lambda: client.upload(box.sensor, [(minute, 1)], fresh.key, sign=True).status == 200)
    assert client.upload(box.sensor, [(minute, 1)], box.key, sign=True).status == 401


def wait_until(done, seconds=10):
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until
        time.sleep(0.2)


def test_unclaimed_devices_are_bounded(tmp_path, certificates):
    from tests.server.client import Client

    with (
        Platform(tmp_path, certificates / "good.pem", FLUKSO_UNCLAIMED_DEVICES_MAX="2") as small,
        Client(small.port, certificates / "ca.crt") as client,
    ):
        boxes = [Box() for _ in range(3)]
        assert [client.post("/device/" + box.id, {"key": box.key}, box.key).status for box in boxes] == [200, 200, 401]
