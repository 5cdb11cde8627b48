# SPDX-License-Identifier: GPL-3.0-or-later
"""Claiming a device, and giving it a new key (docs/design/protocols.md §8.3, §8.4)."""

import base64
import binascii
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from flukso_server.accounts.models import Account
from flukso_server.devices.changes import device_changed
from flukso_server.devices.models import ClaimAttempt, Device, Forgotten, NewKey, Sensor

CODE_LIFETIME = timedelta(hours=48)  # after a heartbeat
ATTEMPTS_MAX = 5  # wrong codes an account has
ATTEMPTS_SPAN = timedelta(hours=1)
REKEY_WINDOW = timedelta(hours=1)


class ClaimError(ValueError):
    """The code claims nothing; the text is for the person who typed it."""


def tidy_code(text: str) -> str:
    """A code as a person types it: any case, spaces and dashes. Raises ClaimError when it cannot be
    one.
    """
    code = text.upper().replace(" ", "").replace("-", "")
    try:
        if len(code) == 8 and len(base64.b32decode(code)) == 5:
            return code
    except (binascii.Error, ValueError):
        pass
    raise ClaimError(_("A code has 8 characters: letters A to Z and digits 2 to 7."))


def claim_device(account: Account, text: str, now: datetime) -> Device:
    """Give the unclaimed device with this code to the account.

    Raises ClaimError, with the same text for a code that never was, has expired or is taken: a
    guesser learns nothing.
    """
    code = tidy_code(text)
    with transaction.atomic():
        # the account's row is the lock: two requests at once may not both use the fifth attempt
        Account.objects.select_for_update().get(pk=account.pk)
        _check_attempts(account, now)
        claimed = _claim(account, code, now) or _take_new_key(account, code, now)
        if claimed is None:
            ClaimAttempt.objects.create(account=account, at=now)
    if claimed is None:  # outside of the transaction, so that the attempt is counted
        raise ClaimError(
            _("No device with this code: look it up again, and see that the device is on line.")
        )
    return claimed


def _check_attempts(account: Account, now: datetime) -> None:
    ClaimAttempt.objects.filter(account=account, at__lte=now - ATTEMPTS_SPAN).delete()
    if ClaimAttempt.objects.filter(account=account).count() >= ATTEMPTS_MAX:
        raise ClaimError(_("Too many wrong codes: try again in an hour."))


def _claim(account: Account, code: str, now: datetime) -> Device | None:
    fresh = Q(seen__gt=now - CODE_LIFETIME) | Q(imported=True)
    going = Forgotten.objects.filter(gone=None).values("pk")
    empty = ~Exists(
        Sensor.objects.filter(device=OuterRef("pk"), pk__in=going)
    )  # of its last owner's data
    found = list(Device.objects.filter(fresh, empty, claim_code=code, owner=None)[:2])
    if len(found) != 1:  # of 40 bits, two alike are next to impossible, and then nobody gets either
        return None
    if (
        Device.objects.filter(pk=found[0].pk, owner=None).update(
            owner=account, claimed=now, origin=""
        )
        != 1
    ):
        return None  # another request got there first
    device_changed(found[0].pk)
    found[0].refresh_from_db()
    return found[0]


def _take_new_key(account: Account, code: str, now: datetime) -> Device | None:
    """The device of this account that posted the new key with this code while its window was open."""
    found = NewKey.objects.filter(
        device__owner=account, claim_code=code, created__gt=now - CODE_LIFETIME
    ).first()
    if found is None:
        return None
    # the new installation may be an older daemon, and its clock's past is unknown
    values = {
        "sealed_key": found.sealed_key,
        "claim_code": found.claim_code,
        "sign_required": found.signed,
    }
    if (
        Device.objects.filter(pk=found.device_id, owner=account).update(
            **values, beat_time=0, rekey_until=None
        )
        != 1
    ):
        return None  # given up meanwhile
    NewKey.objects.filter(device=found.device_id).delete()
    device_changed(found.device_id)
    return Device.objects.get(pk=found.device_id)


def open_rekey_window(device: Device, now: datetime) -> None:
    """For an hour the device's id may post a new key, which counts once its owner enters its code."""
    with transaction.atomic():
        device.new_keys.all().delete()
        Device.objects.filter(pk=device.pk).update(rekey_until=now + REKEY_WINDOW)


def release_device(device: Device) -> None:
    """Give a device up: it is unclaimed again, and its sensors, with their data, stay with the
    account, without a device.
    """
    with transaction.atomic():
        sensors = [sensor.pk for sensor in device.sensors.all()]
        device.sensors.update(device=None, released_by=device.owner)
        Device.objects.filter(pk=device.pk).update(
            owner=None, claimed=None, name="", unclaimed_since=timezone.now()
        )
        device_changed(device.pk, sensors)
