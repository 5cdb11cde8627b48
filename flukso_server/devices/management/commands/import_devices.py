# SPDX-License-Identifier: GPL-3.0-or-later
"""`import_devices FILE`: stores devices from a CSV list and prints their claim codes."""

import csv
import sys

from django.core.management.base import BaseCommand, CommandError

from flukso_server.devices.provisioning import ProvisioningError, import_devices
from flukso_server.devices.seal import sealer


class Command(BaseCommand):
    help = "Takes devices from CSV lines `device,key[,sensor…]` and prints `device,claim code`."

    def add_arguments(self, parser):
        parser.add_argument("file", help="- for standard input")

    def handle(self, *args, file, **options):
        try:
            with sys.stdin if file == "-" else open(file, encoding="utf-8", newline="") as lines:
                for device, code in import_devices(lines, sealer()):
                    self.stdout.write(f"{device},{code}")
        except (OSError, UnicodeDecodeError, csv.Error, ProvisioningError) as error:
            raise CommandError(str(error)) from error
