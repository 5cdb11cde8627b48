# SPDX-License-Identifier: GPL-3.0-or-later
"""The caller's devices and sensors."""

from django.http import HttpRequest
from django.utils import timezone
from ninja import Path, Router
from ninja.errors import HttpError

from flukso_server.api.permissions import (
    managing,
    own_device,
    own_sensor,
    readable_sensor,
    reading_all,
)
from flukso_server.api.schemas import (
    ClaimIn,
    ContinueIn,
    DeviceOut,
    Error,
    HexId,
    Named,
    SensorIn,
    SensorOut,
)
from flukso_server.devices import refusals
from flukso_server.devices.claims import ClaimError, claim_device, open_rekey_window
from flukso_server.devices.lives import LifeError, give_on, go_on
from flukso_server.devices.models import Device, Sensor
from flukso_server.devices.queries import devices_of, sensors_of, troubles
from flukso_server.project.stores import store

router = Router()
ERRORS = {401: Error, 403: Error, 404: Error, 422: Error}


def device_out(device: Device) -> dict:
    names = ("id", "name", "seen", "version", "uptime_s", "resets")
    return {name: getattr(device, name) for name in names} | {
        "sensors": [sensor.pk for sensor in device.sensors.all()],
        "refusals": refusals.sentences(device),
    }


def sensor_out(sensor: Sensor) -> dict:
    names = ("id", "name", "role", "type", "function", "enabled", "sent_as", "closed")
    return {name: getattr(sensor, name) for name in names} | {
        "device": sensor.device_id,
        "class": sensor.sensor_class,
        "last": list(store().last(sensor.pk) or ()),
        "imported_until": store().imported_until(sensor.pk) or None,
        "troubles": troubles(sensor),
    }


@router.get("devices", response={200: list[DeviceOut], 401: Error, 403: Error})
def read_devices(request: HttpRequest):
    """Your devices, and what their last heartbeats said."""
    return [device_out(device) for device in devices_of(reading_all(request))]


@router.post(
    "devices/claim", response={200: DeviceOut, 401: Error, 403: Error, 409: Error, 422: Error}
)
def claim(request: HttpRequest, wanted: ClaimIn):
    """Make a device yours by the code that its own page shows. Five wrong codes an hour are all."""
    try:
        device = claim_device(managing(request), wanted.code, timezone.now())
    except ClaimError as error:
        raise HttpError(409, str(error)) from error
    return device_out(device)


@router.patch("devices/{device}", response={200: DeviceOut} | ERRORS)
def rename_device(request: HttpRequest, device: Path[HexId], change: Named):
    """Give a device a name."""
    row = own_device(request, device)
    row.name = change.name
    row.save(update_fields=["name"])
    return device_out(row)


@router.post("devices/{device}/window", response={204: None} | ERRORS)
def open_window(request: HttpRequest, device: Path[HexId]):
    """For an hour the device, its key lost, may post a new one; claim it then by its new code."""
    open_rekey_window(own_device(request, device), timezone.now())
    return 204, None


@router.delete("devices/{device}", response={204: None} | ERRORS)
def give_up_device(request: HttpRequest, device: Path[HexId]):
    """It is nobody's again, and needs a new code to be claimed. Its sensors' series end and stay
    yours; it begins new ones for whoever claims it.
    """
    give_on(own_device(request, device), timezone.now())
    return 204, None


@router.get("sensors", response={200: list[SensorOut], 401: Error, 403: Error}, by_alias=True)
def read_sensors(request: HttpRequest):
    """Your sensors, and what was wrong with their uploads."""
    return [sensor_out(sensor) for sensor in sensors_of(reading_all(request))]


@router.get("sensors/{sensor}", response={200: SensorOut} | ERRORS, by_alias=True)
def read_sensor(request: HttpRequest, sensor: Path[HexId]):
    """One of them."""
    return sensor_out(readable_sensor(request, sensor))


@router.patch("sensors/{sensor}", response={200: SensorOut} | ERRORS, by_alias=True)
def change_sensor(request: HttpRequest, sensor: Path[HexId], change: SensorIn):
    """Its name, and what its energy is in your household's balance; what is left out stays."""
    row = own_sensor(request, sensor)
    values = change.dict(exclude_none=True)
    for name, value in values.items():
        setattr(row, name, value)
    row.save(update_fields=list(values))
    return sensor_out(row)


@router.post(
    "sensors/{sensor}/continue", response={200: SensorOut, 409: Error} | ERRORS, by_alias=True
)
def continue_sensor(request: HttpRequest, sensor: Path[HexId], wanted: ContinueIn):
    """Let its series go on with what a sensor of another device of yours counts: after a router was
    replaced, say. That one is absorbed, with the values that it has by now.
    """
    kept, fresh = own_sensor(request, sensor), own_sensor(request, wanted.sensor)
    try:
        go_on(kept, fresh)
    except LifeError as error:
        raise HttpError(409, str(error)) from error
    return sensor_out(own_sensor(request, sensor))
