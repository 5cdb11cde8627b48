# SPDX-License-Identifier: GPL-3.0-or-later
"""The times that a platform writes, for tests/server/test_clock.py."""

import time

from django.contrib.sessions.models import Session
from django.db import connection

from flukso_server.accounts.models import Account
from flukso_server.devices.models import Change, Device, Heartbeat, Sensor


def written() -> tuple[list[int], int]:
    """Return the times of what was written, each once, and of the session's end; unix s."""
    device, account = Device.objects.get(), Account.objects.first()
    sensor, change = Sensor.objects.get(), Change.objects.first()
    assert account and change and device.unclaimed_since
    times = [device.created, device.unclaimed_since, sensor.created, account.date_joined]
    times += [change.at, Heartbeat.objects.get().at]
    end = Session.objects.get().expire_date
    return sorted({round(each.timestamp()) for each in times}), round(end.timestamp())


def sql_with_times() -> list[str]:
    """Return what of the schema asks the database for the time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
        texts = [sql for (sql,) in cursor.fetchall()]
    return [sql for sql in texts if "CURRENT_" in sql.upper() or "NOW" in sql.upper()]


def now() -> float:
    return time.time()
