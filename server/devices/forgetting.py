# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing series for good, in two databases: what is to go is noted in the accounts' one first, so that no power cut leaves it behind."""

import logging
from collections.abc import Callable, Iterable

from devices.models import Forgotten
from django.db import transaction
from series import SeriesError

logger = logging.getLogger("flukso.forgetting")


def note(sensors: Iterable[str]) -> None:
    """These series are to go; call it in the transaction that makes them nobody's, and forget_noted() after it."""
    Forgotten.objects.bulk_create([Forgotten(sensor=sensor) for sensor in sensors], ignore_conflicts=True)


def forget_noted(forget: Callable[[str], None], sensors: Iterable[str] | None = None) -> int:
    """Have forget(sensor) remove what is noted of these sensors, or all that is; returns how many went. What fails stays noted."""
    found = Forgotten.objects.all() if sensors is None else Forgotten.objects.filter(pk__in=list(sensors))
    return sum(_forget(forget, sensor) for sensor in list(found.values_list("pk", flat=True)))


def _forget(forget: Callable[[str], None], sensor: str) -> bool:
    try:
        with transaction.atomic():
            if Forgotten.objects.select_for_update().filter(pk=sensor).first() is None:
                return False  # another process was first, and the sensor may have a new owner by now
            forget(sensor)
            Forgotten.objects.filter(pk=sensor).delete()
    except (SeriesError, OSError) as error:
        logger.error("series of sensor %s: %s", sensor, error)
        return False
    return True
