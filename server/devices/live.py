# SPDX-License-Identifier: GPL-3.0-or-later
"""While an owner watches, their devices are asked to upload often (docs/protocols.md §8.6)."""

from datetime import datetime, timedelta

from devices.changes import device_changed
from devices.models import Device
from django.db import transaction
from django.db.models import Q

WATCH = timedelta(seconds=120)  # how long one sign of life of the page counts; the device itself goes on for ten minutes
RENEW = timedelta(seconds=60)  # left of it when it is written anew: each writing goes to every process


def watch(account, now: datetime) -> int:
    """The account's live page is open; call it at least once a minute while it is. Returns the devices that were told anew."""
    stale = Q(watched_until=None) | Q(watched_until__lt=now + RENEW)
    with transaction.atomic():
        devices = list(Device.objects.filter(stale, owner=account).values_list("pk", flat=True))
        Device.objects.filter(pk__in=devices).update(watched_until=now + WATCH)
        for device in devices:
            device_changed(device)
    return len(devices)
