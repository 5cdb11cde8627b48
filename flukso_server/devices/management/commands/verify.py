# SPDX-License-Identifier: GPL-3.0-or-later
"""`verify [--repair]`: looks at all that is stored of the series for damage."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from flukso_server.series.store import CheckError, verify


class Command(BaseCommand):
    help = (
        "Looks at every row of the series' files. Exit code: 0 nothing is damaged, 1 something is, "
        "2 it could not be told. Services may run meanwhile."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--repair", action="store_true", help="sets aside what is damaged; erases nothing"
        )

    def handle(self, *args, repair, **options):
        try:
            damaged = verify(settings.SERIES_PATH, repair, self.stdout.write)
        except CheckError as error:
            raise CommandError(str(error), returncode=2) from error
        if damaged:
            raise CommandError(f"damaged: {damaged}", returncode=1)
        self.stdout.write("nothing is damaged")
