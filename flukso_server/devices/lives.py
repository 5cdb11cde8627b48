# SPDX-License-Identifier: GPL-3.0-or-later
"""A device's whole life: which series it fills when it is given on, claimed again or replaced."""

import logging
import secrets
import time
from datetime import datetime

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from flukso_server.devices import limits
from flukso_server.devices.changes import device_changed, sensor_changed
from flukso_server.devices.digests import claim_code
from flukso_server.devices.forgetting import LATE, note
from flukso_server.devices.models import ClaimNumber, Device, Forgotten, Moved, Sensor
from flukso_server.devices.seal import SealError, sealer
from flukso_server.project.stores import note_late, store
from flukso_server.series import SeriesError
from flukso_server.series.admission import MAX_TUPLES
from flukso_server.series.appending import append
from flukso_server.series.localtime import DAY_S

logger = logging.getLogger("flukso.lives")

# From the click to the end of a series. Every process hears of a change within 10 s and takes
# values from up to 120 s ahead, so no value from after the end is ever stored in that series.
HANDOVER_S = 130
DESCRIBED = (
    "type",
    "sensor_class",
    "function",
    "voltage",
    "current",
    "phase",
    "constant",
    "enabled",
)
_PLACE = ("device_id", "sent_as", "bound", "proven")


class LifeError(ValueError):
    """The series cannot go on like this; the text is for its owner."""


def claim_number(device: str) -> int:
    """Return how often the device was given on, 0 for one that never was (§8.3)."""
    row = ClaimNumber.objects.filter(pk=device).values_list("number", flat=True).first()
    return row or 0


def code_for(key: bytes, device: str) -> str:
    """Return the claim code that is in force for a device with this key."""
    return claim_code(key, device, claim_number(device))


def raise_claim_number(device: Device) -> str:
    """Make the known claim codes of the device worthless, and return the new one.

    It is empty, which nobody can enter, if the device's key cannot be opened.
    """
    row, _new = ClaimNumber.objects.select_for_update().get_or_create(
        pk=device.pk, defaults={"number": 0}
    )
    row.number += 1
    row.save()
    try:
        key = sealer().open(device.pk, bytes(device.sealed_key))
    except SealError:
        return ""
    return claim_code(key, device.pk, row.number)


def boundary(now: datetime) -> int:
    """Return when a series ends whose device changes hands now, in unix s."""
    return int(now.timestamp()) + HANDOVER_S


def give_on(device: Device, now: datetime) -> None:
    """Take a device from its owner, who keeps its series; they end now, and new ones begin.

    What the device still has from before is added to the old ones until somebody claims it.
    """
    with transaction.atomic():
        row = Device.objects.select_for_update().get(pk=device.pk)
        if row.owner_id is None:
            return  # it has been given on meanwhile
        end = boundary(now)
        sensors = list(row.sensors.select_for_update())
        for sensor in sensors:
            _close(sensor, row.owner_id, end)
            _follow(sensor, end)
        row.new_keys.all().delete()
        row.refusals.all().delete()
        Device.objects.filter(pk=row.pk).update(
            owner=None,
            claimed=None,
            name="",
            unclaimed_since=now,
            rekey_until=None,
            watched_until=None,
            claim_code=raise_claim_number(row),
        )
        device_changed(row.pk)
        for sensor in sensors:
            sensor_changed(sensor.pk)


def _close(sensor: Sensor, owner: int, end: int) -> None:
    Sensor.objects.filter(pk=sensor.pk).update(device=None, released_by=owner, closed=end)


def _follow(sensor: Sensor, begins: int) -> None:
    """Open a series for what a device sends on as this sensor."""
    described = {name: getattr(sensor, name) for name in DESCRIBED}
    fresh = Sensor.objects.create(
        pk=secrets.token_hex(16),
        device_id=sensor.device_id,
        sent_as=sensor.sent_as,
        begins=begins,
        **described,
    )
    transaction.on_commit(lambda: limits.note(fresh.pk))


def open_series(sent_as: str, device: str) -> Sensor:
    """Open a series for an id that no open one has; it begins after those that were closed."""
    ended = Sensor.objects.filter(sent_as=sent_as).aggregate(last=Max("closed"))["last"]
    taken = any(
        rows.filter(pk=sent_as).exists()
        for rows in (Sensor.objects, Moved.objects, Forgotten.objects.filter(gone=None))
    )
    return Sensor.objects.create(
        pk=secrets.token_hex(16) if taken else sent_as,
        sent_as=sent_as,
        device_id=device,
        begins=ended or 0,
    )


