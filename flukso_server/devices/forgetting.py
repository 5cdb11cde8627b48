# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes series for good.

Accounts and series are two databases. A series to be removed is first noted in the accounts'
database, so that it goes even if the power is cut in between.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from flukso_server.devices.models import Forgotten, Moved, Sensor
from flukso_server.series import SeriesError

logger = logging.getLogger("flukso.forgetting")

# far longer than any process goes on to store uploads of a removed sensor (hot/limits.py)
LATE = timedelta(minutes=1)


def note(sensors: Iterable[str]) -> None:
    """Note that these series are to be removed.

    Call it in the transaction that takes them from their owner, and forget_noted() after it. What
    was on its way into one of them goes with it.
    """
    sensors = list(sensors)
    underway = Moved.objects.filter(into__in=sensors)
    sensors += underway.values_list("pk", flat=True)
    underway.delete()
    notes = [Forgotten(sensor=sensor) for sensor in sensors]
    Forgotten.objects.bulk_create(
        notes, update_conflicts=True, update_fields=["gone"], unique_fields=["sensor"]
    )


def forget_noted(
    forget: Callable[[str], None], sensors: Iterable[str] | None = None, now: datetime | None = None
) -> int:
    """Call forget(sensor) for the noted ones of these sensors, or for all that are noted.

    Returns how many series were removed. One whose removal fails stays noted. If the sensor itself
    was removed, a process that did not know yet may have stored one more upload: a later call
    removes that, too.
    """
    noted = (
        Forgotten.objects.all()
        if sensors is None
        else Forgotten.objects.filter(pk__in=list(sensors))
    )
    now = now or timezone.now()
    return sum(_forget(forget, sensor, now) for sensor in list(noted.values_list("pk", flat=True)))


def _forget(forget: Callable[[str], None], sensor: str, now: datetime) -> bool:
    try:
        with transaction.atomic():
            row = Forgotten.objects.select_for_update().filter(pk=sensor).first()
            if row is None or (row.gone and row.gone > now - LATE):
                return False  # another process did it; the sensor may have a new owner by now
            first, removed = row.gone is None, not Sensor.objects.filter(pk=sensor).exists()
            if first or removed:
                forget(sensor)
            if first and removed:
                row.gone = now
                row.save()
            else:
                row.delete()
    except (SeriesError, OSError) as error:
        logger.error("series of sensor %s: %s", sensor, error)
        return False
    return True
