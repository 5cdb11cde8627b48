# SPDX-License-Identifier: GPL-3.0-or-later
"""A device's whole life: given on, claimed again, replaced, squatted, and what its owner reads."""

import base64
import hashlib
import hmac
import json
import secrets
import time

import pytest

from tests.server.database import ago, count, row, rows, update, value
from tests.server.test_registration import Box, beat, claim
from tools.harness.testbed import Platform
from tools.harness.wait import wait_until

HERE = "tests.server.inside.lives."
REGISTRATION = "tests.server.inside.registration."
OWNED, GIVEN_UP, UNCLAIMED = ("%032x" % number for number in range(1, 4))  # sensors
LATER_S = 30  # until what the service counts is written down


def register(client, box):
    assert client.post("/device/" + box.id, {"key": box.key}, box.key, sign=True).status == 200


def bind(client, box, sensor=None):
    config = {"config": {"device": box.id, "type": "electricity"}}
    return client.post("/sensor/" + (sensor or box.sensor), config, box.key, sign=True).status


def send(client, box, *tuples, sensor=None):
    return client.upload(sensor or box.sensor, list(tuples), box.key, sign=True).status


def code(box, number):
    text = f"claim {box.id} {number}" if number else f"claim {box.id}"
    full = hmac.new(box.key.encode(), text.encode(), hashlib.sha256).digest()
    return base64.b32encode(full)[:8].decode()


def join(platform, client, owner):
    """A device of this member, with a sensor."""
    box = Box()
    register(client, box)
    assert bind(client, box) == 200
    beat(client, box)
    assert claim(platform, owner, box.code) == ["claimed"]
    return box


def own(platform, name):
    return platform.call(HERE + "own", name)


def told(platform, box):
    return platform.call(HERE + "told", box.id)


def test_a_device_that_is_given_on_begins_new_series(platform, client, minute):
    """minute is the newest whole one; the device was given on five minutes before now."""
    box = join(platform, client, "ada")
    before, after = minute - 600, minute - 60
    assert send(client, box, (before, 10)) == 200
    platform.call(HERE + "given_on", box.id, 300)
    wait_until(
        lambda: (
            send(client, box, (before + 60, 11), (after, 20)) == 200
            and platform.call(HERE + "open_series", box.sensor)[1] == [[after, 20]]
        )
    )
    kept = own(platform, "ada")
    assert [each[:3] for each in kept] == [[box.sensor, box.sensor, None]]

    assert beat(client, box, time=int(time.time()) + 1).json()["claim"] == 1
    assert claim(platform, "ada", box.code) == ["refused"], "the code that a former owner knows"
    assert claim(platform, "bea", code(box, 1)) == ["claimed"]
    assert own(platform, "ada") == kept
    [[series, sent_as, device, held]] = own(platform, "bea")
    assert (sent_as, device, held) == (box.sensor, box.id, [[after, 20]]) and series != box.sensor

    def refused():
        assert send(client, box, (before + 120, 12), (minute, 30)) == 200
        return any("not taken" in text for text in told(platform, box))

    wait_until(refused, LATER_S)
    assert own(platform, "bea")[0][3] == [[after, 20], [minute, 30]]
    kept = own(platform, "ada")
    assert send(client, box, (before + 180, 13)) == 200
    assert own(platform, "ada") == kept, "the next owner adds nothing to it"


def test_what_the_device_held_back_goes_to_its_former_owner(platform, client, minute):
    box = join(platform, client, "abe")
    assert send(client, box, (minute - 600, 10)) == 200
    platform.call(HERE + "given_on", box.id, 300)
    held = [(minute - 540, 11), (minute - 480, 12), (minute - 60, 20)]
    wait_until(
        lambda: (
            send(client, box, *held) == 200 and platform.call(HERE + "open_series", box.sensor)[1]
        )
    )
    [[_series, _sent_as, _device, ended]] = own(platform, "abe")
    assert [minute - 540, 11] in ended and [minute - 480, 12] in ended


def test_both_owners_read_their_own_series_under_the_id_of_the_device(platform, client, minute):
    box = join(platform, client, "cleo")
    assert send(client, box, (minute - 900, 100), (minute - 840, 110)) == 200
    platform.call(HERE + "given_on", box.id, 600)
    wait_until(lambda: platform.call(HERE + "open_series", box.sensor)[0] != box.sensor)
    wait_until(
        lambda: (
            send(client, box, (minute - 120, 500), (minute - 60, 502)) == 200
            and len(platform.call(HERE + "open_series", box.sensor)[1]) == 2
        )
    )
    assert claim(platform, "dora", code(box, 1)) == ["claimed"]
    query = f"/sensor/{box.sensor}?version=1.0&unit=watt&resolution=minute&start={minute - 1200}"

    def watts(name):
        token = platform.call(HERE + "token", name)
        reply = client.get(query, X_Token=token)
        if reply.status != 200:
            return []
        return [watt for _ts, watt in json.loads(reply.body) if watt != "nan"]

    wait_until(lambda: watts("dora") == [120])
    assert watts("cleo")[0] == 600