def oust(sensor: Sensor) -> None:
    """Free the id of a sensor whose device never proved that it is its own.

    Its owner, if there is one, keeps it and what they imported into it.
    """
    owner = sensor.device.owner_id if sensor.device else sensor.released_by_id
    sensor_changed(sensor.pk)
    if owner is None:
        note([sensor.pk])
        sensor.delete()
        return
    Sensor.objects.filter(pk=sensor.pk).update(
        device=None, released_by=owner, closed=int(time.time()), sent_as=secrets.token_hex(16)
    )


def take_up(device: Device) -> None:
    """Let the series of the device's owner go on that ended when they gave the same device on."""
    for fresh in device.sensors.all():
        kept = Sensor.objects.filter(
            sent_as=fresh.sent_as, released_by=device.owner_id, device=None, closed=fresh.begins
        ).first()
        if kept is not None and may_go_on(kept, fresh):
            go_on(kept, fresh)


def may_go_on(kept: Sensor, fresh: Sensor) -> bool:
    """Tell whether go_on() takes these two, which belong to one account."""
    apart = fresh.device_id not in (None, kept.device_id) and fresh.pk != kept.pk
    return apart and fresh.type == kept.type


def go_on(kept: Sensor, fresh: Sensor) -> None:
    """Let a series go on with what another sensor of its owner counts, which it absorbs.

    Values that `fresh` has after the newest one of `kept` are copied. Raises LifeError if they
    count different things, or if `fresh` is no sensor of a device.
    """
    if fresh.device_id is None or fresh.pk == kept.pk or fresh.device_id == kept.device_id:
        raise LifeError(_("Choose a sensor of another device of yours."))
    if fresh.type != kept.type:
        raise LifeError(_("The two sensors count different things."))
    last = store().last(kept.pk)
    with transaction.atomic():
        names = (*DESCRIBED, *_PLACE)
        values = Sensor.objects.select_for_update().filter(pk=fresh.pk).values(*names).first()
        if values is None:
            raise LifeError(_("Choose a sensor of another device of yours."))
        sensor_changed(fresh.pk)
        Sensor.objects.filter(pk=fresh.pk).delete()
        Sensor.objects.filter(pk=kept.pk).update(closed=None, released_by=None, **values)
        sensor_changed(kept.pk)
        Moved.objects.filter(into=fresh.pk).update(into=kept.pk)
        Moved.objects.create(pk=fresh.pk, into=kept.pk, since=last[0] if last else 0)
        transaction.on_commit(lambda: limits.note(kept.pk))
        transaction.on_commit(lambda: _copy_noted(fresh.pk))


def finish_moves(now: datetime) -> None:
    """Copy once more what was moved, and have the emptied series removed.

    A process that had not heard of the move yet may have stored an upload in the old place.
    """
    for moved in list(Moved.objects.filter(at__lt=now - LATE)):
        if _copy_noted(moved.pk):
            with transaction.atomic():
                note([moved.pk])
                Moved.objects.filter(pk=moved.pk).delete()


def _copy_noted(sensor: str) -> bool:
    """Return whether all is copied; what fails stays noted, and is tried again hourly."""
    moved = Moved.objects.filter(pk=sensor).first()
    try:
        if moved is not None:
            _copy(sensor, moved.into, moved.since + 1)
    except (SeriesError, OSError) as error:
        logger.error("series of sensor %s is not moved yet: %s", sensor, error)
        return False
    return moved is not None


def _copy(sensor: str, into: str, since: int) -> None:
    kept = store()
    first, last = kept.first(sensor), kept.last(sensor)
    if first is None or last is None or last[0] < since:
        return
    now = int(time.time())
    for start in range(max(first, since), last[0] + 1, DAY_S):
        tuples = kept.raw(sensor, start, min(start + DAY_S, last[0] + 1))
        for begin in range(0, len(tuples), MAX_TUPLES):
            append(kept, into, tuples[begin : begin + MAX_TUPLES], now)
        if tuples:
            note_late(into, tuples[0][0])
