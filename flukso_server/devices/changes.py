# SPDX-License-Identifier: GPL-3.0-or-later
"""Telling every process that something it may have cached has changed; call it in the transaction
that changes it.
"""

from flukso_server.devices.models import Change, Sensor


def device_changed(device: str, sensors: list[str] | None = None) -> None:
    """sensors: those that hang on the device, where they no longer do; else they are looked up."""
    if sensors is None:
        sensors = list(Sensor.objects.filter(device_id=device).values_list("pk", flat=True))
    rows = [Change(kind="device", key=device)] + [
        Change(kind="sensor", key=sensor) for sensor in sensors
    ]
    Change.objects.bulk_create(rows)


def sensor_changed(sensor: str) -> None:
    Change.objects.create(kind="sensor", key=sensor)


def tokens_changed(digests: list[str]) -> None:
    """digests: SHA-256 of the tokens."""
    Change.objects.bulk_create([Change(kind="token", key=digest) for digest in digests])
