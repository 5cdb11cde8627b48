# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells all processes when the admin changes a device or a sensor.

Our own functions do so themselves (devices/changes.py).
"""

from django.apps import AppConfig
from django.db.models.signals import post_save, pre_delete


def _device(instance, created=False, update_fields=None, **_):
    from flukso_server.devices.changes import device_changed

    # A heartbeat names its fields, and changes nothing that is cached.
    if not created and update_fields is None:
        device_changed(instance.pk)


def _sensor(instance, created=False, **_):
    from flukso_server.devices.changes import sensor_changed

    if not created:
        sensor_changed(instance.pk)


class DevicesConfig(AppConfig):
    name = "flukso_server.devices"

    def ready(self):
        post_save.connect(_device, sender="devices.Device")
        pre_delete.connect(_device, sender="devices.Device")  # while it still has its sensors
        post_save.connect(_sensor, sender="devices.Sensor")
        pre_delete.connect(_sensor, sender="devices.Sensor")
