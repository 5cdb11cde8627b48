# SPDX-License-Identifier: GPL-3.0-or-later
"""The API for programs: who may do what, and that it does it."""

import json
import time

import pytest

from tools.harness.device import DEVICE, OTHER_DEVICE, OTHER_SENSOR, SENSOR, SENSOR_2, Client
from tools.harness.wait import wait_until

ROOT = "/api/1/"


def ask(client, method, path, token=None, body=None, raw=None):
    headers = {"Content-Type": "application/json"} if body is not None else {}
    if token is not None:
        headers["Authorization"] = "Bearer " + token
    data = raw if raw is not None else None if body is None else json.dumps(body).encode()
    return client.request(method, ROOT + path, data, headers)


# method, path, body, what the token must be able to do: `read` all of the account, `sensor` series,
# `manage`
TABLE = [
    ("GET", "account", None, "read"),
    ("PATCH", "account", {"time_zone": "Europe/Brussels"}, "manage"),
    ("GET", "prices", None, "read"),
    ("PUT", "prices/2026-01-31", {"cents_per_kwh": 30}, "manage"),
    ("PUT", "day-prices/2026-01-31", {"per_kwh": ["0.1"] * 24}, "manage"),
    ("GET", "bill/2001-02", None, "read"),
    ("GET", "tokens", None, "manage"),
    ("GET", "devices", None, "read"),
    ("PATCH", f"devices/{DEVICE}", {"name": "attic"}, "manage"),
    ("POST", f"devices/{DEVICE}/window", None, "manage"),
    ("GET", "sensors", None, "read"),
    ("GET", f"sensors/{SENSOR}", None, "sensor"),
    ("PATCH", f"sensors/{SENSOR}", {"name": "house"}, "manage"),
    ("GET", f"sensors/{SENSOR}/series", None, "sensor"),
    ("GET", f"sensors/{SENSOR}/series.csv", None, "sensor"),
    ("GET", f"sensors/{SENSOR}/tuples.csv?start=0&end=100", None, "sensor"),
    ("POST", f"sensors/{SENSOR}/tuples.csv", None, "manage"),
    ("GET", f"sensors/{SENSOR}/doubts", None, "sensor"),
    ("GET", f"sensors/{SENSOR}/corrections", None, "sensor"),
]
NEEDS = {  # who: what they may
    "alice-manage": {"read", "sensor", "manage"},
    "alice": {"read", "sensor"},
    "sensor": {"sensor"},
}


def described(path: str) -> str:
    """The path as the API's own description has it."""
    path = path.replace("day-prices/2026-01-31", "day-prices/{day}")
    for value, name in (
        (DEVICE, "device"),
        (SENSOR, "sensor"),
        ("2026-01-31", "since"),
        ("2001-02", "month"),
    ):
        path = path.replace(value, "{" + name + "}")
    return path.split("?")[0]


WHO = ["alice-manage", "alice", "sensor", "bob-manage", "nobody", "wrong"]


def token_of(people, who):
    return {"nobody": None, "wrong": "0" * 32}.get(who, people.get(who))


@pytest.mark.parametrize("method, path, body, needs", TABLE)
@pytest.mark.parametrize("who", WHO)
def test_permissions(client, people, who, method, path, body, needs):
    reply = ask(client, method, path, token_of(people, who), body)
    if who in ("nobody", "wrong"):
        wanted = {401}
    elif who == "bob-manage":
        wanted = {404} if DEVICE in path or SENSOR in path else {200, 204}
    else:
        wanted = {200, 204} if needs in NEEDS[who] else {403}
    if path.startswith("bill/") and 200 in wanted:
        wanted = {404}  # nothing was heard in that month
    assert reply.status in wanted, reply.body


