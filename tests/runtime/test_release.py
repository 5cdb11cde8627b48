# SPDX-License-Identifier: GPL-3.0-or-later
"""The release build on this machine runs the daemon's frozen byte code in a router's heap."""

import json
import subprocess
import urllib.request

import pytest

from tests.runtime.conftest import FROZEN, started
from tools.harness.chain import SENSORS
from tools.harness.processes import free_port

pytestmark = pytest.mark.timeout(180)
WITH_LAN = "config settings daemon\n\toption enable_lan_branch '1'\n\toption lan_port '{}'\n"
RSS_MAX_KB = 2300  # 1,948 seen; linked statically, it varies by some dozen kB


def ask(port, path):
    with urllib.request.urlopen("http://127.0.0.1:{}{}".format(port, path), timeout=10) as answer:
        return answer.read().decode()


def test_runs_from_its_frozen_code_within_its_memory(household, server, release, tmp_path):
    chain = household(sensors=(1, 2, 3))
    chain.command = [*release, *FROZEN]
    chain.env = {"MICROPYPATH": ".frozen"}
    port = free_port()
    chain.configure(extra=WITH_LAN.format(port))
    for number in (1, 2, 3):
        chain.clamp(1000 * number, number)
    chain.start()
    chain.run(90)
    rows = json.loads(
        ask(port, "/sensor/{}?version=1.0&interval=minute&unit=watt".format(SENSORS[1]))
    )
    assert len(rows) == 60 and abs(rows[-2][1] - 2000) < 30
    for _ in range(200):
        ask(port, "/sensor/{}".format(SENSORS[2]))
    assert "<html" in ask(port, "/")
    json.loads(ask(port, "/status"))
    assert chain.daemon.rss_kb() <= RSS_MAX_KB, chain.daemon.rss_kb()
    chain.rest()
    assert chain.stop() == 0, chain.log()
    assert server.held(SENSORS[0])[-1][1] == chain.counters()[0]
    assert not server.store.violations


@pytest.mark.parametrize(
    "command", ["flukso-micropython/files/flukso", "flukso-firmware/files/flukso-flash"]
)
def test_a_folder_of_the_programs_name_is_not_run(release, tmp_path, command):
    """Root runs these commands, also where somebody else may write."""
    for folder in (tmp_path / "flukso", tmp_path / "flukso" / "flash"):
        folder.mkdir()
        for name in ("__init__.py", "__main__.py"):
            (folder / name).write_text("raise SystemExit(99)\n")
    done = subprocess.run(
        [*release, *started(command)[1], "--version"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
