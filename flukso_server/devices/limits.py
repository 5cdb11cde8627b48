# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast a sensor can count, by its configuration; noted with its series from then on."""

import logging
import math
import time

from flukso_server.devices.models import Sensor
from flukso_server.project.stores import store
from flukso_server.series.plausible import PULSE_MAX
from flukso_server.series.quantities import of_resource
from flukso_server.series.store import SeriesError
from flukso_server.series.terms import Limit

logger = logging.getLogger("flukso.devices")

MARGIN = 1.25  # of volts × amperes × phases: fuses bear more for a while


def note(sensor: str) -> None:
    """Note the limit of a sensor that was just configured, if it is another one now."""
    row = Sensor.objects.filter(pk=sensor).first()
    quantity = of_resource(row.type) if row else None
    if row is None or quantity is None or quantity.rule.held:
        return
    limit = _limit(row, quantity.rule.most)
    try:
        limits = store().terms(sensor).limits
        known = limits[-1] if limits else Limit(0, quantity.rule.most, 1)
        if known[1:] != limit[1:]:
            store().limit(sensor, limit)
    except SeriesError as error:
        logger.error("the limit of %s is not noted: %s", sensor, error)


def _limit(row: Sensor, most: float) -> Limit:
    """Return what the configuration says; `most` (units a second) where it says nothing."""
    watts = (row.voltage or 0) * (row.current or 0) * (row.phase or 0)
    of_power = of_resource(row.type).priced and watts > 0
    rate = round(watts * MARGIN / 3600, 3) if of_power else most
    return Limit(int(time.time()), rate, _pulse(row))


def _pulse(row: Sensor) -> int:
    """Return how much one pulse counts, rounded up; 1 for what has none."""
    try:
        constant = float(row.constant) if row.sensor_class == "pulse" else 1.0
    except ValueError:
        constant = 1.0
    return math.ceil(constant) if 1 < constant <= PULSE_MAX else 1
