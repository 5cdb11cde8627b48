# SPDX-License-Identifier: GPL-3.0-or-later
"""An import of devices, watched in its pauses, for tests/server/test_import.py."""

import sqlite3
import time
from unittest import mock

from flukso_server.devices import provisioning
from flukso_server.devices.models import Device
from flukso_server.devices.seal import sealer


def pauses(database: str, file: str) -> tuple[int, int, list]:
    """Import the file; return the devices imported, those before, and of each pause its seconds
    and the devices that another connection, which may write then, sees.
    """
    seen = []

    def pause(seconds: float) -> None:
        other = sqlite3.connect(database, timeout=0, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        seen.append((seconds, other.execute("SELECT count(*) FROM devices_device").fetchone()[0]))
        other.execute("ROLLBACK")
        other.close()

    before = Device.objects.count()
    with mock.patch.object(time, "sleep", pause), open(file) as lines:
        imported = len(list(provisioning.import_devices(lines, sealer())))
    return imported, before, seen
