# SPDX-License-Identifier: GPL-3.0-or-later
"""Registration, claim, keys and heartbeats: docs/design/protocols.md §3 and §8."""

import base64
import hashlib
import hmac
import json
import secrets
import time

import pytest

from tools.harness.testbed import Platform

BEAT = {
    "reset": 1,
    "version": 210,
    "uptime": 3600,
    "memtotal": 13148,
    "memfree": 2000,
    "memcached": 300,
    "membuffers": 900,
}
SHOW = "from flukso_server.devices.models import Device; d = Device.objects.get(pk='{}'); print({})"
CLAIM = """
from django.utils import timezone
from flukso_server.accounts.models import Account
from flukso_server.devices.claims import ClaimError, claim_device
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
    printed = platform.shell(CLAIM.format(name=name, codes=list(codes)))
    return [line.split()[0] for line in printed.splitlines()]


def show(platform, box, what):
    return platform.shell(SHOW.format(box.id, what)).strip()


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
    assert (
        client.post("/sensor/" + box.sensor, {"config": {"device": box.id}}, box.key).status == 200
    )
    assert client.upload(box.sensor, [(minute, 5)], box.key).status == 200
    assert client.upload(box.sensor, [(minute, 5)], box.key, sign=True).status == 200
    assert client.upload(box.sensor, [(minute, 5)], box.key).status == 401
    assert client.post("/device/" + box.id, BEAT, box.key).status == 401
    assert show(platform, box, "d.sign_required") == "True"


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
    open_window = "from django.utils import timezone; from flukso_server.devices.claims import *; "
    platform.shell(
        open_window + f"open_rekey_window(Device.objects.get(pk='{box.id}'), timezone.now())"
    )
    assert client.post("/device/" + box.id, {"key": fresh.key}, fresh.key, sign=True).status == 200
    assert client.upload(box.sensor, [(minute, 1)], fresh.key, sign=True).status == 401, (
        "not before the code"
    )
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
    from tools.harness.device import Client

    with (
        Platform(tmp_path, certificates / "good.pem", FLUKSO_UNCLAIMED_DEVICES_MAX="2") as small,
        Client(small.port, certificates / "ca.crt") as client,
    ):
        boxes = [Box() for _ in range(3)]
        assert [
            client.post("/device/" + box.id, {"key": box.key}, box.key).status for box in boxes
        ] == [200, 200, 401]


def shell(platform, text):
    return platform.shell(
        "from datetime import timedelta; from django.utils import timezone; " + text
    ).strip()


def test_a_code_lasts_48_hours_after_a_heartbeat(platform, client, box):
    beat(client, box)
    age = (
        "from flukso_server.devices.models import Device; "
        "Device.objects.filter(pk='{}').update(seen=timezone.now() - timedelta(hours={}))"
    )
    shell(platform, age.format(box.id, 48.01))
    assert claim(platform, "judy", box.code) == ["refused"]
    shell(platform, age.format(box.id, 47.9))
    assert claim(platform, "judy", box.code) == ["claimed"]


def test_attempts_are_free_again_after_an_hour(platform, client, box):
    beat(client, box)
    assert (
        claim(platform, "kate", *["AAAAAAA" + letter for letter in "ABCDE"], box.code)
        == ["refused"] * 6
    )
    shell(
        platform,
        "from flukso_server.devices.models import ClaimAttempt; ClaimAttempt.objects.update(at=timezone.now() - "
        "timedelta(minutes=61))",
    )
    assert claim(platform, "kate", box.code) == ["claimed"]


def window(platform, box, minutes=0):
    """Open it as many minutes ago."""
    text = (
        "from flukso_server.devices.claims import *; open_rekey_window(Device.objects.get(pk='{}'), "
        "timezone.now() - timedelta(minutes={}))"
    )
    shell(platform, text.format(box.id, minutes))


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
    assert (
        show(platform, claimed, "d.sign_required, d.rekey_until, d.beat_time") == f"{sign} None 0"
    )
    wait_until(
        lambda: (
            client.upload(claimed.sensor, [(minute, 1)], fresh.key).status == (401 if sign else 200)
        )
    )


def test_a_claimed_device_has_64_sensors(platform, client, claimed):
    make = "from flukso_server.devices.models import Sensor; "
    make += (
        "Sensor.objects.bulk_create([Sensor(pk='%032x' % (n + (7 << 120)), device_id='{}') "
        "for n in range(62)])"
    )
    shell(platform, make.format(claimed.id))
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
        assert show(platform, box, "d.sign_required") == "False"
    assert client.post("/device/" + box.id, {"key": box.key}, box.key, sign=True).status == 200
    assert show(platform, box, "d.sign_required") == "True"
    assert client.post("/device/" + box.id, {"key": box.key}, box.key).status == 401
    assert client.post("/device/" + box.id, BEAT, box.key).status == 401


def test_heartbeats_leave_few_rows(platform, client, box):
    now = int(time.time())
    for n in range(4):
        assert beat(client, box, time=now + n, reset=0, uptime=100 + n).status == 200
    assert beat(client, box, time=now + 4, uptime=1).status == 200
    assert (
        show(
            platform,
            box,
            "list(d.heartbeats.values_list('reset', 'uptime_s')), d.resets, d.uptime_s",
        )
        == "[(True, 100)] 1 1"
    )
    shell(
        platform,
        "from flukso_server.devices.models import Heartbeat; Heartbeat.objects.update(at=timezone.now() - "
        "timedelta(minutes=8))",
    )
    assert beat(client, box, time=now + 5, uptime=10).status == 200
    assert show(platform, box, "d.heartbeats.count()") == "2"


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
    counted = (
        f"from flukso_server.devices.models import Sensor; "
        f"print(Sensor.objects.get(pk='{box.sensor}').old_tuples)"
    )
    wait_until(lambda: int(shell(platform, counted)) >= 1, 30)


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
        make = (
            "from flukso_server.devices.models import Device; Device.objects.bulk_create([Device(pk='%032x' "
            "% n, sealed_key=b'', claim_code='', "
        )
        make += "origin='2001:db8::/64') for n in range(98)])"
        shell(behind, make)
        assert [
            register(client, address) for address in ("2001:db8::9", "2001:db8:1::9", "192.0.2.1")
        ] == [401, 200, 200]
        shell(
            behind,
            "from flukso_server.devices.models import Device; Device.objects.update(created=timezone.now() - "
            "timedelta(hours=25))",
        )
        assert register(client, "2001:db8::9") == 200


def test_a_sensor_moves_only_by_its_owner(platform, client, claimed, minute):
    """Given up, a device leaves its sensors with their owner; another device of theirs takes them
    over, a stranger's does not.
    """
    assert client.upload(claimed.sensor, [(minute - 60, 1)], claimed.key, sign=True).status == 200
    next_one, strangers = Box(), Box()
    for box, owner in ((next_one, "lisa"), (strangers, "nina")):
        assert client.post("/device/" + box.id, {"key": box.key}, box.key, sign=True).status == 200
        beat(client, box)
        assert claim(platform, owner, box.code) == ["claimed"]
    take_over = {"config": {"device": next_one.id}}
    assert (
        client.post("/sensor/" + claimed.sensor, take_over, next_one.key, sign=True).status == 401
    ), "it is bound"
    shell(
        platform,
        f"from flukso_server.devices.claims import *; release_device(Device.objects.get(pk='{claimed.id}'))",
    )
    wait_until(
        lambda: (
            client.upload(claimed.sensor, [(minute - 60, 1)], claimed.key, sign=True).status == 401
        )
    )
    assert (
        client.post(
            "/sensor/" + claimed.sensor,
            {"config": {"device": strangers.id}},
            strangers.key,
            sign=True,
        ).status
        == 401
    )
    assert (
        client.post(
            "/sensor/" + claimed.sensor, {"config": {"device": claimed.id}}, claimed.key, sign=True
        ).status
        == 401
    )
    owner = (
        f"from flukso_server.devices.queries import sensors_of; from flukso_server.devices.models import *; s = "
        f"Sensor.objects.get(pk='{claimed.sensor}'); "
    )
    owner += "print(s.device, s.released_by, sensors_of(s.released_by).filter(pk=s.pk).exists())"
    assert shell(platform, owner) == "None lisa True"
    assert (
        client.post("/sensor/" + claimed.sensor, take_over, next_one.key, sign=True).status == 200
    )
    assert client.upload(claimed.sensor, [(minute, 2)], next_one.key, sign=True).status == 200
    assert platform.held(claimed.sensor) == [(minute - 60, 1), (minute, 2)]
    assert show(platform, claimed, "d.owner, d.sensors.count()") == "None 0"


AGO = (
    "from datetime import timedelta; from django.utils import timezone; from flukso_server.devices.changes "
    "import device_changed; "
)
AGO += "from flukso_server.devices.models import Device; then = timezone.now() - timedelta(minutes={}); "
AGO += "print(Device.objects.filter(pk='{}').update({}=then)); device_changed('{}')"
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
    platform.shell(AGO.format(61, box.id, "unclaimed_since", box.id))
    assert asked(client, box) == USUAL
    assert claim(platform, "zoe", box.code) == ["claimed"]
    assert asked(client, box) == OFTEN
    platform.shell(AGO.format(11, box.id, "claimed", box.id))
    assert asked(client, box) == USUAL
