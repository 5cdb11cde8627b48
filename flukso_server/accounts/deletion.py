# SPDX-License-Identifier: GPL-3.0-or-later
"""Deletes an account with all that is kept of it."""

from collections.abc import Callable

from django.db import transaction
from django.utils import timezone

from flukso_server.accounts.models import Account
from flukso_server.devices.changes import device_changed, sensor_changed
from flukso_server.devices.forgetting import forget_noted, note
from flukso_server.devices.lives import boundary, raise_claim_number
from flukso_server.devices.models import Device, Heartbeat, Sensor
from flukso_server.devices.queries import sensors_of

_BLANK = {
    "name": "",
    "ahead_tuples": 0,
    "ahead_s": 0,
    "old_tuples": 0,
    "conflicts": 0,
    "odd_tuples": 0,
    "trouble_at": None,
}


def delete_account(account: Account, forget: Callable[[str], None]) -> None:
    """Delete the account with its tokens and its series.

    forget() removes the series of one sensor; what it cannot remove now, housekeeping does later.
    The devices become unclaimed, so that whoever has them now can claim them once they are empty.
    """
    sensors = list(sensors_of(account).values_list("pk", flat=True))
    with transaction.atomic():
        note(sensors)
        for device in Device.objects.select_for_update().filter(owner=account):
            Heartbeat.objects.filter(device=device).delete()
            device.new_keys.all().delete()
            device.refusals.all().delete()
            begins = boundary(timezone.now())  # what it still has is not for its next owner
            Sensor.objects.filter(device=device).update(begins=begins, **_BLANK)
            Device.objects.filter(pk=device.pk).update(
                owner=None,
                claimed=None,
                name="",
                unclaimed_since=timezone.now(),
                rekey_until=None,
                watched_until=None,
                claim_code=raise_claim_number(device),
            )
            device_changed(device.pk)
        for sensor in Sensor.objects.filter(device=None, released_by=account):
            sensor_changed(sensor.pk)
            sensor.delete()
        account.delete()
    forget_noted(forget, sensors)
