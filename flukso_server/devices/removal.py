# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes devices and sensors with all that is kept of them.

forget(sensor) removes a sensor's series; it is called once the rest has been committed.
"""

from collections.abc import Callable

from django.db import transaction
from django.db.models import QuerySet

from flukso_server.devices.changes import device_changed, sensor_changed
from flukso_server.devices.forgetting import forget_noted, note
from flukso_server.devices.models import Device, Sensor


def remove_devices(
    devices: QuerySet[Device], forget: Callable[[str], None], most: int | None = None
) -> int:
    """Remove these devices, or `most` of them, with their sensors; return how many.

    A device that leaves the query set meanwhile (somebody claims it) stays.
    """
    removed = 0
    for device in list(devices.values_list("pk", flat=True)[:most]):
        with transaction.atomic():
            if not devices.filter(pk=device).exists():
                continue
            sensors = list(Sensor.objects.filter(device_id=device).values_list("pk", flat=True))
            device_changed(device, sensors)
            _remove(sensors, forget)
            Device.objects.filter(pk=device).delete()
        removed += 1
    return removed


def remove_sensors(sensors: QuerySet[Sensor], forget: Callable[[str], None]) -> None:
    """Remove these sensors. A device that sends their configuration again binds them, empty."""
    with transaction.atomic():
        names = list(sensors.values_list("pk", flat=True))
        for sensor in names:
            sensor_changed(sensor)
        _remove(names, forget)


def _remove(sensors: list[str], forget: Callable[[str], None]) -> None:
    note(sensors)
    Sensor.objects.filter(pk__in=sensors).delete()
    transaction.on_commit(lambda: forget_noted(forget, sensors))
