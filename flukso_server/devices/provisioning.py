# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes in lists of devices from whoever flashed them."""

import csv
import re
import time
from collections import namedtuple
from collections.abc import Iterable, Iterator

from django.db import transaction

from flukso_server.devices.changes import device_changed, sensor_changed
from flukso_server.devices.lives import code_for, open_series
from flukso_server.devices.models import Device, Sensor
from flukso_server.devices.registration import SENSORS_MAX
from flukso_server.devices.seal import Sealer, SealError

SLICE = 100  # devices in one transaction; registrations and heartbeats wait for it, some 50 ms
# Between two slices, so that others find the lock free: SQLite looks for it every 100 ms.
PAUSE_S = 0.12

_HEX_32 = re.compile(r"[0-9a-f]{32}")
_Row = namedtuple("_Row", ("line", "device", "key", "sensors"))


class ProvisioningError(ValueError):
    """A line is wrong, and nothing is stored.

    Only if devices change while the list is being stored, a part of it may be.
    """


def import_devices(lines: Iterable[str], sealer: Sealer) -> Iterator[tuple[str, str]]:
    """Check CSV lines `device,key[,sensor…]`, then store their devices in slices.

    Yields (device, claim code) for each stored device. Raises ProvisioningError, which names the
    line and never the key. A device that is stored already with the same key stays as it is, so a
    list whose import was cut short can be imported again.
    """
    rows = [_parse(number, row) for number, row in enumerate(csv.reader(lines), 1) if _is_row(row)]
    _check_among(rows)
    for row in rows:
        _check(row, sealer)
    for begin in range(0, len(rows), SLICE):
        if begin:
            time.sleep(PAUSE_S)
        part = rows[begin : begin + SLICE]
        with transaction.atomic():
            for row in part:
                _store(row, sealer)
        for row in part:
            yield row.device, code_for(row.key, row.device)


def _is_row(row: list[str]) -> bool:
    return bool(row) and not row[0].startswith("#") and row[0].strip() != "device"


def _parse(line: int, row: list[str]) -> _Row:
    device, key, *sensors = [field.strip().lower() for field in row] + (
        [""] if len(row) == 1 else []
    )
    if not all(_HEX_32.fullmatch(field) for field in (device, key, *sensors)):
        raise ProvisioningError(f"line {line}: device, key and sensors have 32 hex digits each")
    if len(sensors) > SENSORS_MAX:
        raise ProvisioningError(f"line {line}: more than {SENSORS_MAX} sensors")
    return _Row(line, device, key.encode(), sensors)


def _check_among(rows: list[_Row]) -> None:
    """Refuse a list that gives a device two keys, or a sensor to two devices."""
    keys: dict[str, bytes] = {}
    devices: dict[str, str] = {}
    for row in rows:
        if keys.setdefault(row.device, row.key) != row.key:
            raise ProvisioningError(f"line {row.line}: the device has another key above")
        for sensor in row.sensors:
            if devices.setdefault(sensor, row.device) != row.device:
                raise ProvisioningError(
                    f"line {row.line}: sensor {sensor} is another device's above"
                )


def _check(row: _Row, sealer: Sealer) -> Device | None:
    """Return the device if it is stored already. Raises ProvisioningError for a conflict."""
    device = Device.objects.filter(pk=row.device).first()
    if device is not None:
        try:
            same = sealer.open(row.device, bytes(device.sealed_key)) == row.key
        except SealError as error:
            raise ProvisioningError(f"line {row.line}: {error}") from error
        if not same:
            raise ProvisioningError(f"line {row.line}: the device is known with another key")
    taken = Sensor.objects.filter(sent_as__in=row.sensors, closed=None)
    bound = taken.exclude(device=row.device).first()
    if bound is not None:
        raise ProvisioningError(
            f"line {row.line}: sensor {bound.sent_as} is bound to another device"
        )
    return device


def _store(row: _Row, sealer: Sealer) -> None:
    if _check(row, sealer) is None:
        code = code_for(row.key, row.device)
        Device.objects.create(
            pk=row.device,
            sealed_key=sealer.seal(row.device, row.key),
            claim_code=code,
            imported=True,
        )
    for sensor in row.sensors:
        if not Sensor.objects.filter(sent_as=sensor, closed=None).exists():
            open_series(sensor, row.device)
        sensor_changed(sensor)
    device_changed(row.device, [])
