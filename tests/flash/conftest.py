# SPDX-License-Identifier: GPL-3.0-or-later
"""Boards on programmers that end with their test."""

import pytest

from tests.flash.images import versioned
from tests.flash.station import Station, our_chip

COUNTERS = (1, 255, 65_536, 4_294_967_290, 123_456_789, 0)


@pytest.fixture
def station(tmp_path):
    """A function that puts a chip on a programmer: our firmware, with COUNTERS, unless another is given."""
    running = []

    def build(chip=None, layout=None, **options) -> Station:
        folder = tmp_path / "station{}".format(len(running))
        folder.mkdir()
        running.append(Station(folder, chip or our_chip(), layout, **options))
        if chip is None:
            running[-1].set_counters(COUNTERS)
        return running[-1]

    yield build
    for one in running:
        one.close()


@pytest.fixture(scope="session")
def newer(tmp_path_factory):
    """Our firmware under a version that is newer than any."""
    path = tmp_path_factory.mktemp("images") / "newer.hex"
    path.write_bytes(versioned(99, 1))
    return path
