# SPDX-License-Identifier: GPL-3.0-or-later
"""Each store of benches.py in turn."""

import contextlib

import pytest

from tests.server.series.benches import BENCHES


@pytest.fixture(params=sorted(BENCHES))
def bench(request, tmp_path):
    """Each store in turn; another store joins the suite by a line in benches.py."""
    made = BENCHES[request.param](tmp_path)
    yield made
    made.close()


@pytest.fixture(params=sorted(BENCHES))
def fresh(request, tmp_path_factory):
    """As bench, but one for each call, in a with statement: time does not go back in a store."""
    return lambda: contextlib.closing(BENCHES[request.param](tmp_path_factory.mktemp("bench")))


@pytest.fixture
def store(bench):
    return bench.store
