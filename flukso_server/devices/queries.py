# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what an account may see of devices and sensors.

Those of others are treated as if they did not exist.
"""

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from flukso_server.devices.models import Device, Sensor


def devices_of(account) -> QuerySet[Device]:
    return Device.objects.filter(owner=account).prefetch_related("sensors")


def sensors_of(account) -> QuerySet[Sensor]:
    """Return the sensors of their devices, and those they kept when they gave a device up."""
    return Sensor.objects.filter(
        Q(device__owner=account) | Q(device=None, released_by=account)
    ).select_related("device")


CLOCK_RIGHT_S = 60  # a heartbeat's time is in whole seconds, and travels


def clock_of(device: Device) -> str:
    """Say how right the device's clock was at its newest heartbeat; "" if there was none."""
    if device.seen is None or not device.beat_time:
        return ""
    ahead_s = device.beat_time - round(device.seen.timestamp())
    if abs(ahead_s) <= CLOCK_RIGHT_S:
        return _("right")
    return (
        _("%(count)s s ahead") % {"count": ahead_s}
        if ahead_s > 0
        else _("%(count)s s behind") % {"count": -ahead_s}
    )


def up_since(device: Device) -> datetime | None:
    """Return when the device started, by its newest heartbeat; None if that does not say."""
    return (
        None
        if device.seen is None or device.uptime_s is None
        else device.seen - timedelta(seconds=device.uptime_s)
    )


def troubles(sensor: Sensor) -> list[str]:
    """Say what was wrong with a sensor's uploads, in sentences for its owner."""
    sentences = []
    if sensor.ahead_tuples:
        sentences.append(
            _("clock %(ahead_s)s s ahead: %(count)s values from the future were not taken")
            % _counts(sensor.ahead_tuples, sensor.ahead_s)
        )
    if sensor.old_tuples:
        sentences.append(
            _("%(count)s values were too old, or too many for their day, to be taken")
            % _counts(sensor.old_tuples)
        )
    if sensor.conflicts:
        sentences.append(
            _("%(count)s values came twice and differed: the first ones stay")
            % _counts(sensor.conflicts)
        )
    if sensor.odd_tuples:
        sentences.append(
            _("%(count)s values were no counters (negative or too large) and were not taken")
            % _counts(sensor.odd_tuples)
        )
    return sentences


def _counts(count: int, ahead_s: int = 0) -> dict[str, int]:
    return {"count": count, "ahead_s": ahead_s}
