# SPDX-License-Identifier: GPL-3.0-or-later
"""The page on which a member brings a sensor's history along: shown first, then stored."""

from itertools import groupby
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from flukso_server import history
from flukso_server.devices.models import Sensor
from flukso_server.devices.queries import sensors_of
from flukso_server.devices.registration import utc
from flukso_server.history.storing import TUPLES_MAX, ends, store_tuples

LINES_TOLD = 400  # characters of the numbers of the lines that are not taken for one reason
VALUES = ("", "counter", "power")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def import_page(request, sensor):
    """Show what was understood of a file; nothing is stored yet."""
    row = _own(request, sensor)
    context = {"sensor": row, "most": TUPLES_MAX}
    file = request.FILES.get("file") if request.method == "POST" else None
    if file is not None:
        values = request.POST.get("values", "")
        wish = history.Wish(
            ZoneInfo(request.user.time_zone),
            values if values in VALUES else "",
            given=row.role == Sensor.Role.EXPORT,
        )
        context |= _understood(row, history.read(file.read(), wish))
    return render(request, "devices/import.html", context)


@require_POST
@login_required
def store_page(request, sensor):
    """Store the lines that the page before has shown."""
    row = _own(request, sensor)
    wish = history.Wish(ZoneInfo("UTC"), "counter")
    found = history.read(request.POST.get("lines", "").encode(), wish)
    if found.faults or len(found.tuples) > TUPLES_MAX:
        messages.error(request, _("Nothing is stored: choose the file again."))
        return redirect("sensor-import", row.pk)
    counts = store_tuples(row.pk, found.tuples)
    messages.success(
        request,
        _(
            "%(new)s values are stored; %(duplicate)s were there already, %(conflict)s differed "
            "from what was there, which stays, and %(refused)s were refused."
        )
        % counts,
    )
    return redirect("sensor", row.pk)


def _own(request, sensor: str) -> Sensor:
    row = sensors_of(request.user).filter(pk=sensor).first()
    if row is None:
        raise Http404
    return row


def _understood(row: Sensor, found: history.History) -> dict:
    tuples, inside = history.rebased(found, *ends(row.pk))
    return {
        "found": found,
        "inside": inside,
        "count": len(tuples),
        "too_many": len(tuples) > TUPLES_MAX,
        "first": tuples and (utc(tuples[0][0]), tuples[0][1]),
        "last": tuples and (utc(tuples[-1][0]), tuples[-1][1]),
        "refused": _grouped(found.faults),
        "lines": "\n".join(f"{ts} {counter}" for ts, counter in tuples[:TUPLES_MAX]),
    }


def _grouped(faults: list[history.Fault]) -> list[tuple[str, int, str]]:
    """Return each reason with how many lines it keeps out, and their numbers."""
    lines: dict[str, list[int]] = {}
    for fault in faults:
        lines.setdefault(translation.gettext(fault.why) % fault.values, []).append(fault.line)
    return [(why, len(numbers), _ranges(numbers)) for why, numbers in lines.items()]


def _ranges(numbers: list[int]) -> str:
    """Write ascending numbers as `1, 3-7`, cut where it grows too long."""
    parts = []
    for _key, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        ends = [number for _place, number in run]
        parts.append(f"{ends[0]}" if len(ends) == 1 else f"{ends[0]}-{ends[-1]}")
    text = ", ".join(parts)
    return text if len(text) <= LINES_TOLD else text[:LINES_TOLD].rpartition(",")[0] + ", …"
