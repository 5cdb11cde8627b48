# SPDX-License-Identifier: GPL-3.0-or-later
"""What devices were refused, and what their owners can do about it."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from flukso_server.devices.models import Device, Refusal, Sensor

KEPT = timedelta(days=14)  # after the newest of its kind
ROWS_MAX = 20  # of a device; a device that names many sensors must not fill the disk

# kinds of refusals
BOUND = "bound"  # another device has the sensor
MANY = "many"  # the device has too many sensors
DIGEST = "digest"  # sent with a wrong key, or unsigned
KEY = "key"  # another key was posted
MALFORMED = "malformed"  # a body that cannot be read
FORMER = "former"  # values from before this owner had the device

Counts = Mapping[tuple[str, str, str], int]  # (device, sensor as sent or "", kind): how often


def add(counts: Counts, now: datetime) -> None:
    """Add to what was refused."""
    with transaction.atomic():
        devices = {device for device, _sensor, _kind in counts}
        known = set(Device.objects.filter(pk__in=devices).values_list("pk", flat=True))
        for (device, sensor, kind), count in counts.items():
            if device in known:
                row, _new = Refusal.objects.get_or_create(
                    device_id=device, sensor=sensor, kind=kind
                )
                Refusal.objects.filter(pk=row.pk).update(count=F("count") + count, newest=now)
        for device in known:
            rows = Refusal.objects.filter(device=device).order_by("-newest", "-pk")
            oldest = list(rows.values_list("pk", flat=True)[ROWS_MAX:])
            Refusal.objects.filter(pk__in=oldest).delete()


def settled(device: str, sensor: str, *kinds: str) -> None:
    """Forget what no longer holds."""
    Refusal.objects.filter(device=device, sensor=sensor, kind__in=kinds).delete()


def sentences(device: Device) -> list[str]:
    """Say what was refused, why, and what to do, the newest first."""
    return [_said(row, device) for row in device.refusals.all()]


def _said(row: Refusal, device: Device) -> str:
    names = {"sensor": row.sensor, "count": row.count}
    if row.kind == BOUND:
        return _bound(row, device) % names
    return _SENTENCES[row.kind](row) % names


def _bound(row: Refusal, device: Device) -> str:
    other = Sensor.objects.filter(sent_as=row.sensor, closed=None).select_related("device").first()
    if other is not None and other.device and other.device.owner_id == device.owner_id:
        return _(
            "Sensor %(sensor)s is refused: another device of yours has it. Switch that one off if "
            "this one replaces it: three hours later this one gets the sensor by itself."
        )
    return _(
        "Sensor %(sensor)s is refused: a device that is not yours has it. If that one never sends "
        "a value, yours gets it after a day by itself; otherwise give the sensor a new id in "
        "/etc/config/flukso on the device."
    )


def _many(row: Refusal) -> str:
    return _("Sensor %(sensor)s is refused: this device has too many. Disable some on the device.")


def _digest(row: Refusal) -> str:
    return (
        _(
            "%(count)s uploads of sensor %(sensor)s are refused: they were not signed with this "
            "device's key. If your device sent them, let it send a new key below; if values still "
            "arrive, somebody else uses its id, in vain."
        )
        if row.sensor
        else _(
            "%(count)s heartbeats are refused: they were not signed with this device's key. If "
            "your device sent them, let it send a new key below."
        )
    )


def _key(row: Refusal) -> str:
    return _(
        "%(count)s times a new key is refused. If your device has lost its key, let it send a new "
        "one below and enter its new code; if not, somebody else uses its id, in vain."
    )


def _malformed(row: Refusal) -> str:
    return _(
        "%(count)s messages could not be read: a program that sends for this device makes mistakes."
    )


def _former(row: Refusal) -> str:
    return _(
        "%(count)s values of sensor %(sensor)s are from before this device was yours. They belong "
        "to its former owner and are not taken; there is nothing to do."
    )


_SENTENCES = {
    MANY: _many,
    DIGEST: _digest,
    KEY: _key,
    MALFORMED: _malformed,
    FORMER: _former,
}
