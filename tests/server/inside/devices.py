# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of devices."""

from django.utils import timezone

from flukso_server.accounts.models import Account
from flukso_server.devices import live
from flukso_server.devices.models import Device, Heartbeat, NewKey
from flukso_server.devices.seal import sealer


def secrets(device: str) -> list[str]:
    """Give the device a new key; return what a page could show of the secrets of both keys."""
    known = Device.objects.get(pk=device)
    sealed_key = sealer().seal(device, b"f" * 32)
    new = NewKey.objects.create(device=known, sealed_key=sealed_key, claim_code="WXYZ2345")
    shown = []
    for each in (known, new):
        sealed = bytes(each.sealed_key)
        escaped = repr(sealed[:12])[2:-1].replace(" ", "")
        shown += [each.claim_code, sealed.hex(), sealed[1:].hex()[:24], escaped]
    return shown


def beat(device: str) -> int:
    """Note a heartbeat now; return its key."""
    return Heartbeat.objects.create(device_id=device, at=timezone.now()).pk


def watch(name: str) -> int:
    """Let the member look on from now on; return how many devices hurry for it."""
    return live.watch(Account.objects.get(username=name), timezone.now())
