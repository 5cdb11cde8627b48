# SPDX-License-Identifier: GPL-3.0-or-later
"""What the series store is told of a sensor: by which rule it counts, and its household's time."""

import threading
import time
from datetime import tzinfo
from typing import NamedTuple

from django.conf import settings
from django.db import DatabaseError, close_old_connections

from flukso_server.devices.models import Sensor
from flukso_server.series import quantities
from flukso_server.series.localtime import household_zone
from flukso_server.series.rule import COUNTER, Rule

KEPT_S = 60  # a device may say that a sensor counts something else now
KEPT_MAX = 100_000  # sensors kept: some 30 MB


class Facts(NamedTuple):
    """What is known of a sensor."""

    rule: Rule
    zone: tzinfo


class FactBook:
    """Looks up sensors in the accounts, in any thread, and keeps each answer for KEPT_S.

    Raises DatabaseError if the accounts cannot be read and nothing is kept.
    """

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, Facts]] = {}
        self._lock = threading.Lock()

    def rule(self, sensor: str) -> Rule:
        """Return the sensor's rule; that of a counter if nobody knows the sensor."""
        return self._facts(sensor).rule

    def zone(self, sensor: str) -> tzinfo:
        """Return the time of its owner's household; the server's if it has no owner."""
        return self._facts(sensor).zone

    def _facts(self, sensor: str) -> Facts:
        now = time.monotonic()
        kept = self._kept.get(sensor)
        if kept is not None and kept[0] > now:
            return kept[1]
        try:
            facts = _look_up(sensor)
        except DatabaseError:
            if kept is None:
                raise
            return kept[1]
        with self._lock:
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            self._kept[sensor] = now + KEPT_S, facts
        return facts


def _look_up(sensor: str) -> Facts:
    if threading.current_thread() is not threading.main_thread():
        close_old_connections()  # the store's own thread has no request that would do so
    row = (
        Sensor.objects.filter(pk=sensor)
        .values_list(
            "type",
            "device__owner__time_zone",
            "device__owner__former_zones",
            "released_by__time_zone",
            "released_by__former_zones",
        )
        .first()
    )
    kind, *zones = row or ("", None, None, None, None)
    name, former = zones[:2] if zones[0] else zones[2:]
    quantity = quantities.of(kind)
    return Facts(
        quantity.rule if quantity else COUNTER,
        household_zone(name or settings.TIME_ZONE, former or ""),
    )
