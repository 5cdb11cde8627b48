# SPDX-License-Identifier: GPL-3.0-or-later
"""FLUKSO_DEVICE_KEY_SECRET: a wrong one stops the start, and it can be changed without a device
noticing.
"""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tools.harness.device import DEVICE, KEY, OTHER_DEVICE, OTHER_KEY, SENSOR, Client
from tools.harness.testbed import Platform

OLD, NEW = "0" * 64, "1" * 64
ROOT = Path(__file__).resolve().parents[2]


def start_with(platform, secret: str) -> None:
    platform.stop()
    platform.environment["FLUKSO_DEVICE_KEY_SECRET"] = secret
    platform.start()


def test_a_secret_is_changed_in_three_steps(tmp_path, certificates, minute):
    devices = {DEVICE: KEY, OTHER_DEVICE: OTHER_KEY}
    with Platform(
        tmp_path, certificates / "good.pem", devices, {SENSOR: DEVICE}, FLUKSO_DEVICE_KEY_SECRET=OLD
    ) as platform:
        with pytest.raises(RuntimeError, match="FLUKSO_DEVICE_KEY_SECRET opens no device's key"):
            start_with(platform, NEW)
        assert NEW not in platform.log.read_text() and "Traceback" not in platform.log.read_text()
        with pytest.raises(RuntimeError, match=f"2 keys cannot be opened: {DEVICE} {OTHER_DEVICE}"):
            platform.command("reseal_keys")
        with pytest.raises(
            RuntimeError, match=f"CommandError: line 1: the key of device {DEVICE} cannot be opened"
        ):
            platform.provision({DEVICE: KEY}, {})
        for secret in (f"{NEW},{OLD}", NEW):
            start_with(platform, secret)
            with Client(platform.port, certificates / "ca.crt") as client:
                assert client.upload(SENSOR, [(minute, 1)]).status == 200
            if secret != NEW:
                assert platform.command("reseal_keys").startswith("2 keys are sealed")


@pytest.mark.parametrize("hard, said", [(1000, True), (30_000, False)])
def test_open_files_are_raised_to_what_is_allowed(hard, said):
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < hard:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        said = hard < 20_200
    code = f"""
import logging, resource
resource.setrlimit(resource.RLIMIT_NOFILE, (500, {hard}))
logging.basicConfig()
from flukso_server.project import serve
serve.allow_files(20_200)
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == hard and ("raise LimitNOFILE to 20200" in done.stderr) == said
