# SPDX-License-Identifier: GPL-3.0-or-later
"""The accounts' database, SQLite and a real PostgreSQL: devices, people, and the schema down and up
again with data in it.
"""

import pytest

from tests.server.conftest import people_of
from tests.server.database import create
from tests.server.test_names import OLD
from tests.server.visitor import Visitor
from tools.harness.device import DEVICE, KEY, OTHER_DEVICE, OTHER_KEY, OTHER_SENSOR, SENSOR
from tools.harness.postgres import Postgres
from tools.harness.testbed import Platform
from tools.harness.wait import wait_until

HERE = "tests.server.inside.databases."


@pytest.fixture(
    scope="module", params=[pytest.param("sqlite", marks=pytest.mark.sqlite), "postgres"]
)
def platform(request, tmp_path_factory, certificates):
    server = Postgres() if request.param == "postgres" else None
    settings = {"FLUKSO_DATABASE_URL": server.url} if server else {}
    devices, sensors = (
        {DEVICE: KEY, OTHER_DEVICE: OTHER_KEY},
        {SENSOR: DEVICE, OTHER_SENSOR: OTHER_DEVICE},
    )
    folder = tmp_path_factory.mktemp("database")
    try:
        with Platform(folder, certificates / "good.pem", devices, sensors, **settings) as running:
            engine = running.call(HERE + "vendor")
            assert engine == ("postgresql" if server else "sqlite")
            running.people = people_of(running)
            yield running
    finally:
        if server:
            server.close()


def test_devices_and_people_meet(platform, client, minute):
    assert client.upload(SENSOR, [(minute - 60, 1), (minute, 2)], sign=True).status == 200
    fresh, key, sensor = "c" * 32, "d" * 32, "e" * 32
    assert client.post("/device/" + fresh, {"key": key}, key, sign=True).status == 200
    assert (
        client.post(
            "/sensor/" + sensor, {"config": {"device": fresh, "class": "analog"}}, key, sign=True
        ).status
        == 200
    )
    assert client.upload(sensor, [(minute, 5)], key, sign=True).status == 200
    path = f"/sensor/{SENSOR}?version=1.0&interval=hour&unit=watt"
    assert client.get(path, X_Token=platform.people["alice"]).status == 200
    assert client.get(path, X_Token=platform.people["bob"]).status == 401


def test_a_revoked_token_is_refused(platform, client):
    path = f"/sensor/{SENSOR}?version=1.0&interval=hour&unit=watt"
    assert client.get(path, X_Token=platform.people["sensor"]).status == 200
    headers = {"Authorization": "Bearer " + platform.people["alice-manage"]}
    tokens = client.request("GET", "/api/1/tokens", None, headers).json()
    number = next(each["id"] for each in tokens if each["sensor"] == SENSOR)
    assert client.request("DELETE", f"/api/1/tokens/{number}", None, headers).status == 204
    wait_until(lambda: client.get(path, X_Token=platform.people["sensor"]).status == 401, 10)


def test_members_pages_and_limits(platform, certificates):
    alice = Visitor(platform.url, certificates / "ca.crt")
    assert alice.log_in("alice", "wrong").status_code == 200
    assert alice.log_in("alice", "correct horse alice").status_code == 302
    fields = {"cents_per_kwh": "31.5", "currency": "AUD", "since": "2026-01-01"}
    assert alice.post("/account/price/", fields, page="/account/").status_code == 302
    for page in ("/", "/account/", "/devices/", "/invitations/", "/tokens/"):
        assert alice.get(page).status_code == 200


def test_the_schema_goes_down_and_up_with_data(platform):
    """The test above gave alice a price, which has a column of its own in the older schema."""
    platform.stop()

    before = platform.call(HERE + "contents")
    assert before["prices"] == ["31.5000"]
    platform.command("makemigrations", "--check", "--dry-run")
    platform.command("migrate", "-v0", "accounts", "0002")
    platform.command("migrate", "-v0", "devices", "0001")

    assert platform.call(HERE + "price_in_older_schema", "alice") == 0.315
    platform.command("migrate", "-v0")
    assert platform.call(HERE + "contents") == before
    platform.start()


def test_queries_that_are_built_once_answer_on_both(platform, certificates):

    assert platform.call(HERE + "follow", "alice", "bob") == {
        "detail": "minutes",
        "wanted": True,
        "others": [["alice", "minutes"]],
        "named": "alice",
    }
    alice = Visitor(platform.url, certificates / "ca.crt")
    alice.log_in("alice", "correct horse alice")
    assert "hide bob" in alice.get("/").text
    assert [line["key"] for line in alice.get("/chart.json?scale=day").json()["lines"]] == [
        "me",
        "bob",
    ]


def test_names_that_differ_in_case_alone_are_told_apart(platform):
    """The last test here: it changes who is there. What an older schema allowed is not lost, and
    the oldest keeps its name.
    """
    platform.stop()
    platform.command("migrate", "-v0", "accounts", "0008")
    platform.call(OLD, "0008_price_begins", ["ALICE", "Alice-2", "Me"])
    platform.command("migrate", "-v0")

    assert platform.call("tests.server.inside.names.oldest_first") == [
        "alice",
        "bob",
        "ALICE-3",
        "Alice-2",
        "Me-2",
    ]
    with pytest.raises(RuntimeError, match="name_key|UNIQUE"):
        create(platform, "accounts.Account", {"username": "BOB"})
    platform.start()
