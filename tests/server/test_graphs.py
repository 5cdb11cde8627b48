# SPDX-License-Identifier: GPL-3.0-or-later
"""GET /sensor/<id>.png, where the RRD view is switched on."""

import time

import pytest

from server.testbed import Platform
from tests.server.client import DEVICE, KEY, SENSOR, Client
from tests.server.conftest import people_of


@pytest.mark.slow
def test_a_graph_is_drawn_of_what_was_uploaded(tmp_path, certificates, minute):
    settings = {"FLUKSO_RRD_DIR": str(tmp_path / "rrd")}
    with Platform(tmp_path, certificates / "good.pem", {DEVICE: KEY}, {SENSOR: DEVICE}, **settings) as platform:
        token = people_of(platform)["alice"]
        with Client(platform.port, certificates / "ca.crt") as client:
            path = f"/sensor/{SENSOR}.png?version=1.0&interval=day&unit=watt"
            assert client.get(path, X_Token=token).status == 404
            assert client.upload(SENSOR, [(minute - 7200 + 60 * n, 10 * n) for n in range(110)]).status == 200
            until = time.monotonic() + 120
            while (reply := client.get(path, X_Token=token)).status != 200:
                assert time.monotonic() < until
                time.sleep(1)
            assert reply.headers["Content-Type"] == "image/png" and reply.body.startswith(b"\x89PNG")
            assert client.get(path).status == 401


def test_without_the_view_there_is_no_graph(client, people):
    assert client.get(f"/sensor/{SENSOR}.png?version=1.0", X_Token=people["alice"]).status == 404