def test_who_claims_the_device_again_goes_on_with_the_series(platform, client, minute):
    box = join(platform, client, "eve")
    assert send(client, box, (minute - 600, 1)) == 200
    platform.call(HERE + "given_on", box.id, 400)
    wait_until(
        lambda: (
            send(client, box, (minute - 120, 2)) == 200
            and platform.call(HERE + "open_series", box.sensor)[1]
        )
    )
    interim = platform.call(HERE + "open_series", box.sensor)[0]
    assert claim(platform, "eve", code(box, 1)) == ["claimed"]
    assert own(platform, "eve") == [
        [box.sensor, box.sensor, box.id, [[minute - 600, 1], [minute - 120, 2]]]
    ]
    platform.call(HERE + "late", interim, minute - 60, 3)
    platform.call(HERE + "finish", 2)
    assert own(platform, "eve")[0][3][-1] == [minute - 60, 3]
    assert count(platform, "devices.Forgotten", pk=interim) == 1
    assert count(platform, "devices.Moved") == 0


def test_the_claim_number_outlives_the_device(platform, client):
    box = join(platform, client, "fay")
    platform.call(HERE + "given_on", box.id, 0)
    assert platform.call("tests.server.inside.housekeeping.keep_house_in", 15) >= 1
    wait_until(lambda: beat(client, box).status == 401)
    register(client, box)
    assert beat(client, box, time=int(time.time()) + 3).json()["claim"] == 1
    assert claim(platform, "fay", box.code) == ["refused"]
    assert claim(platform, "gia", code(box, 1)) == ["claimed"]


def test_a_device_whose_owner_left_needs_a_new_code(platform, client):
    box = join(platform, client, "hal")
    platform.call(HERE + "gone", "hal")
    assert claim(platform, "ida", box.code, code(box, 1)) == ["refused", "claimed"]


def test_a_key_that_is_replaced_keeps_the_claim_number(platform, client):
    box = join(platform, client, "ivo")
    platform.call(HERE + "given_on", box.id, 0)
    old, box.key = box.key, secrets.token_hex(16)
    assert client.post("/device/" + box.id, {"key": box.key}, old, sign=True).status == 200
    beat(client, box, time=int(time.time()) + 1)
    assert claim(platform, "jan", code(box, 0), code(box, 1)) == ["refused", "claimed"]


def test_a_binding_that_never_sent_a_value_yields_after_a_day(platform, client, minute):
    """A stranger on the LAN saw the sensor's id and bound it first."""
    squatter = join(platform, client, "kim")
    box = join(platform, client, "leo")
    seen = secrets.token_hex(16)
    assert bind(client, squatter, seen) == 200
    assert bind(client, box, seen) == 401
    wait_until(lambda: any("after a day" in text for text in told(platform, box)), LATER_S)

    update(platform, "devices.Sensor", {"bound": ago(hours=25)}, sent_as=seen)
    assert bind(client, box, seen) == 200 and told(platform, box) == []
    assert send(client, box, (minute, 5), sensor=seen) == 200
    assert [each[3] for each in own(platform, "leo") if each[1] == seen] == [[[minute, 5]]]
    assert not [each for each in own(platform, "kim") if each[1] == seen]


def test_a_binding_that_sent_a_value_stays(platform, client, minute):
    first, second = join(platform, client, "mia"), join(platform, client, "noa")
    assert send(client, first, (minute, 5)) == 200
    update(platform, "devices.Sensor", {"bound": ago(hours=25)}, sent_as=first.sensor)
    wait_until(lambda: value(platform, "devices.Sensor", "proven", sent_as=first.sensor), 10)
    assert bind(client, second, first.sensor) == 401


def test_the_owner_reads_each_refusal_with_what_to_do(platform, client, minute):
    box = join(platform, client, "oda")
    spare = join(platform, client, "oda")
    other = Box()
    assert client.upload(box.sensor, [(minute, 1)], other.key, sign=True).status == 401
    assert client.post("/device/" + box.id, {"key": other.key}, other.key, sign=True).status == 401
    assert client.post("/device/" + box.id, {"uptime": 1}, other.key, sign=True).status == 401
    assert client.post("/sensor/" + box.sensor, b"{}", box.key, sign=True).status == 400
    assert bind(client, box, spare.sensor) == 401
    wanted = {"somebody else uses its id", "new key is refused", "heartbeats are refused"}
    wanted |= {"makes mistakes", "another device of yours has it"}
    wait_until(
        lambda: all(any(part in text for text in told(platform, box)) for part in wanted), LATER_S
    )
    assert len(told(platform, box)) == 5


