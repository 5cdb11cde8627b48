# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody holds the accounts' database for writing: devices that are known go on uploading, and what waits is told so."""

import contextlib
import sqlite3
import threading
import time

import pytest

from server.testbed import Platform
from tests.server.client import DEVICE, KEY, SENSOR, SENSOR_2, Client
from tests.server.conftest import people_of

BEATS = 6  # more than all threads that write
LOCKED_S = 4  # under the 10 s that a writer waits


@pytest.fixture(scope="module")
def platform(tmp_path_factory, certificates):
    with Platform(
        tmp_path_factory.mktemp("locked"), certificates / "good.pem", {DEVICE: KEY}, dict.fromkeys((SENSOR, SENSOR_2), DEVICE)
    ) as running:
        yield running


@contextlib.contextmanager
def locked(platform):
    connection = sqlite3.connect(platform.folder / "accounts.db", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


class Beat(threading.Thread):
    def __init__(self, platform, certificates):
        super().__init__()
        self._client = Client(platform.port, certificates / "ca.crt")
        self.status = 0

    def run(self):
        with self._client as client:
            self.status = client.post("/device/" + DEVICE, {"uptime": 1, "version": 1, "reset": 0}).status


def test_look_ups_go_on_while_a_writer_holds_the_lock(platform, client, certificates, minute):
    token = people_of(platform)["alice"]
    beats = [Beat(platform, certificates) for _ in range(BEATS)]
    with locked(platform):
        for beat in beats:
            beat.start()
        time.sleep(0.5)  # they wait for the lock by now
        began = time.monotonic()
        assert client.upload(SENSOR, [(minute, 1)]).status == 200, "a sensor that was not in the cache"
        assert client.upload(SENSOR, [(minute, 1)], "0" * 32).status == 401
        assert client.get(f"/sensor/{SENSOR}?version=1.0&interval=hour&unit=watt", X_Token=token).status == 200
        assert client.get(f"/sensor/{SENSOR}?version=1.0&param=all", X_Token=token).status == 200
        assert client.post("/device/" + "9" * 32, {"uptime": 1}).status == 401
        assert time.monotonic() - began < LOCKED_S - 1
        assert all(beat.is_alive() for beat in beats)
    for beat in beats:
        beat.join()
    assert [beat.status for beat in beats] == [200] * BEATS


@pytest.mark.slow
def test_a_lock_that_lasts_is_answered_503(platform, client):
    with locked(platform):
        reply = client.post("/device/" + DEVICE, {"uptime": 1, "version": 1, "reset": 0})
    assert (reply.status, reply.json()) == (503, {"error": "busy"}) and reply.headers["Retry-After"] == "60"
    assert client.post("/device/" + DEVICE, {"uptime": 1, "version": 1, "reset": 0}).status == 200
