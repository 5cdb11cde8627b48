# SPDX-License-Identifier: GPL-3.0-or-later
"""Fills the columns of the migration before, in a transaction of its own as PostgreSQL wants."""

import time

from django.db import migrations
from django.db.models import F

from flukso_server.project.networks import of_home


def _fill(apps, _schema_editor):
    """Sensors send under their own id; what was given up until now is closed, and kept.

    A sensor of a device that somebody claimed is held to have proved itself.
    """
    sensors = apps.get_model("devices", "Sensor").objects
    sensors.update(sent_as=F("pk"))
    sensors.filter(device=None).update(closed=int(time.time()))
    owned = apps.get_model("devices", "Device").objects.exclude(owner=None).values("pk")
    sensors.filter(device__in=owned).update(proven=True)
    for device in apps.get_model("devices", "Device").objects.exclude(origin=""):
        _home, device.site, device.block = of_home(device.origin)
        device.save(update_fields=["site", "block"])


def _unfill(apps, _schema_editor):
    """Forget the open series of sensors that were given on: the schema before has one an id."""
    sensors = apps.get_model("devices", "Sensor").objects
    sensors.exclude(sent_as=F("pk")).update(sent_as=F("pk"))


class Migration(migrations.Migration):
    dependencies = [("devices", "0009_lives")]
    operations = [migrations.RunPython(_fill, _unfill)]
