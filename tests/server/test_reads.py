# SPDX-License-Identifier: GPL-3.0-or-later
"""GET /sensor/<id>: what a client of the last fifteen years reads, and what it is told when it may
not.
"""

import json
import time

import pytest

from tools.harness.device import DEVICE, OTHER_KEY, OTHER_SENSOR, SENSOR, SENSOR_2

pytestmark = pytest.mark.dated

PATH = "/sensor/" + SENSOR


@pytest.fixture(scope="module")
def token(people):
    return people["alice"]


@pytest.fixture
def hour(client, minute):
    """SENSOR has an hour of 600 W by minute."""
    client.upload(SENSOR, [(minute - 3600 + 60 * n, 1000 + 10 * n) for n in range(61)])
    return minute


def rows(reply):
    assert reply.status == 200, reply.body
    return reply.json()


def test_the_last_hour_by_minute_has_61_rows(client, token, hour):
    found = rows(client.get(f"{PATH}?version=1.0&token={token}&interval=hour&unit=watt"))
    assert len(found) == 61 and found[-1][1] == "nan"
    assert [after[0] - before[0] for before, after in zip(found, found[1:], strict=False)] == [
        60
    ] * 60
    assert {value for _, value in found[:-2]} == {600}


def test_the_answer_is_compact_json_with_its_type(client, token, hour):
    reply = client.get(f"{PATH}?version=1.0&token={token}&interval=hour&unit=watt")
    assert reply.headers["Content-Type"] == "application/json" and b" " not in reply.body
    assert (
        reply.headers["X-Content-Type-Options"] == "nosniff"
        and reply.headers["Referrer-Policy"] == "no-referrer"
    )


@pytest.mark.parametrize(
    "query, headers",
    [
        pytest.param("?version=1.0&token={}&interval=hour&unit=watt", {}, id="query"),
        pytest.param(
            "?interval=hour&unit=watt", {"X_Version": "1.0", "X_Token": "{}"}, id="headers"
        ),
        pytest.param(
            "?version=1.0&token={}&interval=hour&unit=watt",
            {"X_Version": "1.0", "X_Token": "{}"},
            id="both",
        ),
        pytest.param("?version=1.0;&token={};&interval=hour;&unit=watt;", {}, id="semicolons"),
        pytest.param(
            "?version=1.0&token={}&interval=hour&unit=watt&_=17&foo", {}, id="unknown-parameters"
        ),
        pytest.param("/hour/watt?token={}", {}, id="path-form"),
        pytest.param("/hour/watt", {"X_Token": "{}"}, id="path-form-header"),
    ],
)
def test_forms_of_asking(client, token, hour, query, headers):
    found = rows(
        client.get(
            PATH + query.format(token),
            **{name: value.format(token) for name, value in headers.items()},
        )
    )
    assert len(found) == 61 and found[-3][1] == 600


@pytest.mark.parametrize(
    "unit, value",
    [
        ("watt", 600),
        ("kwhperyear", 5256),
        ("kwh", 5256),
        ("eurperyear", 946),
        ("eur", 946),
        ("audpyear", 999),
    ],
)
def test_units(client, token, hour, unit, value):
    assert (
        rows(client.get(f"{PATH}?version=1.0&token={token}&interval=hour&unit={unit}"))[-3][1]
        == value
    )


def test_a_new_price_changes_no_past_row(client, people, minute):
    """From yesterday's midnight on; 600 W are 946 € a year at the usual price, 1,577 at this one. A
    move changes no past price either.
    """
    midnight = minute // 86_400 * 86_400 - 86_400
    client.upload(
        OTHER_SENSOR, [(midnight - 7200 + 600 * n, 100 * n) for n in range(25)], OTHER_KEY
    )
    manage = {"Authorization": "Bearer " + people["bob-manage"], "Content-Type": "application/json"}
    query = f"start={midnight - 3600}&end={midnight + 3600}&resolution=hour&unit=eurperyear"

    def both():
        found = rows(
            client.get(f"/sensor/{OTHER_SENSOR}?version=1.0&{query}", X_Token=people["bob"])
        )
        again = client.request(
            "GET", f"/api/1/sensors/{OTHER_SENSOR}/series?{query}", None, manage
        ).json()["rows"]
        assert [value for _, value in found[:-1]] == [value for _, value in again]
        return again

    assert client.request("PATCH", "/api/1/account", b'{"time_zone": "UTC"}', manage).status == 200
    assert [value for _, value in both()] == [946, 946]
    day = time.strftime("%Y-%m-%d", time.gmtime(midnight))
    assert (
        client.request("PUT", f"/api/1/prices/{day}", b'{"cents_per_kwh": 30}', manage).status
        == 200
    )
    for _ in range(50):  # until the hot path has seen the change
        if (
            rows(client.get(f"/sensor/{OTHER_SENSOR}?version=1.0&{query}", X_Token=people["bob"]))[
                1
            ][1]
            != 946
        ):
            break
        time.sleep(0.2)
    assert [value for _, value in both()] == [946, 1577]
    assert (
        client.request(
            "PATCH", "/api/1/account", b'{"time_zone": "Pacific/Auckland"}', manage
        ).status
        == 200
    )
    assert [value for _, value in both()] == [946, 1577]


