# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of several parts share: their time and zone, throw-away certificates, the fake server,
a household.
"""

import os
import tempfile
import time

import hypothesis
import pytest

from tools.fakes.server import Server
from tools.harness import ca
from tools.harness.postgres import Postgres
from tools.harness.testbed import EMPTY_DATABASE, POSTGRES

# An example may take as long as a busy machine needs. The gate tries the same examples each time;
# `search` tries others.
LENIENT = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("flukso", derandomize=True, **LENIENT)
hypothesis.settings.register_profile("search", **LENIENT)
hypothesis.settings.load_profile("flukso")


def pytest_addoption(parser):
    group = parser.getgroup("flukso")
    group.addoption(
        "--at",
        default="2026-07-15T10:00:00+00:00",
        help="when the platform's tests take place, ISO 8601 with offset",
    )
    group.addoption(
        "--database",
        choices=("sqlite", "postgres"),
        default="sqlite",
        help="where the platform has its accounts",
    )
    group.addoption("--zone", default="UTC", help="time zone of the machine, for all tests")


def pytest_configure(config):
    """No test's outcome hangs on the zone of the machine that runs it."""
    os.environ["TZ"] = config.getoption("--zone")
    time.tzset()
    if EMPTY_DATABASE not in os.environ:  # else this is a worker of xdist
        folder = tempfile.TemporaryDirectory(prefix="flukso-tests-")
        os.environ[EMPTY_DATABASE] = os.path.join(folder.name, "accounts.db")
        config.add_cleanup(folder.cleanup)
    if config.getoption("--database") == "postgres" and POSTGRES not in os.environ:
        # of the first process; the workers of xdist find it in their environment
        server = Postgres()
        os.environ[POSTGRES] = server.url
        config.add_cleanup(server.close)


def pytest_collection_modifyitems(config, items):
    """On another database the tests of the SQLite file itself say nothing."""
    if config.getoption("--database") != "sqlite":
        out = [item for item in items if item.get_closest_marker("sqlite")]
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if item not in out]


def _no_skip(report):
    """What a test needs is installed, never passed over: a skip is a failure."""
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = "skipped, which is not allowed here: {}".format(report.longrepr)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    return _no_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    return _no_skip((yield))


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """A folder with ca.crt, foreign-ca.crt and a .pem for each kind of server certificate."""
    return ca.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def server(certificates):
    """The fake cloud server, which knows the one device of the tests."""
    from tools.harness.chain import DEVICE, KEY

    with Server(certificates / "good.pem", {DEVICE: KEY}) as running:
        yield running


@pytest.fixture
def household(tmp_path, certificates, server):
    """A function that sets up a household against `server`; everything ends with the test."""
    from tools.harness.chain import Chain

    chains = []

    def build(**options):
        folder = tmp_path / "household{}".format(len(chains))
        folder.mkdir()
        url, cacert = options.pop("url", server.url), options.pop("cacert", certificates / "ca.crt")
        chains.append(Chain(folder, url, cacert, **options))
        return chains[-1]

    yield build
    for chain in chains:
        chain.close()
