# SPDX-License-Identifier: GPL-3.0-or-later
"""What an owner says of a sensor's history: checks it, notes it with the series, shows it."""

import time
from datetime import datetime
from typing import NamedTuple

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from flukso_server.devices.models import Sensor
from flukso_server.project.stores import note_late, store
from flukso_server.series.doubts import Doubt
from flukso_server.series.localtime import DAY_S
from flukso_server.series.quantities import of_resource
from flukso_server.series.reading import counters, doubts
from flukso_server.series.store import CorrectionError
from flukso_server.series.terms import EXCLUDE, KINDS, LEVEL, REPLACED, Correction

LATEST = (1 << 32) - 1
LEVEL_MAX = 10**13  # Wh: far more than any meter has digits
DAYS_BACK = 400  # of doubts that are shown: while quarters of an hour are kept


def correct(sensor: Sensor, wish: Correction) -> int:
    """Note a correction, and return its id. Raises CorrectionError, whose text may be shown."""
    if wish.kind not in KINDS:
        raise CorrectionError(_("Unknown correction."))
    if not 0 <= wish.start <= wish.end <= LATEST:
        raise CorrectionError(_("The end is before the start."))
    if wish.kind in (REPLACED, LEVEL):
        wish = wish._replace(end=wish.start)
    if wish.kind == LEVEL and not 0 <= wish.value <= LEVEL_MAX:
        raise CorrectionError(_("No meter says that."))
    if wish.kind == LEVEL and of_resource(sensor.type).rule.held:
        raise CorrectionError(_("Of this sensor no meter says anything."))
    ident = store().correct(sensor.pk, wish._replace(made=int(time.time())))
    note_late(sensor.pk, 0)  # the RRD view is made anew
    return ident


def undo(sensor: Sensor, ident: int) -> bool:
    """Undo a correction; return whether there was one."""
    undone = store().undo(sensor.pk, ident)
    if undone:
        note_late(sensor.pk, 0)
    return undone


def of_sensor(sensor: Sensor) -> list[Correction]:
    """Return the corrections of a sensor, the newest first."""
    noted = store().terms(sensor.pk).corrections
    return sorted(noted, key=lambda each: (each.made, each.ident), reverse=True)


def recent_doubts(sensor: Sensor, now: int) -> list[Doubt]:
    """Return what is doubted of the last DAYS_BACK days, the newest first."""
    return doubts(store(), sensor.pk, now - DAYS_BACK * DAY_S, now)


class Meter(NamedTuple):
    """What the meter itself must say now, and how much it counts for each Wh that the sensor does.

    ratio is None unless the owner has read the meter twice.
    """

    value: float
    ratio: float | None


def meter(sensor: Sensor) -> Meter | None:
    """Return what the meter says by the owner's newest reading of it; None without one."""
    levels = sorted(store().terms(sensor.pk).of_kind(LEVEL), key=lambda each: each.start)
    last = store().last(sensor.pk)
    if not levels or last is None:
        return None
    times = [min(each.start, last[0]) for each in levels] + [last[0]]
    counted = counters(store(), sensor.pk, times)
    newest, end = counted[-2], counted[-1]
    if newest is None or end is None:
        return None
    ratio = None
    first = counted[0]
    if len(levels) > 1 and first is not None and newest > first:
        ratio = (levels[-1].value - levels[0].value) / (newest - first)
    return Meter(levels[-1].value + end - newest, ratio)


def reason(doubt: Doubt, unit: str) -> str:
    """Say why something is doubted, in a sentence for its owner; unit: of 1000 that are counted."""
    rise = doubt.after - doubt.before
    seconds = doubt.end - doubt.start
    said = {
        "odd": doubt.odd,
        "before": doubt.before,
        "after": doubt.after,
        "rise": rise,
        "count": doubt.aside,
        "days": number_format(seconds / DAY_S, 1),
        "seconds": seconds,
        "thousands": number_format(rise / 1000, 0, force_grouping=True),
        "unit": unit,
    }
    return {
        "odd": _("The counter said %(odd)s between %(before)s and %(after)s: set aside."),
        "line": _(
            "%(count)s values do not fit those around them (%(odd)s beside %(before)s), as of a "
            "clock that was wrong: set aside."
        ),
        "rise": _(
            "The counter rose by %(rise)s in %(seconds)s s, more than it can count. Was the meter "
            "replaced?"
        ),
        "gap": _(
            "%(thousands)s %(unit)s in %(days)s days, more than on its highest days: was the meter "
            "replaced?"
        ),
        "fall": _("The counter fell from %(before)s to %(after)s. Was the meter replaced?"),
    }[doubt.reason] % said


def sentence(correction: Correction) -> str:
    """Say what a correction does, for its owner; the page adds the times."""
    if correction.kind == LEVEL:
        return _("The meter said %(value)s.") % {"value": correction.value / 1000}
    return {
        EXCLUDE: _("Excluded: its values count nothing."),
        REPLACED: _("The meter was replaced."),
    }.get(correction.kind, _("What was counted there is true."))


def instant(text: str, zone) -> int:
    """Return the unix time of a form's local time, or of digits. Raises CorrectionError."""
    try:
        if text.isascii() and text.isdigit() and len(text) < 12:
            return int(text)
        return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp())
    except (ValueError, OverflowError):
        raise CorrectionError(_("This is no time."))
