# SPDX-License-Identifier: GPL-3.0-or-later
"""Claiming a device, and giving it a new key (docs/design/protocols.md §8.3, §8.4)."""

import base64
import binascii
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from flukso_server.accounts.models import Account
from flukso_server.devices.changes import device_changed
from flukso_server.devices.lives import take_up
from flukso_server.devices.models import ClaimAttempt, Device, Forgotten, NewKey, Sensor

CODE_LIFETIME = timedelta(hours=48)  # after the newest heartbeat
ATTEMPTS_MAX = 5  # wrong codes that an account may enter within ATTEMPTS_SPAN
ATTEMPTS_SPAN = timedelta(hours=1)
REKEY_WINDOW = timedelta(hours=1)


class ClaimError(ValueError):
    """The code claims nothing; the text is for the person who typed it."""


def tidy_code(text: str) -> str:
    """Return the code that a person typed, in any case, with spaces or dashes.

    Raises ClaimError for a text that cannot be a code.
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
        # This locks the account: two requests at once must not both use the fifth attempt.
        Account.objects.select_for_update().get(pk=account.pk)
        _check_attempts(account, now)
        claimed = _claim(account, code, now) or _confirm_new_key(account, code, now)
        if claimed is None:
            ClaimAttempt.objects.create(account=account, at=now)
    if claimed is None:  # here the transaction has ended, so the attempt is counted
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
    # The data of its last owner must have gone.
    leaving = Forgotten.objects.filter(gone=None).values("pk")
    empty = ~Exists(Sensor.objects.filter(device=OuterRef("pk"), pk__in=leaving))
    devices = list(Device.objects.filter(fresh, empty, claim_code=code, owner=None)[:2])
    # A code has 40 bits: two devices hardly ever share one, and then nobody gets either.
    if len(devices) != 1:
        return None
    device = devices[0]
    unclaimed = Device.objects.filter(pk=device.pk, owner=None)
    nowhere = {"origin": "", "site": "", "block": ""}
    if unclaimed.update(owner=account, claimed=now, **nowhere) != 1:
        return None  # another request got there first
    device_changed(device.pk)
    device.refresh_from_db()
    take_up(device)
    return device


def _confirm_new_key(account: Account, code: str, now: datetime) -> Device | None:
    """Make the new key with this code that of its device, which belongs to the account.

    Returns the device, None if no such key was posted while the device's window was open.
    """
    new_key = NewKey.objects.filter(
        device__owner=account, claim_code=code, created__gt=now - CODE_LIFETIME
    ).first()
    if new_key is None:
        return None
    # The new installation may be an older daemon, and its clock may have been wrong.
    values = {
        "sealed_key": new_key.sealed_key,
        "claim_code": new_key.claim_code,
        "sign_required": new_key.signed,
        "beat_time": 0,
        "rekey_until": None,
    }
    own = Device.objects.filter(pk=new_key.device_id, owner=account)
    if own.update(**values) != 1:
        return None  # it was given up meanwhile
    NewKey.objects.filter(device=new_key.device_id).delete()
    device_changed(new_key.device_id)
    return Device.objects.get(pk=new_key.device_id)


def open_rekey_window(device: Device, now: datetime) -> None:
    """Allow the device to post a new key for an hour.

    The key counts once the owner enters its code.
    """
    with transaction.atomic():
        device.new_keys.all().delete()
        Device.objects.filter(pk=device.pk).update(rekey_until=now + REKEY_WINDOW)
