# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells every process that something it may have cached has changed, and reads what was told.

Call the functions that tell in the transaction that makes the change.
"""

from django.db import connection
from django.db.models import Max

from flukso_server.devices.models import Change, Sensor
from flukso_server.project.serial import oldest_open_transaction


def device_changed(device: str, sensors: list[str] | None = None) -> None:
    """Note a change of the device and of its sensors.

    sensors: needed if the database no longer says which sensors were the device's.
    """
    if sensors is None:
        names = _names(Sensor.objects.filter(device_id=device))
    else:
        names = _names(Sensor.objects.filter(pk__in=sensors)) | set(sensors)
    _note([("device", device), *(("sensor", name) for name in sorted(names))])


def sensor_changed(sensor: str) -> None:
    """Note a change of the sensor, while its row is still there, under all its names."""
    names = _names(Sensor.objects.filter(pk=sensor)) | {sensor}
    _note([("sensor", name) for name in sorted(names)])


def _names(sensors) -> set[str]:
    """Return the ids that these sensors are looked up by: of the series, and as it is sent."""
    return {name for row in sensors.values_list("pk", "sent_as") for name in row}


def _note(changes: list[tuple[str, str]]) -> None:
    Change.objects.bulk_create([Change(kind=kind, key=key) for kind, key in changes])


def tokens_changed(digests: list[str]) -> None:
    """digests: SHA-256 of the tokens."""
    Change.objects.bulk_create([Change(kind="token", key=digest) for digest in digests])


def mark() -> int:
    """Where reading begins: read(mark()) holds each change that is not committed yet."""
    if connection.vendor == "postgresql":
        return oldest_open_transaction()
    return Change.objects.aggregate(newest=Max("pk"))["newest"] or 0


def read(since: int) -> tuple[list[tuple[int, str, str]], int]:
    """The changes (id, kind, key) that were committed since the mark `since`, and the next mark.

    On PostgreSQL a row's id and its transaction's number are given before the commit, so neither
    tells what is new. Whatever a look does not see has a transaction that was open, or had not
    begun, when the look began: its number is not below the oldest that was open then. That number
    is the next mark. Rows of transactions that were over by then may be read twice.
    """
    if connection.vendor == "postgresql":
        following = oldest_open_transaction()
        rows = Change.objects.filter(transaction__gte=since)
        return list(rows.values_list("pk", "kind", "key")), following
    rows = Change.objects.filter(pk__gt=since).order_by("pk").values_list("pk", "kind", "key")
    found = list(rows)
    return found, found[-1][0] if found else since
