# SPDX-License-Identifier: GPL-3.0-or-later
"""Boards on programmers that end with their test."""

import pytest

from tools.flash.images import versioned
from tools.flash.preloads import library
from tools.flash.station import COUNTERS, Station, historic_chip, our_chip


@pytest.fixture(scope="session")
def impatient(tmp_path_factory):
    """The environment of an avrdude that does not wait for a silence which is there."""
    return {"LD_PRELOAD": str(library("impatient", tmp_path_factory.mktemp("preloads")))}


@pytest.fixture
def station(tmp_path, impatient):
    """A function that puts a chip on a programmer: our firmware, with COUNTERS, unless another is
    given.
    """
    running = []

    def build(chip=None, layout=None, **options) -> Station:
        folder = tmp_path / "station{}".format(len(running))
        folder.mkdir()
        running.append(Station(folder, chip or our_chip(), layout, env=impatient, **options))
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


@pytest.fixture
def historic(station):
    """A historic board with COUNTERS."""
    return station(historic_chip("declared-1", COUNTERS), "declared-1")
