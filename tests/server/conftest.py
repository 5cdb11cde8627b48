# SPDX-License-Identifier: GPL-3.0-or-later
"""A real platform over TLS, with an owner, a stranger and their devices."""

import socket
import ssl
import time
from datetime import datetime

import pytest

from tests.server.mailbox import Mailbox
from tools.harness.device import (
    DEVICE,
    KEY,
    OTHER_DEVICE,
    OTHER_KEY,
    OTHER_SENSOR,
    SENSOR,
    SENSOR_2,
    Client,
)
from tools.harness.testbed import Platform, at


@pytest.fixture(scope="package", autouse=True)
def _at_the_tests_time(request, certificates):
    """It is `--at` for all modules of this folder and their platforms, before their own fixtures.

    certificates: they are made before, by the machine's clock, which TLS libraries go by.
    """
    with at(datetime.fromisoformat(request.config.getoption("--at")).timestamp()):
        yield


@pytest.fixture(scope="module")
def platform(tmp_path_factory, certificates):
    """DEVICE with SENSOR and SENSOR_2, and OTHER_DEVICE with OTHER_SENSOR, both unclaimed."""
    devices = {DEVICE: KEY, OTHER_DEVICE: OTHER_KEY}
    sensors = {SENSOR: DEVICE, SENSOR_2: DEVICE, OTHER_SENSOR: OTHER_DEVICE}
    with Platform(
        tmp_path_factory.mktemp("platform"), certificates / "good.pem", devices, sensors
    ) as running:
        yield running


@pytest.fixture(scope="package")
def desk(tmp_path_factory, _at_the_tests_time):
    """Django set up on a database of its own, without a running service: `desk.call(…)` for what
    needs no connection. Whoever uses it makes accounts of their own names.
    """
    with Platform(tmp_path_factory.mktemp("desk"), service=None) as made:
        yield made


@pytest.fixture(scope="module")
def mailbox():
    with Mailbox() as box:
        yield box


@pytest.fixture(scope="module")
def people(platform):
    """Tokens by name: alice owns DEVICE, bob OTHER_DEVICE; `sensor` reads SENSOR alone."""
    return people_of(platform)


def people_of(platform) -> dict[str, str]:
    owners = {"alice": DEVICE, "bob": OTHER_DEVICE}
    return platform.call("tests.server.inside.accounts.people", owners, SENSOR)


@pytest.fixture
def client(platform, certificates):
    with Client(platform.port, certificates / "ca.crt") as connected:
        yield connected


@pytest.fixture
def connect(platform, certificates):
    """Opens raw TLS connections."""
    opened = []

    def one() -> socket.socket:
        context = ssl.create_default_context(cafile=str(certificates / "ca.crt"))
        connection = context.wrap_socket(
            socket.create_connection(("127.0.0.1", platform.port), 60), server_hostname="localhost"
        )
        opened.append(connection)
        return connection

    yield one
    for connection in opened:
        connection.close()


@pytest.fixture
def minute():
    """The last whole minute, unix s."""
    return int(time.time()) // 60 * 60
