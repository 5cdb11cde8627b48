# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells the other processes of changes to devices and sensors that the admin makes; services say so
themselves.
"""

from django.apps import AppConfig
from django.db.models.signals import post_delete, post_save, pre_delete


def _device(instance, created=False, update_fields=None, **_):
    from flukso_server.devices.changes import device_changed

    if (
        not created and update_fields is None
    ):  # heartbeats name their fields, and change nothing that is cached
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
        post_delete.connect(_sensor, sender="devices.Sensor")
