# SPDX-License-Identifier: GPL-3.0-or-later
"""Members who invited, follow and see each other, for tests/server/test_membership.py."""

from django.utils import timezone

from flukso_server.accounts.models import Account, Invitation
from flukso_server.accounts.sharing import set_sharing, subscribe
from flukso_server.devices.models import Device, Sensor


def set_clock_late(device: str, late_s: int) -> None:
    """Let the device's clock be so late at its last heartbeat."""
    late = Device.objects.get(pk=device)
    late.beat_time = round(late.seen.timestamp()) - late_s
    late.save()


def relate(password: str, released_sensor: str) -> None:
    """rita was invited by hosts and invited seen and hidden; the three follow each other.

    hidden shares nothing any more. root1 is an operator, goner owns a sensor without a device.
    """

    def make(name: str) -> Account:
        return Account.objects.create_user(name, name + "@example.org", password=password)

    rita, seen, hidden, friend, host = map(make, ("rita", "seen", "hidden", "friend", "hosts"))
    for each in (rita, seen, hidden, friend, host):
        set_sharing(each, "minutes", "all")
    for each in (seen, hidden):
        subscribe(each, "rita")
        subscribe(rita, each.username)
        _invited(rita, each, each.email, each.username)
    _invited(host, rita, "r", "r")
    set_sharing(rita, "minutes", "chosen", [friend, hidden], "stranger")
    set_sharing(hidden, "private")
    Account.objects.create_superuser("root1", password=password)
    Sensor.objects.create(pk=released_sensor, released_by=make("goner"))


def _invited(inviter: Account, guest: Account, email: str, sha256: str) -> None:
    now = timezone.now()
    Invitation.objects.create(
        inviter=inviter,
        email=email,
        sha256=sha256,
        created=now,
        expires=now,
        accepted=now,
        accepted_by=guest,
    )