def test_refusals_of_a_device_are_few(platform, client):
    box = join(platform, client, "pia")
    for _ in range(25):
        platform.call(HERE + "refuse", box.id, secrets.token_hex(16))
    assert len(told(platform, box)) == 20


def test_a_new_router_with_the_same_sensors_gets_them_when_the_old_one_is_silent(
    platform, client, minute
):
    old, new = join(platform, client, "sam"), join(platform, client, "sam")
    assert send(client, old, (minute - 60, 1)) == 200
    assert bind(client, new, old.sensor) == 401
    platform.call(REGISTRATION + "set_ago", old.id, "seen", 181)
    assert bind(client, new, old.sensor) == 200
    assert send(client, new, (minute, 2), sensor=old.sensor) == 200
    assert platform.held(old.sensor) == [(minute - 60, 1), (minute, 2)]
    strangers = join(platform, client, "tim")
    platform.call(REGISTRATION + "set_ago", new.id, "seen", 181)
    assert bind(client, strangers, old.sensor) == 401


def test_a_series_goes_on_with_the_sensor_of_a_new_router(platform, client, minute):
    old, new = join(platform, client, "ria"), join(platform, client, "ria")
    assert send(client, old, (minute - 240, 1), (minute - 180, 2)) == 200
    assert send(client, new, (minute - 180, 0), (minute - 120, 9)) == 200
    assert platform.call(HERE + "let_go_on", old.sensor, new.sensor) == ""
    went = [each for each in own(platform, "ria") if each[0] == old.sensor]
    held = [[minute - 240, 1], [minute - 180, 2], [minute - 120, 9]]
    assert went == [[old.sensor, new.sensor, new.id, held]]
    wait_until(
        lambda: (
            send(client, new, (minute, 10)) == 200
            and own(platform, "ria")[0][3] == [*held, [minute, 10]]
        )
    )
    assert "another device" in platform.call(HERE + "let_go_on", old.sensor, old.sensor)
    fresh = join(platform, client, "ria")
    update(platform, "devices.Sensor", {"type": "water"}, pk=fresh.sensor)
    assert "different things" in platform.call(HERE + "let_go_on", old.sensor, fresh.sensor)


@pytest.fixture
def small(tmp_path, certificates):
    """A platform behind a proxy that takes 50 unclaimed devices."""
    with Platform(
        tmp_path,
        certificates / "good.pem",
        FLUKSO_UNCLAIMED_DEVICES_MAX="50",
        FLUKSO_BEHIND_PROXY="1",
    ) as running:
        yield running


def test_unclaimed_devices_are_shared_out_by_network(small, certificates):
    """A site has a tenth, a block half, and the last fifth is for single newcomers."""
    from tools.harness.device import Client

    with Client(small.port, certificates / "ca.crt") as client:

        def register(address):
            box = Box()
            said = client.post("/device/" + box.id, {"key": box.key}, box.key, X_Real_IP=address)
            return said.status

        assert [register(f"2001:db8:1:{n}::1") for n in range(6)] == [200] * 5 + [401]
        for site in range(2, 6):
            small.call(REGISTRATION + "register_many", 5, f"2001:db8:{site}::/64")
        assert register("2001:db8:99::1") == 401, "half of all is one block's already"
        for site in range(1, 5):
            small.call(REGISTRATION + "register_many", 3, f"192.0.{site}.1")
        small.call(REGISTRATION + "register_many", 3, "198.51.100.1")
        assert [register("198.51.100.7"), register("203.0.113.1")] == [401, 200], "40 of 50"
        assert row(small, "devices.Device", "site", origin="203.0.113.1") == ["203.0.113.0/24"]


def test_devices_of_the_release_before_keep_their_sensors_and_owners(tmp_path):
    """Forward on live data, and back: what was given up stays its owner's."""
    with Platform(tmp_path, service=None) as platform:
        platform.command("migrate", "-v0", "devices", "0008")
        found = platform.call_afresh(HERE + "of_the_release_before", OWNED, GIVEN_UP, UNCLAIMED)
        platform.command("migrate", "-v0")
        assert rows(platform, "devices.Sensor", "pk", "sent_as", "proven", order=("pk",)) == [
            [OWNED, OWNED, True],
            [GIVEN_UP, GIVEN_UP, False],
            [UNCLAIMED, UNCLAIMED, False],
        ]
        assert value(platform, "devices.Sensor", "closed", pk=GIVEN_UP) > 0
        assert count(platform, "devices.Sensor", closed=None) == 2
        assert row(platform, "devices.Device", "site", "block", owner=None) == [
            "192.0.2.0/24",
            "192.0.0.0/16",
        ]
        assert found == 3
        platform.command("migrate", "-v0", "devices", "0008")
        platform.command("migrate", "-v0")
        assert count(platform, "devices.Sensor") == 3
