# SPDX-License-Identifier: GPL-3.0-or-later
"""A start with accounts and series that do not belong together says so, and how to go on."""

import shutil
import subprocess
import sys

import pytest

from tools.harness import ROOT
from tools.harness.device import DEVICE, KEY, SENSOR, Client
from tools.harness.testbed import Platform, environment

BEAT = {name: 1 for name in ("version", "uptime", "memtotal", "memfree", "memcached", "membuffers")}
SECRET = {"FLUKSO_DEVICE_KEY_SECRET": "5" * 64}
FILES = ("series.sqlite3", "series.sqlite3.inbox")


@pytest.fixture(scope="module")
def stopped(tmp_path_factory, certificates):
    """The folder of a platform whose device has reported and uploaded."""
    folder = tmp_path_factory.mktemp("one")
    with Platform(
        folder, certificates / "good.pem", {DEVICE: KEY}, {SENSOR: DEVICE}, **SECRET
    ) as platform:
        with Client(platform.port, certificates / "ca.crt") as client:
            assert client.post("/device/" + DEVICE, BEAT | {"reset": 0}).status == 200
            assert client.upload(SENSOR, [(1_700_000_000, 7)]).status == 200
        platform.stop()
        platform.start()  # they belong together still
        platform.stop()
        yield folder


def start(folder, *arguments) -> subprocess.CompletedProcess:
    """Start a service that ends at once, because its certificate is missing, if nothing else."""
    return subprocess.run(
        [sys.executable, "-m", "flukso_server", "run", "--port", "0", "--cert", "none", *arguments],
        cwd=ROOT,
        env=environment(folder, **SECRET),
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("how", ["missing", "empty", "another's"])
def test_series_of_others_are_refused_until_the_operator_takes_them(stopped, tmp_path, how):
    folder = tmp_path / "copy"
    shutil.copytree(stopped, folder)
    assert "series.sqlite3" not in start(folder).stderr.splitlines()[-1], "as it was left"
    for name in FILES:
        for file in folder.glob(name + "*"):
            file.unlink()
    if how == "empty":
        (folder / FILES[0]).touch()
    elif how == "another's":
        from flukso_server.series.appending import append
        from flukso_server.series.sqlite.store import SqliteStore
        from flukso_server.series.store import identify

        other = SqliteStore(str(folder / FILES[0]))
        append(other, SENSOR, [(1_700_000_000, 9)], 1_700_000_100)
        other.close()
        identify(str(folder / FILES[0]), 12_345)
    told = start(folder)
    assert told.returncode == 2 and "--new-series" in told.stderr and "Traceback" not in told.stderr
    assert ("other accounts" if how == "another's" else "missing or empty") in told.stderr
    assert "--new-series" not in start(folder, "--new-series").stderr.splitlines()[-1]
    assert "--new-series" not in start(folder).stderr.splitlines()[-1], "from then on"