@pytest.mark.parametrize("name", ["callback", "jsonp_callback"])
def test_jsonp(client, token, hour, name):
    reply = client.get(
        f"{PATH}?version=1.0&token={token}&interval=hour&unit=watt&{name}=f_1", Cookie="sessionid=x"
    )
    assert (
        reply.headers["Content-Type"].startswith("application/javascript")
        and "Set-Cookie" not in reply.headers
    )
    assert reply.body.startswith(b"f_1([[") and reply.body.endswith(b"]]);")


@pytest.mark.parametrize(
    "name", ["angular.callbacks._0", "$cb", "%24cb", "jQuery19105_1356", "$.f", "_", "a" * 64]
)
def test_jsonp_names_of_javascript_libraries(client, token, hour, name):
    reply = client.get(f"{PATH}?version=1.0&token={token}&interval=hour&unit=watt&callback={name}")
    assert reply.status == 200 and reply.body.startswith(name.replace("%24", "$").encode() + b"([[")


def test_start_and_end(client, token, hour):
    begin = (hour - 1800) // 900 * 900
    found = rows(
        client.get(
            f"{PATH}?version=1.0&token={token}&start={begin}&end={begin + 900}"
            "&resolution=minute&unit=watt"
        )
    )
    assert [found[0][0], len(found)] == [begin + 60, 16]


def test_properties(client, token, hour):
    client.post(
        PATH,
        {
            "config": {
                "class": "analog",
                "type": "electricity",
                "function": "house",
                "voltage": 230,
                "constant": "0.5",
            }
        },
    )
    found = rows(client.get(f"{PATH}?version=1.0&token={token}&param=all"))
    assert set(found) == set(
        [
            "access",
            "type",
            "function",
            "class",
            "voltage",
            "current",
            "phase",
            "constant",
            "enabled",
            "lastupdate",
        ]
    )
    assert (found["function"], found["voltage"], found["constant"]) == ("house", 230, "0.5")
    assert found["lastupdate"] == [hour, 1600]


def test_what_has_not_changed_is_not_sent_again(client, token, hour):
    query = f"{PATH}?version=1.0&token={token}&start={hour - 3600}&end={hour}&unit=watt"
    first = client.get(query)
    again = client.get(query, If_None_Match='"other", ' + first.headers["ETag"])
    assert (again.status, again.body, again.headers["ETag"]) == (304, b"", first.headers["ETag"])


def test_a_star_matches_whatever_there_is(client, token, hour):
    query = f"{PATH}?version=1.0&token={token}&start={hour - 3600}&end={hour}&unit=watt"
    for match in ("*", ' "x", *'):
        assert client.get(query, If_None_Match=match).status == 304
    assert (
        client.get(
            f"{PATH}?version=1.0&token={token}&interval=never&unit=watt", If_None_Match="*"
        ).status
        == 400
    )


DEVICES, READS, SENSORS = "POST, OPTIONS", "GET, HEAD, OPTIONS", "GET, HEAD, POST, OPTIONS"


@pytest.mark.parametrize(
    "path, allowed, refused",
    [
        pytest.param(PATH, SENSORS, ["PUT", "DELETE", "PATCH"], id="sensor"),
        pytest.param(PATH + "/hour/watt", READS, ["POST", "PUT"], id="path-form"),
        pytest.param(PATH + ".png", READS, ["POST", "DELETE"], id="image"),
        pytest.param("/device/" + DEVICE, DEVICES, ["GET", "HEAD", "PUT"], id="device"),
    ],
)
def test_what_is_allowed_where(client, path, allowed, refused):
    for method in refused:
        reply = client.request(method, path, b"" if method in ("POST", "PUT", "PATCH") else None)
        assert (reply.status, reply.headers["Allow"]) == (405, allowed)
        assert method == "HEAD" or list(json.loads(reply.body)) == ["error"]
    reply = client.request(
        "OPTIONS",
        path,
        None,
        {"Origin": "https://example.org", "Access-Control-Request-Method": "GET"},
    )
    assert (reply.status, reply.headers["Allow"], reply.body) == (200, allowed, b"")
    cross = {
        name.lower(): value
        for name, value in reply.headers.items()
        if name.lower().startswith("access-control-")
    }
    if allowed == DEVICES:
        assert not cross
    else:
        assert cross.pop("access-control-max-age").isdigit()
        assert cross == {
            "access-control-allow-origin": "*",
            "access-control-allow-methods": "GET, HEAD",
            "access-control-allow-headers": "X-Token, X-Version",
        }


