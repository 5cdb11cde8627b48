# SPDX-License-Identifier: GPL-3.0-or-later
"""Boards for the tests; all end with the test."""

import pytest

from tests.sim.board import FIRMWARE, Sim, build


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
