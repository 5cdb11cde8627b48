# SPDX-License-Identifier: GPL-3.0-or-later
"""`reseal_keys`: seals all devices' keys with the first secret of FLUKSO_DEVICE_KEY_SECRET.

The other secrets can then be removed.
"""

from django.core.management.base import BaseCommand, CommandError

from flukso_server.devices.resealing import reseal
from flukso_server.devices.seal import sealer


class Command(BaseCommand):
    help = (
        "Seals all devices' keys with the first secret of FLUKSO_DEVICE_KEY_SECRET; prints how "
        "many."
    )

    def handle(self, *args, **options):
        outcome = list(reseal(sealer()))
        lost = sorted({device for device, opened in outcome if not opened})
        self.stdout.write(f"{len(outcome) - len(lost)} keys are sealed with the first secret")
        if lost:
            raise CommandError(f"{len(lost)} keys cannot be opened: {' '.join(lost[:20])}")
