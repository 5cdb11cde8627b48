# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms of a sensor's page with which its owner puts history right."""

from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from flukso_server.devices import corrections
from flukso_server.devices.models import Sensor
from flukso_server.devices.queries import sensors_of
from flukso_server.project.typed import own_form
from flukso_server.series.store import CorrectionError
from flukso_server.series.terms import LEVEL, Correction

TEXT_MAX = 32  # characters of a time or a number
DIGITS_MAX = 10  # of a correction's number


def _own(request, sensor: str) -> Sensor:
    row = sensors_of(request.user).filter(pk=sensor[:TEXT_MAX]).first()
    if row is None:
        raise Http404
    return row


@own_form("devices")
def correct(request, sensor):
    """Note what the owner says of a stretch, or of the meter."""
    row = _own(request, sensor)
    try:
        corrections.correct(row, _wish(request))
        messages.success(request, _("Noted. Nothing is erased: it can be undone."))
    except CorrectionError as error:
        messages.error(request, str(error))
    return redirect("sensor", row.pk)


def _wish(request) -> Correction:
    """Return the form's correction. Raises CorrectionError."""
    zone = ZoneInfo(request.user.time_zone)
    said = {name: request.POST.get(name, "")[:TEXT_MAX] for name in ("kind", "start", "end")}
    start = corrections.instant(said["start"], zone)
    end = corrections.instant(said["end"], zone) if said["end"] else start
    value = 0
    if said["kind"] == LEVEL:
        try:
            thousands = float(request.POST.get("value", "")[:TEXT_MAX].replace(",", "."))
            value = round(thousands * 1000)
        except (ValueError, OverflowError):
            raise CorrectionError(_("No meter says that."))
    return Correction(said["kind"], start, end, value)


@own_form("devices")
def undo(request, sensor):
    """Undo a correction."""
    row = _own(request, sensor)
    ident = request.POST.get("correction", "")[:DIGITS_MAX]
    if not (ident.isascii() and ident.isdigit() and corrections.undo(row, int(ident))):
        raise Http404
    messages.success(request, _("Undone."))
    return redirect("sensor", row.pk)
