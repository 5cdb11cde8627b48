# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks what the caller may do; request.auth is a Caller (api/auth.py)."""

from django.http import HttpRequest
from ninja.errors import HttpError

from flukso_server.accounts.models import Account
from flukso_server.devices.models import Device, Sensor
from flukso_server.devices.queries import devices_of, sensors_of


def managing(request: HttpRequest) -> Account:
    """Return the account of a caller that may change it. Raises 403 for another."""
    caller = request.auth
    if not caller.manage:
        raise HttpError(403, "this token can only read")
    return caller.account


def reading_all(request: HttpRequest) -> Account:
    """Return the account of a caller that may see all of it. Raises 403 for another."""
    caller = request.auth
    if caller.sensor is not None:
        raise HttpError(403, "this token reads one sensor's series")
    return caller.account


def readable_sensor(request: HttpRequest, sensor: str) -> Sensor:
    """Return a sensor that the caller may read. Raises 404, also for one of somebody else's."""
    caller = request.auth
    row = None
    if caller.sensor in (None, sensor):
        row = sensors_of(caller.account).filter(pk=sensor).first()
    if row is None:
        raise HttpError(404, "no such sensor")
    return row


def own_sensor(request: HttpRequest, sensor: str) -> Sensor:
    """Return a sensor that the caller may change. Raises 403 or 404."""
    managing(request)
    return readable_sensor(request, sensor)


def own_device(request: HttpRequest, device: str) -> Device:
    """Return a device that the caller may change. Raises 403 or 404."""
    row = devices_of(managing(request)).filter(pk=device).first()
    if row is None:
        raise HttpError(404, "no such device")
    return row
