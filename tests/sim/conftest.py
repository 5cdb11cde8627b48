# SPDX-License-Identifier: GPL-3.0-or-later
"""Boards for the tests; all end with the test."""

import pytest

from tests.sim.board import FIRMWARE, Sim, build
from tests.sim.master import Master


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    return tmp_path_factory.mktemp("programs")


@pytest.fixture
def chip(tmp_path, programs):
    """A function: run a program of peripherals.c."""
    running = []

    def start(name, *options):
        running.append(Sim(tmp_path, build(name, programs), *options))
        return running[-1]

    yield start
    for sim in running:
        sim.close()


@pytest.fixture
def flukso(tmp_path):
    """A function: run the real firmware."""
    running = []

    def start(*options, board="spi"):
        running.append(Sim(tmp_path, FIRMWARE[board], "--board", board, *options))
        return running[-1]

    yield start
    for sim in running:
        sim.close()


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """The EEPROM of a board that is set up."""
    sim = Sim(tmp_path_factory.mktemp("prepared"), FIRMWARE["spi"])
    sim.run(2)
    Master(sim).prepare()
    sim.run(2)
    cells = sim.ask("eeprom")
    sim.close()
    return cells


@pytest.fixture
def board(flukso, prepared):
    """A board that is set up, and its master."""
    sim = flukso()
    sim.ask("eeprom " + prepared)
    sim.run(1)
    sim.master = Master(sim)
    return sim
