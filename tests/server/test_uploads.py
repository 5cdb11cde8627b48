# SPDX-License-Identifier: GPL-3.0-or-later
"""POST /sensor/<id>: what is stored, what is refused, and in which words."""

import json
import re
from pathlib import Path

import pytest

from tests.server.database import row
from tools.harness.device import (
    DEVICE,
    KEY,
    OTHER_DEVICE,
    OTHER_KEY,
    OTHER_SENSOR,
    SENSOR,
    SENSOR_2,
)

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "uploads.json").read_text())
UNKNOWN = "c" * 32


def cases(part):
    return [pytest.param(case, id=case["id"]) for case in VECTORS[part]]


def test_stores_what_is_uploaded(platform, client, minute):
    tuples = [(minute - 120, 10), (minute - 60, 11)]
    reply = client.upload(SENSOR, tuples)
    assert (reply.status, reply.body) == (200, b'{"response":"ok"}')
    assert set(tuples) <= set(platform.held(SENSOR))


def test_a_repeated_upload_succeeds_and_changes_nothing(platform, client, minute):
    tuples = [(minute - 600, 5), (minute - 540, 6)]
    for _ in range(2):
        assert client.upload(SENSOR, tuples).status == 200
    held = platform.held(SENSOR)
    assert len(held) == len(set(held)) and set(tuples) <= set(held)


def test_the_first_value_of_a_time_stays(platform, client, minute):
    assert client.upload(SENSOR_2, [(minute - 60, 100)]).status == 200
    assert client.upload(SENSOR_2, [(minute - 60, 101), (minute, 102)]).status == 200
    assert set(platform.held(SENSOR_2)) >= {(minute - 60, 100), (minute, 102)}
    assert (minute - 60, 101) not in platform.held(SENSOR_2)


def test_tuples_from_the_future_are_left_out_and_the_rest_is_kept(platform, client, minute):
    fresh = (minute - 90, 1)  # it shows that the device's clock and the server's agree
    assert client.upload(SENSOR, [fresh, (minute + 3600, 2)]).status == 200
    assert fresh in platform.held(SENSOR)
    assert (minute + 3600, 2) not in platform.held(SENSOR)


def test_tuples_from_the_future_of_a_clock_that_nobody_confirms_are_put_off(
    platform, client, minute
):
    assert client.upload(SENSOR, [(minute - 5000, 1), (minute + 3600, 2)]).status == 503
    assert (minute - 5000, 1) in platform.held(SENSOR), "what fits is stored all the same"


@pytest.mark.parametrize("case", cases("accepted"))
def test_accepts(client, case):
    reply = client.post("/sensor/" + SENSOR, case["body"].encode())
    assert (reply.status, reply.body) == (200, b'{"response":"ok"}')


@pytest.mark.parametrize("case", cases("sifted"))
def test_an_odd_tuple_is_set_aside_and_the_rest_is_kept(platform, client, minute, case):
    """Writers repeat a batch that is refused for ever. Its times are moved to this hour; what is no
    time stays so.
    """
    ago = minute - 1288290639 - 7
    body = re.sub(r"\b1288290(\d+)", lambda found: str(int(found.group()) + ago), case["body"])
    reply = client.post("/sensor/" + SENSOR, body.encode())
    assert (reply.status, reply.body) == (200, b'{"response":"ok"}')
    assert {(stamp + ago, counter) for stamp, counter in case["tuples"]} <= set(
        platform.held(SENSOR)
    )


@pytest.mark.parametrize("case", cases("malformed"))
def test_answers_400_to_a_malformed_body_with_a_good_digest(client, case):
    reply = client.post("/sensor/" + SENSOR, case["body"].encode())
    assert reply.status == 400 and reply.json() == {"error": "malformed"}


def test_an_upload_is_no_configuration(client):
    body = {"measurements": [[1288290519, -1]], "config": {"enable": 1}}
    assert client.post("/sensor/" + SENSOR, body).status == 400


