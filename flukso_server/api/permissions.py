# SPDX-License-Identifier: GPL-3.0-or-later
"""What the caller may do; request.auth is a Caller (api/auth.py)."""

from django.http import HttpRequest
from ninja.errors import HttpError

from flukso_server.accounts.models import Account
from flukso_server.devices.models import Device, Sensor
from flukso_server.devices.queries import devices_of, sensors_of


def managing(request: HttpRequest) -> Account:
    """The account, for a caller that may change it. Raises 403."""
    caller = request.auth
    if not caller.manage:
        raise HttpError(403, "this token can only read")
    return caller.account


def reading_all(request: HttpRequest) -> Account:
    """The account, for a caller that may see all of it. Raises 403."""
    caller = request.auth
    if caller.sensor is not None:
        raise HttpError(403, "this token reads one sensor's series")
    return caller.account


def readable_sensor(request: HttpRequest, sensor: str) -> Sensor:
    """Raises 404, also for what is somebody else's."""
    caller = request.auth
    found = (
        sensors_of(caller.account).filter(pk=sensor).first()
        if caller.sensor in (None, sensor)
        else None
    )
    if found is None:
        raise HttpError(404, "no such sensor")
    return found


def own_sensor(request: HttpRequest, sensor: str) -> Sensor:
    managing(request)
    return readable_sensor(request, sensor)


def own_device(request: HttpRequest, device: str) -> Device:
    found = devices_of(managing(request)).filter(pk=device).first()
    if found is None:
        raise HttpError(404, "no such device")
    return found
