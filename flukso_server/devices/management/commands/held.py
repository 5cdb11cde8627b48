# SPDX-License-Identifier: GPL-3.0-or-later
"""`held SENSOR…`: what the store holds, as one line of JSON."""

import json

from django.core.management.base import BaseCommand

from flukso_server.project import stores


class Command(BaseCommand):
    help = "Prints {sensor: [[unix s, counter], …]} of the sensors given."

    def add_arguments(self, parser):
        parser.add_argument("sensor", nargs="+")

    def handle(self, *args, sensor, **options):
        try:
            self.stdout.write(
                json.dumps({each: stores.store().raw(each, 0, 2**32) for each in sensor})
            )
        finally:
            stores.close()