@pytest.mark.parametrize("name", ["missing", "short", "upper", "other-key", "unicode"])
def test_a_wrong_digest_is_refused(platform, client, minute, name):
    body = json.dumps({"measurements": [[minute - 30, 7]]}).encode()
    wrong = {
        "missing": None,
        "short": "00",
        "upper": "A" * 40,
        "other-key": "0" * 40,
        "unicode": "\u00e9" * 40,
    }[name]
    headers = {"X-Version": "1.0"} | ({"X-Digest": wrong} if wrong else {})
    reply = client.request("POST", "/sensor/" + SENSOR, body, headers)
    assert reply.status == 401 and reply.headers["WWW-Authenticate"] == "Incorrect digest"
    assert (minute - 30, 7) not in platform.held(SENSOR)


def test_another_devices_key_is_refused(client, minute):
    reply = client.upload(OTHER_SENSOR, [(minute, 1)], KEY)
    assert (reply.status, reply.headers["WWW-Authenticate"]) == (401, "Incorrect digest")


def test_an_unknown_sensor_is_refused(client, minute):
    reply = client.upload(UNKNOWN, [(minute, 1)])
    assert (reply.status, reply.headers["WWW-Authenticate"]) == (
        401,
        "No proper provisioning for this sensor",
    )
    assert reply.json() == {"error": "No proper provisioning for this sensor"}


def test_a_configuration_is_answered_204(client):
    reply = client.post(
        "/sensor/" + SENSOR,
        {"config": {"class": "analog", "type": "electricity", "enable": 1, "voltage": "230"}},
    )
    assert (reply.status, reply.body) == (204, b"")


def test_a_configuration_that_names_its_device_is_answered_200(client):
    reply = client.post("/sensor/" + SENSOR, {"config": {"device": DEVICE}})
    assert (reply.status, reply.body) == (200, b'{"response":"ok"}')


def test_a_sensor_moves_not_to_another_device(client):
    reply = client.post("/sensor/" + SENSOR, {"config": {"device": OTHER_DEVICE}})
    assert reply.status == 401
    assert (
        client.post("/sensor/" + SENSOR, {"config": {"device": OTHER_DEVICE}}, OTHER_KEY).status
        == 401
    )


def test_another_version_is_refused(client, minute):
    assert client.post("/sensor/" + SENSOR, {"measurements": []}, X_Version="2.0").status == 400


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_told_what_is_allowed(client, method):
    reply = client.request(method, "/sensor/" + SENSOR, b"")
    assert (reply.status, reply.headers["Allow"]) == (405, "GET, HEAD, POST, OPTIONS")
    assert "error" in reply.json()


def test_options_says_what_is_allowed(client):
    reply = client.request("OPTIONS", "/device/" + DEVICE)
    assert (reply.status, reply.headers["Allow"], reply.body) == (200, "POST, OPTIONS", b"")


@pytest.mark.parametrize(
    "path",
    [
        "/sensor/",
        "/sensor/" + "A" * 32,
        "/sensor/" + "a" * 31,
        "/device/xyz",
        "/sensor/" + SENSOR + "/",
    ],
)
def test_other_paths_are_not_found(client, path):
    assert client.post(path, {"measurements": []}).status == 404


def test_trouble_is_noted_for_the_owner(platform, client, minute):
    tuples = [(minute - 90, 1), (minute + 3600, 2), (1000, 1)]
    assert client.upload(OTHER_SENSOR, tuples, OTHER_KEY).status == 200
    assert (
        client.upload(OTHER_SENSOR, [(minute - 60, -1), (minute, 1 << 32)], OTHER_KEY).status == 200
    )
    platform.stop()  # which writes it down
    platform.start()
    fields = ("ahead_tuples", "ahead_s", "old_tuples", "odd_tuples")
    ahead, ahead_s, old, odd = row(platform, "devices.Sensor", *fields, pk=OTHER_SENSOR)
    assert (ahead, old, odd) == (1, 1, 2) and 3500 < ahead_s < 3700
