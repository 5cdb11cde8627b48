# SPDX-License-Identifier: GPL-3.0-or-later
"""A client on the LAN finds the Fluksometer by DNS-SD and can use what it found
(docs/design/protocols.md §5).
"""

import json
import subprocess
import sys

import pytest

from tools.harness import ROOT
from tools.harness.chain import DEVICE, SENSORS
from tools.harness.namespaces import unshare

NAMESPACES = unshare("--net")


def namespaces_work():
    return (
        subprocess.run(
            [*NAMESPACES, "ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1"],
            capture_output=True,
        ).returncode
        == 0
    )


@pytest.mark.skipif(not namespaces_work(), reason="no network namespaces with veth here")
def test_a_browser_finds_the_household_and_its_sensors(tmp_path):
    command = [*NAMESPACES, sys.executable, "-m", "tests.e2e.discovery_house", "house", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    before, after = [json.loads(line) for line in done.stdout.splitlines()]
    host = "flukso-" + DEVICE[:6]
    assert list(before["zeroconf"]) == [
        "Flukso RESTful API on {}._flukso._tcp.local.".format(host)
    ], done.stderr
    (found,) = before["zeroconf"].values()
    assert (
        found["port"] == 8080
        and found["server"] == host + ".local."
        and found["addresses"] == ["10.77.0.1"]
    )
    assert found["txt"] == {
        "id1": SENSORS[0],
        "id2": SENSORS[1],
        "id4": SENSORS[3],
        "path": "/sensor",
        "version": "1.0",
    }
    assert found["status"] == 200
    assert all(one.get("gone") for one in after["zeroconf"].values())  # taken back at a clean stop
    assert before["avahi"], done.stderr
    *_, target, address, port, txt = before["avahi"]
    assert (target, address, port) == (host + ".local", "10.77.0.1", "8080")
    assert sorted(txt.split()) == sorted(
        '"{}={}"'.format(key, value) for key, value in found["txt"].items()
    )
