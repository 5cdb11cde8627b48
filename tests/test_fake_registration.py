# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's half of registration and claim, docs/design/protocols.md §8."""

import json

import pytest

from tests.test_vectors import cases
from tools.fakes.server_claim import ClaimRefused, claim_code
from tools.fakes.server_store import Request, Store, digest, sign

DEVICE, OTHER = "fedcba9876543210fedcba9876543210", "0" * 32
KEY, NEW = "00112233445566778899aabbccddeeff", "f" * 32
SENSOR = "0123456789abcdef0123456789abcde0"
BEAT = {
    "reset": 0,
    "version": 210,
    "uptime": 60,
    "memtotal": 1,
    "memfree": 1,
    "memcached": 1,
    "membuffers": 1,
}
NOW = 1_700_000_000


class Server:
    """A store with a clock, and posts of a device that signs."""

    def __init__(self):
        self.now_s = NOW
        self.store = Store({}, wall=lambda: self.now_s)

    def post(self, path, members, key=KEY, signed=True):
        body = json.dumps(members).encode()
        headers = {
            "x-version": "1.0",
            "content-type": "application/json",
            "user-agent": "Fluksometer v1",
            "x-digest": digest(key, body),
        }
        if signed:
            headers["x-sign"] = sign(key, path, body)
        answer = self.store.answer(Request("POST", path, headers, body, 1))
        return answer.status, answer.body

    def register(self, device=DEVICE, key=KEY, made_with=None):
        return self.post("/device/" + device, {"key": key}, made_with or key)[0]

    def beat(self, device=DEVICE, key=KEY, **changes):
        return self.post("/device/" + device, {**BEAT, "time": self.now_s, **changes}, key)

    def bind(self, sensor=SENSOR, device=DEVICE, key=KEY):
        return self.post(
            "/sensor/" + sensor, {"config": {"device": device, "class": "analog"}}, key
        )[0]

    def claim(self, account="anna", device=DEVICE, key=KEY):
        return self.store.registry.claim(account, claim_code(device, key))


@pytest.fixture
def server():
    return Server()


def test_an_unknown_device_is_stored_and_its_key_is_kept(server):
    assert [server.register(), server.register()] == [200, 200]
    assert server.register(key=NEW) == 401
    assert server.register(key="no key") == 400


def test_a_key_is_changed_by_the_old_one(server):
    server.register()
    assert server.register(key=NEW, made_with=KEY) == 200
    assert (server.beat()[0], server.beat(key=NEW)[0]) == (401, 200)


def test_sensors_are_bound_to_their_device_and_stay(server):
    server.register()
    server.register(OTHER, NEW)
    assert server.bind() == 200
    assert server.bind() == 200
    assert server.bind(device=OTHER, key=NEW) == 401
    for n in range(1, 6):
        assert server.bind("{:032x}".format(n)) == 200
    assert server.bind("{:032x}".format(6)) == 401  # the seventh of an unclaimed device
    assert server.post("/sensor/" + SENSOR, {"config": {"class": "analog"}})[0] == 204


def test_claim_code_is_good_for_two_days_after_a_heartbeat(server):
    server.register()
    with pytest.raises(ClaimRefused):
        server.claim()
    assert b'"claimed"' not in server.beat()[1]
    server.now_s += 48 * 3600 + 1
    with pytest.raises(ClaimRefused):
        server.claim()
    server.beat()
    assert server.claim() == DEVICE
    server.now_s += 1
    assert json.loads(server.beat()[1])["claimed"] == 1
    with pytest.raises(ClaimRefused):
        server.claim("bert")


@pytest.mark.parametrize("case", cases("digests", "claim"))
def test_claim_codes_are_those_of_the_vectors(case):
    assert claim_code(case["device"], case["key"], case.get("number", 0)) == case["code"]


def test_five_wrong_codes_an_hour(server):
    server.register()
    server.beat()
    for _ in range(5):
        with pytest.raises(ClaimRefused):
            server.store.registry.claim("anna", "AAAAAAAA")
    with pytest.raises(ClaimRefused):
        server.claim()
    server.now_s += 3601
    assert server.claim() == DEVICE


def test_unclaimed_devices_keep_two_weeks(server):
    server.register()
    server.bind()
    rows = [[NOW - 15 * 86_400, 1], [NOW - 13 * 86_400, 2], [NOW, 3]]
    assert server.post("/sensor/" + SENSOR, {"measurements": rows})[0] == 200
    assert len(server.store.held[SENSOR]) == 2


def test_lost_key(server):
    server.register()
    server.beat()
    server.claim()
    assert server.register(key=NEW) == 401
    server.store.registry.open_window(DEVICE)
    server.now_s += 3601
    assert server.register(key=NEW) == 401
    server.store.registry.open_window(DEVICE)
    assert server.register(key=NEW) == 200
    assert server.beat(key=NEW)[0] == 200
    assert server.claim(key=NEW) == DEVICE


def test_heartbeats_are_not_replayed(server):
    server.register()
    server.beat()
    assert server.beat()[0] == 200  # the same time once more
    assert server.beat(time=server.now_s + 121)[0] == 200
    assert len(server.store.heartbeats) == 1 and server.store.stale_heartbeats == 2
    server.now_s += 10
    server.beat(uptime=5)
    assert server.store.registry.devices[DEVICE].resets == 1


def test_signatures_are_required_once_seen(server):
    server.store.registry.add(DEVICE, KEY)
    path, rows = "/sensor/" + SENSOR, {"measurements": [[NOW, 1]]}
    assert server.post(path, rows, signed=False)[0] == 200
    assert server.post(path, rows)[0] == 200
    assert server.post(path, rows, signed=False)[0] == 401
