# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing series for good, in two databases: what is to go is noted in the accounts' one first, so
that no power cut leaves it behind.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from flukso_server.devices.models import Forgotten, Sensor
from flukso_server.series import SeriesError

logger = logging.getLogger("flukso.forgetting")

LATE = timedelta(
    minutes=1
)  # far longer than any process takes uploads of a sensor that was removed (hot/limits.py)


def note(sensors: Iterable[str]) -> None:
    """These series are to go; call it in the transaction that makes them nobody's, and
    forget_noted() after it.
    """
    notes = [Forgotten(sensor=sensor) for sensor in sensors]
    Forgotten.objects.bulk_create(
        notes, update_conflicts=True, update_fields=["gone"], unique_fields=["sensor"]
    )


def forget_noted(
    forget: Callable[[str], None], sensors: Iterable[str] | None = None, now: datetime | None = None
) -> int:
    """Have forget(sensor) remove what is noted of these sensors, or all that is; returns how many
    went. What fails stays noted.

    Where the sensor itself was removed, an upload may have been under way in a process that did not
    know yet: what it left goes when this is called again, after a while.
    """
    found = (
        Forgotten.objects.all()
        if sensors is None
        else Forgotten.objects.filter(pk__in=list(sensors))
    )
    now = now or timezone.now()
    return sum(_forget(forget, sensor, now) for sensor in list(found.values_list("pk", flat=True)))


def _forget(forget: Callable[[str], None], sensor: str, now: datetime) -> bool:
    try:
        with transaction.atomic():
            found = Forgotten.objects.select_for_update().filter(pk=sensor).first()
            if found is None or (found.gone and found.gone > now - LATE):
                return (
                    False  # another process was first, and the sensor may have a new owner by now
                )
            first, removed = found.gone is None, not Sensor.objects.filter(pk=sensor).exists()
            if first or removed:
                forget(sensor)
            if first and removed:
                found.gone = now
                found.save()
            else:
                found.delete()
    except (SeriesError, OSError) as error:
        logger.error("series of sensor %s: %s", sensor, error)
        return False
    return True
