# SPDX-License-Identifier: GPL-3.0-or-later
"""`import_rrd SENSOR FILE`: gives a sensor the history of an existing Flukso RRD file."""

import os
import time

from django.core.management.base import BaseCommand, CommandError

from flukso_server.devices.models import Sensor
from flukso_server.project import stores


class Command(BaseCommand):
    help = (
        "Adds the history in an RRD file of the historic platform from before the sensor's own "
        "first value, marked as imported."
    )

    def add_arguments(self, parser):
        parser.add_argument("sensor")
        parser.add_argument("file")

    def handle(self, *args, sensor, file, **options):
        try:
            # librrd, which other installations do without
            from flukso_server.series.rrd.files import RrdError
            from flukso_server.series.rrd.history import import_file
        except ImportError as error:
            raise CommandError(f"the rrdtool binding is missing: {error}") from error
        if not Sensor.objects.filter(pk=sensor).exists():
            raise CommandError(f"there is no sensor {sensor}")
        if not os.path.isfile(file):
            raise CommandError(f"there is no file {file}")
        store = stores.store()
        try:
            count = import_file(store, sensor, file, int(time.time()))
            first = store.first(sensor)
            if count and first is not None:
                stores.note_late(sensor, first)
        except RrdError as error:
            raise CommandError(str(error)) from error
        finally:
            stores.close()
        self.stdout.write(f"{count} values for sensor {sensor}")
