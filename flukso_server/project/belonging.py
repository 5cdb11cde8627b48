# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the accounts and the series of a start belong together.

Both hold one number, which the first start draws. Without this look, a service that finds its
series' file missing would begin an empty history beside the accounts, in silence.
"""

import logging
import secrets

from django.conf import settings
from django.db import DatabaseError, connection

from flukso_server.project.env import EnvError
from flukso_server.series.store import identify, identity

logger = logging.getLogger("flukso.serve")

GO_ON = "or start once with --new-series to go on with what is there (docs/design/series.md)"


def check_series(accept: bool) -> None:
    """Raise EnvError if the series are not those of the accounts; accept: they are from now on."""
    from flukso_server.devices.models import Device, SeriesFile

    try:
        row = SeriesFile.objects.first()
        heard = Device.objects.exclude(seen=None).exists()
    except DatabaseError:
        return  # the service itself will say what is wrong with the database
    finally:
        connection.close()
    number, empty = identity(settings.SERIES_PATH)
    if not accept:
        if empty and heard and (row is None or row.number != number):
            raise EnvError(
                f"{settings.SERIES_PATH} is missing or empty, but the accounts have devices that "
                f"have reported: put the file back, {GO_ON}"
            )
        if row is not None and number and row.number != number:
            raise EnvError(
                f"{settings.SERIES_PATH} belongs to other accounts than those of the database: put "
                f"back the file or the database that belongs to it, {GO_ON}"
            )
    if row is not None and row.number == number:
        return
    if accept and row is not None:
        logger.warning(
            "the series' file %s belongs to the accounts from now on", settings.SERIES_PATH
        )
    number = number or (row.number if row and not accept else secrets.randbits(62) | 1)
    identify(settings.SERIES_PATH, number)
    try:
        SeriesFile.objects.update_or_create(id=1, defaults={"number": number})
    finally:
        connection.close()
