# SPDX-License-Identifier: GPL-3.0-or-later
"""GET /sensor/<id>.png of what was fed already: who may see it, and when it is sent again."""

import time

import pytest

from tests.server.conftest import people_of
from tools.harness.device import DEVICE, KEY, OTHER_DEVICE, OTHER_KEY, SENSOR, SENSOR_2, Client
from tools.harness.testbed import Platform

# what the feeder does each minute
PATH = f"/sensor/{SENSOR}.png?version=1.0&interval=day&unit=watt"


@pytest.fixture(scope="module")
def platform(tmp_path_factory, certificates):
    folder = tmp_path_factory.mktemp("images")
    devices, sensors = {DEVICE: KEY, OTHER_DEVICE: OTHER_KEY}, {SENSOR: DEVICE, SENSOR_2: DEVICE}
    with Platform(
        folder, certificates / "good.pem", devices, sensors, FLUKSO_RRD_DIR=str(folder / "rrd")
    ) as running:
        yield running


@pytest.fixture(scope="module")
def tokens(platform):
    return people_of(platform)


@pytest.fixture(scope="module")
def drawn(platform, certificates, tokens):
    """The answer with the graph."""
    minute = int(time.time()) // 60 * 60
    with Client(platform.port, certificates / "ca.crt") as client:
        assert (
            client.upload(SENSOR, [(minute - 7200 + 60 * n, 10 * n) for n in range(110)]).status
            == 200
        )
        platform.call("tests.server.inside.pages.feed_graphs", SENSOR)
        return client.get(PATH, X_Token=tokens["alice"])


def test_the_graph_comes_as_png(drawn):
    assert (
        drawn.status == 200
        and drawn.headers["Content-Type"] == "image/png"
        and drawn.body.startswith(b"\x89PNG")
    )
    assert (
        drawn.headers["Cache-Control"] == "no-store"
        and drawn.headers["X-Content-Type-Options"] == "nosniff"
    )


def test_it_is_sent_again_when_it_changed(client, tokens, drawn):
    for match in (drawn.headers["ETag"], "*"):
        reply = client.get(PATH, X_Token=tokens["alice"], If_None_Match=match)
        assert (reply.status, reply.body) == (304, b"")
    assert client.get(PATH, X_Token=tokens["alice"], If_None_Match='"other"').status == 200


@pytest.mark.parametrize(
    "who, status",
    [("alice", 200), ("alice-manage", 200), ("sensor", 200), ("bob", 401), ("bob-manage", 401)],
)
def test_who_sees_it(client, tokens, drawn, who, status):
    assert client.get(PATH, X_Token=tokens[who]).status == status
    head = client.request("HEAD", PATH, None, {"X-Token": tokens[who]})
    assert (head.status, head.body) == (status, b"")


def test_nobody_and_the_other_sensors_token_see_nothing(client, tokens, drawn):
    assert client.get(PATH).status == 401
    assert client.get(PATH.replace(SENSOR, SENSOR_2), X_Token=tokens["sensor"]).status == 401
    assert client.get(PATH.replace(SENSOR, SENSOR_2), X_Token=tokens["alice"]).status == 404, (
        "nothing to draw"
    )


def test_another_version_is_refused(client, tokens, drawn):
    assert client.get(PATH.replace("1.0", "2.0"), X_Token=tokens["alice"]).status == 400
    assert client.get(PATH, X_Token=tokens["alice"], X_Version="2.0").status == 400
    assert client.get(PATH.replace("version=1.0&", ""), X_Token=tokens["alice"]).status == 200
