# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody holds the accounts' database for writing: devices that are known go on uploading, and
what waits is told so.
"""

import contextlib
import os
import sqlite3
import threading
import time

import pytest

from tests.server.conftest import people_of
from tools.harness.device import DEVICE, KEY, SENSOR, SENSOR_2, Client
from tools.harness.testbed import Platform

BEATS = 6  # more than all threads that write
WAIT_S = 120  # for what comes sooner or later on a busy machine
PASSWORD = "correct horse somebody"
LOG_IN = "tests.server.inside.full_database.log_in"


@pytest.fixture(scope="module")
def platform(tmp_path_factory, certificates):
    with Platform(
        tmp_path_factory.mktemp("locked"),
        certificates / "good.pem",
        {DEVICE: KEY},
        dict.fromkeys((SENSOR, SENSOR_2), DEVICE),
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
            self.status = client.post(
                "/device/" + DEVICE, {"uptime": 1, "version": 1, "reset": 0}
            ).status


def connections(platform) -> int:
    """How many connections to the accounts' database the service has open."""
    links = []
    for number in os.listdir(f"/proc/{platform.pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            links.append(os.readlink(f"/proc/{platform.pid}/fd/{number}"))
    return links.count(str(platform.folder / "accounts.db"))


def test_look_ups_go_on_while_a_writer_holds_the_lock(platform, client, certificates, minute):
    """All are answered before the lock is given back; heartbeats wait for it, or were told that
    they waited too long.
    """
    token = people_of(platform)["alice"]
    beats = [Beat(platform, certificates) for _ in range(BEATS)]
    with locked(platform):
        before, until = connections(platform), time.monotonic() + WAIT_S
        for beat in beats:
            beat.start()
        while (
            connections(platform) < before + 2
        ):  # until the threads that write have begun to wait, each with its own
            assert time.monotonic() < until
            time.sleep(0.01)
        assert client.upload(SENSOR, [(minute, 1)]).status == 200, (
            "a sensor that was not in the cache"
        )
        assert client.upload(SENSOR, [(minute, 1)], "0" * 32).status == 401
        assert (
            client.get(
                f"/sensor/{SENSOR}?version=1.0&interval=hour&unit=watt", X_Token=token
            ).status
            == 200
        )
        assert client.get(f"/sensor/{SENSOR}?version=1.0&param=all", X_Token=token).status == 200
        assert client.post("/device/" + "9" * 32, {"uptime": 1}).status == 401
        assert {beat.status for beat in beats} <= {0, 503}
    for beat in beats:
        beat.join()
    assert {beat.status for beat in beats} <= {200, 503}
    assert client.post("/device/" + DEVICE, {"uptime": 1, "version": 1, "reset": 0}).status == 200


@pytest.mark.slow
def test_a_lock_that_lasts_is_answered_503(platform, client):
    with locked(platform):
        reply = client.post("/device/" + DEVICE, {"uptime": 1, "version": 1, "reset": 0})
    assert (reply.status, reply.json()) == (503, {"error": "busy"})
    assert 60 <= int(reply.headers["Retry-After"]) <= 300
    assert client.post("/device/" + DEVICE, {"uptime": 1, "version": 1, "reset": 0}).status == 200


def test_a_log_in_while_the_database_is_locked_or_full_says_so(desk):
    """Not that there were too many."""
    desk.call("tests.server.inside.accounts.member", "somebody", PASSWORD)
    with locked(desk):
        assert desk.call(LOG_IN, PASSWORD) == [503, "60", True]
    assert desk.call(LOG_IN, PASSWORD, full=True) == [503, "60", True]
    assert desk.call(LOG_IN, PASSWORD)[0] == 302
