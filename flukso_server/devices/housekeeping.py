# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes what has grown old, so that nothing piles up; the hot path runs it hourly."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.contrib.sessions.models import Session

from flukso_server.accounts.models import Account, Invitation
from flukso_server.devices import refusals, unclaimed
from flukso_server.devices.claims import CODE_LIFETIME
from flukso_server.devices.forgetting import forget_noted
from flukso_server.devices.lives import finish_moves
from flukso_server.devices.models import Change, Device, Heartbeat, NewKey, Refusal
from flukso_server.devices.removal import remove_devices

HEARTBEATS_KEPT = timedelta(days=62)
CHANGES_KEPT = timedelta(days=1)  # every process sees them within seconds
UNCLAIMED_KEPT = timedelta(seconds=unclaimed.KEPT_S)  # a device that is on line registers again
SLICE = 1000  # devices removed in one go
UNCONFIRMED_KEPT = timedelta(days=14)  # accounts whose address was never confirmed
INVITATIONS_KEPT = timedelta(days=90)  # after they expired unused; their sender may look them up


def keep_house(now: datetime, forget: Callable[[str], None]) -> int:
    """Remove what has grown old, and return how many devices were removed.

    That is: heartbeats, changes, refusals, new keys, sessions, invitations, accounts that were
    never confirmed, devices that nobody claimed, with their data, and series whose removal was cut
    short or that have moved into another one.
    """
    finish_moves(now)
    forget_noted(forget, now=now)
    Change.objects.filter(at__lt=now - CHANGES_KEPT).delete()
    Heartbeat.objects.filter(at__lt=now - HEARTBEATS_KEPT).delete()
    Refusal.objects.filter(newest__lt=now - refusals.KEPT).delete()
    NewKey.objects.filter(created__lt=now - CODE_LIFETIME).delete()
    Session.objects.filter(expire_date__lt=now).delete()
    Invitation.objects.filter(accepted=None, expires__lt=now - INVITATIONS_KEPT).delete()
    _unconfirmed().filter(date_joined__lt=now - UNCONFIRMED_KEPT).delete()
    old = Device.objects.filter(
        owner=None, imported=False, unclaimed_since__lt=now - UNCLAIMED_KEPT
    )
    return remove_devices(old, forget, SLICE)


def _unconfirmed():
    """Return the accounts that signed up and never logged in.

    An account that an operator made has no address to confirm (accounts/adapter.py).
    """
    pending = Account.objects.filter(
        emailaddress__verified=False, last_login=None, devices=None, is_staff=False
    )
    return pending.exclude(emailaddress__verified=True)
