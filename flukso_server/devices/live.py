# SPDX-License-Identifier: GPL-3.0-or-later
"""While an owner watches, or may be about to claim, devices are asked to upload often
(docs/design/protocols.md §8.6).
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from flukso_server.devices.changes import device_changed
from flukso_server.devices.models import Device

WATCH = timedelta(
    seconds=120
)  # how long one sign of life of the page counts; the device itself goes on for ten minutes
# From its registration, or from being given up, on: somebody is setting the device up, and its page
# is to know when it is claimed. Not for longer, since it costs the household some 50 MB a day. One
# that is claimed later hears of it by its next upload.
SETTING_UP = timedelta(hours=1)
JUST_CLAIMED = timedelta(minutes=10)
RENEW = timedelta(
    seconds=60
)  # left of it when it is written anew: each writing goes to every process


def often_until(
    watched_until: datetime | None, owned: bool, claimed: datetime | None, unclaimed_since: datetime
) -> datetime | None:
    """Until when a device is asked to upload often; None if it never was."""
    begun = claimed if owned else unclaimed_since
    ends = [watched_until, begun and begun + (JUST_CLAIMED if owned else SETTING_UP)]
    return max(filter(None, ends), default=None)


def watch(account, now: datetime) -> int:
    """The account's live page is open; call it at least once a minute while it is. Returns the
    devices that were told anew.
    """
    stale = Q(watched_until=None) | Q(watched_until__lt=now + RENEW)
    with transaction.atomic():
        devices = list(Device.objects.filter(stale, owner=account).values_list("pk", flat=True))
        Device.objects.filter(pk__in=devices).update(watched_until=now + WATCH)
        for device in devices:
            device_changed(device)
    return len(devices)
