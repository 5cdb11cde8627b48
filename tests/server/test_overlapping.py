# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL, whose transactions overlap, keeps the limits and the order that SQLite keeps by
letting one transaction write at a time.
"""

import pytest

from tools.harness.postgres import Postgres, database_of
from tools.harness.testbed import Platform

HERE = "tests.server.inside.overlapping."


@pytest.fixture(scope="module")
def server():
    running = Postgres()
    yield running
    running.close()


@pytest.fixture
def platform(server, tmp_path):
    url = database_of(server.url, tmp_path)
    with Platform(tmp_path, service=None, FLUKSO_DATABASE_URL=url) as running:
        yield running


def test_no_more_devices_register_at_once_than_one_after_the_other(platform):
    assert platform.call(HERE + "registrations", 60, 20, "") == [20, 20]


def test_a_network_registers_no_more_at_once_than_one_after_the_other(platform):
    assert platform.call(HERE + "registrations", 120, 10_000, "192.0.2.1") == [100, 100]


def test_a_change_that_commits_after_1100_newer_ones_is_read(platform):
    looks = platform.call(HERE + "late_commit", 1100)
    # while the late one is open, the newer ones may be read again; after it nothing is
    assert looks == [[False, 1100], [False, 1100], [True, 1101], [False, 0]]