class Made:
    """Things of alice's that an operation uses up."""

    def __init__(self, platform, client, people):
        self._codes = platform.provision({f"{n:032x}": f"{n:032x}" for n in range(100, 114)}, {})
        self._client, self._manage = client, people["alice-manage"]

    def code(self) -> tuple[str, str]:
        """Of a device that nobody has: (device, its claim code)."""
        return self._codes.popitem()

    def device(self) -> str:
        device, code = self.code()
        assert (
            ask(self._client, "POST", "devices/claim", self._manage, {"code": code}).status == 200
        )
        return device

    def token(self) -> int:
        return ask(self._client, "POST", "tokens", self._manage, {"name": "made"}).json()["id"]

    def price(self) -> str:
        assert (
            ask(
                self._client, "PUT", "prices/2026-02-28", self._manage, {"cents_per_kwh": 30}
            ).status
            == 200
        )
        return "2026-02-28"

    def wish(self) -> dict:
        """A correction of SENSOR, which has a tuple then."""
        self._client.upload(SENSOR, [(int(time.time()) // 60 * 60, 1)])
        return {"kind": "replaced", "start": 1_700_000_000}

    def correction(self) -> int:
        path = f"sensors/{SENSOR}/corrections"
        return ask(self._client, "POST", path, self._manage, self.wish()).json()["id"]


@pytest.fixture(scope="module")
def made(platform, people, certificates):
    with Client(platform.port, certificates / "ca.crt") as client:
        yield Made(platform, client, people)


# method, path as described, what it needs (path's last part, body), status for the owner, status
# for a stranger who may change their own
USING_UP = [
    ("POST", "tokens", lambda _made: ("", {"name": "new"}), 201, 201),
    ("DELETE", "tokens/{number}", lambda made: (made.token(), None), 204, 404),
    ("DELETE", "prices/{since}", lambda made: (made.price(), None), 204, 404),
    ("POST", "devices/claim", lambda made: ("claim", {"code": made.code()[1]}), 200, 200),
    ("DELETE", "devices/{device}", lambda made: (made.device(), None), 204, 404),
    ("POST", "sensors/{sensor}/corrections", lambda made: ("corrections", made.wish()), 201, 404),
    ("DELETE", "sensors/{sensor}/corrections/{ident}", lambda m: (m.correction(), None), 204, 404),
    # 409: one of the same device does not go on with it
    ("POST", "sensors/{sensor}/continue", lambda _: ("continue", {"sensor": SENSOR_2}), 409, 404),
]


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize(
    "method, described_as, make, owner, stranger",
    USING_UP,
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_permissions_of_what_uses_things_up(
    client, people, made, who, method, described_as, make, owner, stranger
):
    last, body = make(made)
    path = "/".join([*described_as.split("/")[:-1], str(last)]) if last else described_as
    path = path.replace("{sensor}", SENSOR)
    reply = ask(client, method, path, token_of(people, who), body)
    wanted = {"alice-manage": owner, "bob-manage": stranger, "nobody": 401, "wrong": 401}.get(
        who, 403
    )
    assert reply.status == wanted, reply.body
    if method == "DELETE" and wanted != owner:
        assert ask(client, method, path, people["alice-manage"]).status == owner, (
            "it is still there"
        )


def test_every_operation_is_in_a_permissions_table(client):
    covered = {(method, described(path)) for method, path, _, _ in TABLE} | {
        (method, path) for method, path, *_ in USING_UP
    }
    paths = client.get(ROOT + "openapi.json").json()["paths"]
    found = {
        (method.upper(), path.removeprefix(ROOT))
        for path, methods in paths.items()
        for method in methods
    }
    assert found == covered


def test_a_token_reads_until_it_is_revoked(client, people):
    made = ask(
        client, "POST", "tokens", people["alice-manage"], {"name": "phone", "sensor": SENSOR}
    )
    assert made.status == 201
    text, number = made.json()["token"], made.json()["id"]
    path = f"/sensor/{SENSOR}?version=1.0&interval=hour&unit=watt"
    assert client.get(path, X_Token=text).status == 200
    assert "token" not in ask(client, "GET", "tokens", people["alice-manage"]).json()[0]
    assert ask(client, "DELETE", f"tokens/{number}", people["bob-manage"]).status == 404
    assert ask(client, "DELETE", f"tokens/{number}", people["alice-manage"]).status == 204
    wait_until(lambda: client.get(path, X_Token=text).status == 401, 10)


def test_a_token_for_somebody_elses_sensor_is_not_made(client, people):
    assert (
        ask(client, "POST", "tokens", people["alice-manage"], {"sensor": OTHER_SENSOR}).status
        == 404
    )
    assert (
        ask(
            client, "POST", "tokens", people["alice-manage"], {"sensor": SENSOR, "scope": "manage"}
        ).status
        == 409
    )


def test_series_as_json_and_csv(client, people, minute):
    client.upload(SENSOR_2, [(minute - 600 + 60 * n, 20 * n) for n in range(11)])
    path = f"sensors/{SENSOR_2}/series"
    query = f"?start={minute - 600}&end={minute}&resolution=minute"
    found = ask(client, "GET", path + query, people["alice"]).json()
    assert found["step_s"] == 60 and found["rows"] == [
        [minute - 540 + 60 * n, 1200] for n in range(10)
    ]
    lines = ask(client, "GET", path + ".csv" + query, people["alice"]).body.decode().split()
    assert lines[0] == "time,watt" and lines[1] == f"{minute - 540},1200" and len(lines) == 11


def test_tuples_come_in_and_go_out_as_csv(client, people, minute):
    path = f"sensors/{OTHER_SENSOR}/tuples.csv"
    text = f"time,counter\n{minute - 120},5\n{minute - 60},6\n"
    for wanted in ({"new": 2, "duplicate": 0}, {"new": 0, "duplicate": 2}):
        reply = ask(client, "POST", path, people["bob-manage"], raw=text.encode())
        assert wanted.items() <= reply.json().items()
    found = ask(client, "GET", f"{path}?start={minute - 120}&end={minute}", people["bob"])
    assert found.body.decode().replace("\r", "") == text


@pytest.mark.parametrize(
    "text", [b"\xff", b"1,2,3", b"1", b"1,-2", b"a,b\nc,d", b"1,99999999999", "1,²".encode()]
)
def test_csv_that_is_none_is_refused(client, people, text):
    assert (
        ask(client, "POST", f"sensors/{SENSOR}/tuples.csv", people["alice-manage"], raw=text).status
        == 422
    )


def test_devices_and_sensors_are_named(client, people):
    assert (
        ask(
            client, "PATCH", f"devices/{OTHER_DEVICE}", people["bob-manage"], {"name": "cellar"}
        ).json()["name"]
        == "cellar"
    )
    assert (
        ask(
            client, "PATCH", f"sensors/{OTHER_SENSOR}", people["bob-manage"], {"name": "\x00"}
        ).status
        == 422
    )
    assert "cellar" in [
        each["name"] for each in ask(client, "GET", "devices", people["bob"]).json()
    ]


def test_the_docs_come_from_here(client):
    page = client.get(ROOT + "docs")
    assert (
        page.status == 200
        and b"http://" not in page.body.replace(b"http://www.w3.org", b"")
        and b"https://" not in page.body
    )


def test_a_tap_that_drips_is_more_than_nothing_and_water_has_no_price(client, people, minute):
    """A litre in ten minutes; the field's API has integers. Its sensor says what it counts by a
    configuration, as devices do.
    """
    assert client.post("/sensor/" + SENSOR_2, {"config": {"type": "water"}}).status == 204
    client.upload(SENSOR_2, [(minute - 1800, 5000), (minute - 1200, 5001), (minute - 900, 5001)])
    query = f"?start={minute - 1800}&end={minute - 1200}&resolution=minute&unit="
    rows = ask(client, "GET", f"sensors/{SENSOR_2}/series{query}lpermin", people["alice"]).json()[
        "rows"
    ]
    assert rows == [[minute - 1740 + 60 * n, 0.1] for n in range(10)]
    lines = (
        ask(client, "GET", f"sensors/{SENSOR_2}/series.csv{query}lpermin", people["alice"])
        .body.decode()
        .split()
    )
    assert lines[1] == f"{minute - 1740},0.1"
    until = time.monotonic() + 10  # the hot path hears within seconds what the sensor counts now
    path = f"/sensor/{SENSOR_2}?version=1.0&interval=hour&unit=eurperyear"
    while (reply := client.get(path, X_Token=people["alice"])).status != 400:
        assert time.monotonic() < until
        time.sleep(0.2)
    assert (
        reply.json()["error"]
        == "eurperyear is of electricity alone: water has no price here; ask for m3peryear"
    )
    for unit in ("eurperyear", "audperyear"):
        reply = ask(client, "GET", f"sensors/{SENSOR_2}/series{query}{unit}", people["alice"])
        assert reply.status == 422 and "of electricity alone" in reply.json()["error"]
    assert client.get(path.replace("eurperyear", "m3pyear"), X_Token=people["alice"]).status == 200


@pytest.mark.parametrize(
    "value, number, text",
    [
        (0.0004, 0.0004, "0.0004"),
        (0.000694, 0.000694, "0.000694"),
        (0.0334, 0.0334, "0.0334"),
        (-0.0001, -0.0001, "-0.0001"),
        (12.34, 12.3, "12.3"),
        (99.96, 100.0, "100"),
        (-0.0, 0.0, "0"),
        (123.5, 124, "124"),
    ],
)
def test_what_flows_slowly_has_three_digits_that_tell(desk, value, number, text):
    assert desk.call("tests.server.inside.pages.rounded", value) == [str(number), text]
