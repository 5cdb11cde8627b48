# SPDX-License-Identifier: GPL-3.0-or-later
"""The operators' pages: what they delete leaves nothing behind, and what they show holds no secret
of a device.
"""

import pytest

from tests.server.database import value
from tests.server.visitor import Visitor
from tools.harness.device import (
    DEVICE,
    KEY,
    OTHER_DEVICE,
    OTHER_KEY,
    OTHER_SENSOR,
    SENSOR,
    SENSOR_2,
)
from tools.harness.wait import wait_until


@pytest.fixture(scope="module")
def operator(platform, people, certificates):
    """Logged in; needs `people` first, who claim the devices."""
    platform.call("tests.server.inside.accounts.operator", "root", "correct horse root")
    visitor = Visitor(platform.url, certificates / "ca.crt")
    assert visitor.log_in("root", "correct horse root").status_code == 302
    return visitor


def delete(operator, kind: str, key) -> None:
    reply = operator.post(f"/admin/{kind}/{key}/delete/", {"post": "yes"})
    assert reply.status_code == 302, reply.text[:500]


def delete_chosen(operator, kind: str, key) -> None:
    """By the list's own action."""
    fields = {"action": "delete_selected", "_selected_action": str(key), "post": "yes"}
    reply = operator.post(f"/admin/{kind}/", fields)
    assert reply.status_code == 302, reply.text[:500]


def test_no_page_shows_a_devices_secret(platform, operator):
    secrets = [KEY, "f" * 32, *platform.call("tests.server.inside.devices.secrets", DEVICE)]
    assert len(secrets) == 10 and all(len(each) >= 8 for each in secrets)

    number = platform.call("tests.server.inside.devices.beat", DEVICE)
    pages = [f"/admin/devices/device/{DEVICE}/{page}/" for page in ("change", "history", "delete")]
    pages += [
        f"/admin/devices/heartbeat/{number}/change/",
        f"/admin/devices/sensor/{SENSOR}/change/",
    ]
    pages += [
        "/admin/devices/device/",
        "/admin/devices/sensor/",
        "/admin/devices/heartbeat/",
        "/admin/devices/device/?q=" + DEVICE,
    ]
    for page in pages:
        shown = operator.get(page)
        assert shown.status_code == 200, page
        assert not [each for each in secrets if each.lower() in shown.text.lower()], page


@pytest.mark.parametrize("how, sensor", [(delete, SENSOR_2), (delete_chosen, SENSOR)])
def test_a_sensor_that_is_deleted_takes_its_series_along(
    platform, client, operator, minute, how, sensor
):
    assert client.upload(sensor, [(minute, 1)]).status == 200
    how(operator, "devices/sensor", sensor)
    wait_until(lambda: not platform.held(sensor))
    wait_until(lambda: client.upload(sensor, []).status == 401)
    assert client.post("/sensor/" + sensor, {"config": {"device": DEVICE}}).status == 200, (
        "its device binds it anew"
    )
    assert client.upload(sensor, [(minute, 2)]).status == 200
    assert platform.held(sensor) == [(minute, 2)]


def test_a_device_that_is_deleted_takes_its_sensors_along(platform, client, operator, minute):
    assert client.upload(SENSOR, [(minute - 60, 1)]).status == 200
    delete(operator, "devices/device", DEVICE)
    wait_until(lambda: not platform.held(SENSOR))
    wait_until(lambda: client.upload(SENSOR, []).status == 401)
    assert client.post("/device/" + DEVICE, {"key": KEY}, sign=True).status == 200, (
        "it may begin anew"
    )
    assert client.post("/sensor/" + SENSOR, {"config": {"device": DEVICE}}, sign=True).status == 200
    assert client.upload(SENSOR, [(minute, 3)], sign=True).status == 200
    assert platform.held(SENSOR) == [(minute, 3)]


def test_an_account_that_is_deleted_takes_its_series_along(platform, client, operator, minute):
    assert client.upload(OTHER_SENSOR, [(minute, 1)], OTHER_KEY).status == 200
    number = value(platform, "accounts.Account", "pk", username="bob")
    delete_chosen(operator, "accounts/account", number)
    wait_until(lambda: not platform.held(OTHER_SENSOR))

    assert value(platform, "devices.Device", "owner", pk=OTHER_DEVICE) is None
