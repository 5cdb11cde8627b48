# SPDX-License-Identifier: GPL-3.0-or-later
"""What owners and time do to devices, for tests/server/test_registration.py."""

from datetime import timedelta

from django.utils import timezone

from flukso_server.devices.changes import device_changed
from flukso_server.devices.claims import open_rekey_window, release_device
from flukso_server.devices.models import Device, Sensor
from flukso_server.devices.queries import sensors_of


def open_window(device: str, minutes_ago: float) -> None:
    """Open the window for a new key, so long ago."""
    then = timezone.now() - timedelta(minutes=minutes_ago)
    open_rekey_window(Device.objects.get(pk=device), then)


def release(device: str) -> None:
    release_device(Device.objects.get(pk=device))


def owner_of_released(sensor: str) -> tuple[str, bool]:
    """Return who gave the sensor's device up, and whether the sensor is still among theirs."""
    left = Sensor.objects.get(pk=sensor, device=None)
    assert left.released_by is not None
    return left.released_by.username, sensors_of(left.released_by).filter(pk=sensor).exists()


def register_many(count: int, origin: str) -> None:
    """Make devices that registered from this place."""
    Device.objects.bulk_create(
        Device(pk=f"{n:032x}", sealed_key=b"", claim_code="", origin=origin) for n in range(count)
    )


def set_ago(device: str, field: str, minutes: float) -> None:
    """Date a field of the device so long ago, and tell the platform that the device changed."""
    then = timezone.now() - timedelta(minutes=minutes)
    assert Device.objects.filter(pk=device).update(**{field: then}) == 1
    device_changed(device)
