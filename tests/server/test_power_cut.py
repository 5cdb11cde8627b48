# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 under load loses nothing that was acknowledged, and what was sent again is there once."""

import random
import threading
import time

import pytest

from tools.harness.device import DEVICE, KEY, Client
from tools.harness.testbed import Platform

SENSORS = [f"{n:032x}" for n in range(1, 5)]
LOAD_MAX_S = 60  # until each sensor has two uploads more
SPREAD_S = 0.2  # the cut comes at any moment after


class Uploader(threading.Thread):
    """Uploads tuple after tuple of one sensor until the server is gone; sends the last one again
    first.
    """

    def __init__(self, platform, certificates, sensor, acknowledged):
        super().__init__()
        self._arguments = (platform.port, certificates / "ca.crt")
        self._sensor = sensor
        self.acknowledged = acknowledged

    def run(self):
        now = int(time.time())
        try:
            with Client(*self._arguments) as client:
                while True:
                    number = len(self.acknowledged)
                    # one before is repeated, as after a lost answer
                    tuples = [*self.acknowledged[-1:], (now - 86_400 + number, number)]
                    if client.upload(self._sensor, tuples, KEY, sign=True).status != 200:
                        return
                    self.acknowledged.append(tuples[-1])
        except OSError:
            pass  # killed


def cut(platform, certificates, stored):
    uploaders = [Uploader(platform, certificates, sensor, stored[sensor]) for sensor in SENSORS]
    before = [len(stored[sensor]) for sensor in SENSORS]
    for uploader in uploaders:
        uploader.start()
    until = time.monotonic() + LOAD_MAX_S
    while any(
        len(stored[sensor]) < count + 2 for sensor, count in zip(SENSORS, before, strict=True)
    ):
        assert time.monotonic() < until
        time.sleep(0.01)
    time.sleep(random.random() * SPREAD_S)
    platform.kill()
    for uploader in uploaders:
        uploader.join()
    platform.start()


@pytest.mark.parametrize(
    "cuts", [2, pytest.param(100, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])]
)
def test_nothing_acknowledged_is_lost(tmp_path, certificates, cuts):
    bound = dict.fromkeys(SENSORS, DEVICE)
    stored: dict[str, list] = {sensor: [] for sensor in SENSORS}
    with Platform(
        tmp_path, certificates / "good.pem", {DEVICE: KEY}, bound, FLUKSO_LOG_LEVEL="WARNING"
    ) as platform:
        for _ in range(cuts):
            cut(platform, certificates, stored)
        for sensor, acknowledged in stored.items():
            held = platform.held(sensor)
            assert len(acknowledged) > cuts and len(held) == len(set(stamp for stamp, _ in held))
            assert set(acknowledged) <= set(held)
