# SPDX-License-Identifier: GPL-3.0-or-later
"""What owners and time do to devices, for tests/server/test_registration.py."""

import secrets
from datetime import timedelta

from django.utils import timezone

from flukso_server.devices.changes import device_changed
from flukso_server.devices.claims import open_rekey_window
from flukso_server.devices.models import Device
from flukso_server.project.networks import of_home


def open_window(device: str, minutes_ago: float) -> None:
    """Open the window for a new key, so long ago."""
    then = timezone.now() - timedelta(minutes=minutes_ago)
    open_rekey_window(Device.objects.get(pk=device), then)


def register_many(count: int, origin: str) -> None:
    """Make devices that registered from this home."""
    home, site, block = of_home(origin)
    place = {"origin": home, "site": site, "block": block}
    Device.objects.bulk_create(
        Device(pk=secrets.token_hex(16), sealed_key=b"", claim_code="", **place)
        for _ in range(count)
    )


def set_ago(device: str, field: str, minutes: float) -> None:
    """Date a field of the device so long ago, and tell the platform that the device changed."""
    then = timezone.now() - timedelta(minutes=minutes)
    assert Device.objects.filter(pk=device).update(**{field: then}) == 1
    device_changed(device)
