# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks devices to upload often while somebody watches, or sets them up.

docs/design/protocols.md §8.6 says how.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from flukso_server.devices.changes import device_changed
from flukso_server.devices.models import Device

WATCH = timedelta(seconds=120)  # after a sign of life of the page; the device adds ten minutes
# After a device has registered, or was given up, somebody is probably setting it up, and its own
# page is to show at once that it is claimed. A longer time would cost the household some 50 MB a
# day; a device that is claimed later learns it with its next upload.
SETTING_UP = timedelta(hours=1)
JUST_CLAIMED = timedelta(minutes=10)
RENEW = timedelta(seconds=60)  # before its end WATCH is renewed, which every process must be told


def often_until(
    watched_until: datetime | None, owned: bool, claimed: datetime | None, unclaimed_since: datetime
) -> datetime | None:
    """Return until when a device is asked to upload often; None if it never was."""
    begun = claimed if owned else unclaimed_since
    ends = [watched_until, begun and begun + (JUST_CLAIMED if owned else SETTING_UP)]
    return max(filter(None, ends), default=None)


def watch(account, now: datetime) -> int:
    """Note that the account's live page is open; call it at least once a minute while it is.

    Returns how many devices had to be noted anew.
    """
    stale = Q(watched_until=None) | Q(watched_until__lt=now + RENEW)
    with transaction.atomic():
        devices = list(Device.objects.filter(stale, owner=account).values_list("pk", flat=True))
        Device.objects.filter(pk__in=devices).update(watched_until=now + WATCH)
        for device in devices:
            device_changed(device)
    return len(devices)