def test_head_says_what_get_would(client, token, hour):
    query = f"{PATH}?version=1.0&token={token}&start={hour - 3600}&end={hour}&unit=watt"
    head, get = client.request("HEAD", query), client.get(query)
    assert (head.status, head.body) == (200, b"") and head.headers["Content-Length"] == str(
        len(get.body)
    )


@pytest.mark.parametrize(
    "query, status",
    [
        pytest.param("?version=1.0&token={}&interval=decade&unit=watt", 400, id="interval"),
        pytest.param("?version=1.0&token={}&interval=hour&unit=horse", 400, id="unit"),
        pytest.param("?version=1.0&token={}&interval=hour", 400, id="no-unit"),
        pytest.param("?version=1.0&token={}&unit=watt", 400, id="no-interval"),
        pytest.param("?version=1.0&token={}&start=x&unit=watt", 400, id="start"),
        pytest.param("?version=1.0&token={}&start=99999999999999&unit=watt", 400, id="far-start"),
        pytest.param(
            "?version=1.0&token={}&interval=hour&resolution=second&unit=watt", 400, id="resolution"
        ),
        pytest.param("?version=2.0&token={}&interval=hour&unit=watt", 400, id="version"),
        pytest.param("?token={}&interval=hour&unit=watt", 400, id="no-version"),
        pytest.param(
            "?version=1.0&token={}&interval=hour&unit=watt&callback=alert(1)", 400, id="callback"
        ),
        pytest.param(
            "?version=1.0&token={}&interval=hour&unit=watt&callback=7f", 400, id="callback-digit"
        ),
        pytest.param(
            "?version=1.0&token={}&interval=hour&unit=watt&callback=.f", 400, id="callback-dot"
        ),
        pytest.param(
            "?version=1.0&token={}&interval=hour&unit=watt&callback=" + "a" * 65,
            400,
            id="long-callback",
        ),
        pytest.param(
            "?version=1.0&token={}&interval=hour&unit=watt&callback=", 400, id="no-callback"
        ),
        pytest.param("?version=1.0&interval=hour&unit=watt", 401, id="no-token"),
        pytest.param("?version=1.0&token=abc&interval=hour&unit=watt", 401, id="short-token"),
        pytest.param(
            "?version=1.0&token=" + "0" * 32 + "&interval=hour&unit=watt", 401, id="unknown-token"
        ),
    ],
)
def test_errors(client, token, query, status):
    reply = client.get(PATH + query.format(token))
    assert reply.status == status and list(json.loads(reply.body)) == ["error"]
    assert reply.headers.get("WWW-Authenticate") == ("Access refused" if status == 401 else None)


def test_a_sensor_that_is_not_there_is_404_for_who_has_a_token(client, token):
    assert (
        client.get(f"/sensor/{'c' * 32}?version=1.0&token={token}&interval=hour&unit=watt").status
        == 404
    )


TABLE = [  # token, sensor, status
    ("alice", SENSOR, 200),
    ("alice", SENSOR_2, 200),
    ("alice", OTHER_SENSOR, 401),
    ("alice-manage", SENSOR, 200),
    ("sensor", SENSOR, 200),
    ("sensor", SENSOR_2, 401),
    ("bob", SENSOR, 401),
    ("bob", OTHER_SENSOR, 200),
]


@pytest.mark.parametrize("name, sensor, status", TABLE)
@pytest.mark.parametrize("what", ["interval=hour&unit=watt", "param=all"])
def test_who_reads_what(client, people, name, sensor, status, what):
    assert client.get(f"/sensor/{sensor}?version=1.0&token={people[name]}&{what}").status == status
    assert client.get(f"/sensor/{sensor}/hour/watt", X_Token=people[name]).status == status


def test_no_secret_is_in_the_log(platform, client, token, hour):
    client.get(f"{PATH}?version=1.0&token={token}&interval=hour&unit=watt")
    log = platform.log.read_text()
    assert PATH in log and token not in log and "version=" not in log
    assert not any(value in log for name, value in platform.environment.items() if "SECRET" in name)
