# SPDX-License-Identifier: GPL-3.0-or-later
"""By which rule a sensor counts, for the series store, which knows no accounts."""

import threading
import time

from django.db import DatabaseError, close_old_connections

from flukso_server.devices.models import Sensor
from flukso_server.series import quantities
from flukso_server.series.rule import COUNTER, Rule

KEPT_S = 60  # a device may say that a sensor counts something else now
KEPT_MAX = 100_000  # rules kept: some 20 MB


class RuleBook:
    """Looks up rules by what sensors count, in any thread, and keeps each for KEPT_S."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, Rule]] = {}
        self._lock = threading.Lock()

    def __call__(self, sensor: str) -> Rule:
        """Return the sensor's rule; that of a counter if nobody knows the sensor.

        Raises DatabaseError if the accounts cannot be read and no rule is kept.
        """
        now = time.monotonic()
        kept = self._kept.get(sensor)
        if kept is not None and kept[0] > now:
            return kept[1]
        try:
            rule = _look_up(sensor)
        except DatabaseError:
            if kept is None:
                raise
            return kept[1]
        with self._lock:
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            self._kept[sensor] = now + KEPT_S, rule
        return rule


def _look_up(sensor: str) -> Rule:
    if threading.current_thread() is not threading.main_thread():
        close_old_connections()  # the store's own thread has no request that would do so
    kind = Sensor.objects.filter(pk=sensor).values_list("type", flat=True).first()
    quantity = quantities.of(kind or "")
    return quantity.rule if quantity else COUNTER
