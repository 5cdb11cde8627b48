# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices that are made known beforehand, by whoever flashed them."""

import csv
import re
from collections.abc import Iterable, Iterator

from devices.changes import device_changed, sensor_changed
from devices.digests import claim_code
from devices.models import Device, Sensor
from devices.registration import SENSORS_MAX
from devices.seal import Sealer
from django.db import transaction

_HEX_32 = re.compile(r"[0-9a-f]{32}")


class ProvisioningError(ValueError):
    """A line of the list cannot be taken; nothing of the list was."""


def import_devices(lines: Iterable[str], sealer: Sealer) -> Iterator[tuple[str, str]]:
    """Store the devices of CSV lines `device,key[,sensor…]`, all or none; yield (device, claim code) of each.

    Raises ProvisioningError, which names the line and never the key. A device that is stored with the same key is taken as it is.
    """
    with transaction.atomic():
        rows = [_import(number, row, sealer) for number, row in enumerate(csv.reader(lines), 1) if _is_row(row)]
    yield from rows


def _is_row(row: list[str]) -> bool:
    return bool(row) and not row[0].startswith("#") and row[0].strip() != "device"


def _import(number: int, row: list[str], sealer: Sealer) -> tuple[str, str]:
    device, key, *sensors = [field.strip().lower() for field in row] + ([""] if len(row) == 1 else [])
    if not all(_HEX_32.fullmatch(field) for field in (device, key, *sensors)):
        raise ProvisioningError(f"line {number}: device, key and sensors have 32 hex digits each")
    if len(sensors) > SENSORS_MAX:
        raise ProvisioningError(f"line {number}: more than {SENSORS_MAX} sensors")
    code = claim_code(key.encode(), device)
    found = Device.objects.filter(pk=device).first()
    if found is None:
        Device.objects.create(pk=device, sealed_key=sealer.seal(device, key.encode()), claim_code=code, imported=True)
    elif sealer.open(device, bytes(found.sealed_key)) != key.encode():
        raise ProvisioningError(f"line {number}: the device is known with another key")
    for sensor in sensors:
        bound, _ = Sensor.objects.get_or_create(pk=sensor, defaults={"device_id": device})
        if bound.device_id != device:
            raise ProvisioningError(f"line {number}: sensor {sensor} is bound to another device")
        sensor_changed(sensor)
    device_changed(device, [])
    return device, code
