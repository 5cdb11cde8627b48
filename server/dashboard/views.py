# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages: what is mine, one sensor's day, claiming a device, tokens."""

import time
from zoneinfo import ZoneInfo

from accounts.tokens import TokenError, make_token, revoke
from devices.claims import ClaimError, claim_device
from devices.queries import devices_of, sensors_of, troubles
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from project.stores import store
from series import query

DAY_S = 86_400


@require_GET
@login_required
@never_cache
def home(request):
    devices = list(devices_of(request.user))
    sensors = [{"sensor": each, "last": store().last(each.pk), "troubles": troubles(each)} for each in sensors_of(request.user)]
    for each in sensors:
        each["age_s"] = None if each["last"] is None else int(time.time()) - each["last"][0]
    return render(request, "dashboard/home.html", {"devices": devices, "sensors": sensors})


@require_GET
@login_required
@never_cache
def sensor(request, sensor):
    found = _own(request, sensor)
    last = store().last(found.pk)
    return render(request, "dashboard/sensor.html", {"sensor": found, "last": last, "troubles": troubles(found)})


@require_GET
@login_required
@never_cache
def series(request, sensor):
    """The last day by minute, in watt: [[time, …], [value or null, …]], as the chart takes it."""
    found = _own(request, sensor)
    now = int(time.time())
    wanted = query.parse(now, start=now - DAY_S, end=now, resolution="minute", unit="watt")
    return HttpResponse(_columns(found, wanted, now, request.user), content_type="application/json")


def _columns(sensor, wanted, now, account) -> str:
    ends, values = query.series(store(), sensor.pk, wanted, now, ZoneInfo(account.time_zone))
    times = ",".join([str(ts) for ts in ends])
    watts = ",".join(["null" if value != value else f"{value:.0f}" for value in values.tolist()])  # noqa: PLR0124 # nan
    return f"[[{times}],[{watts}]]"


def _own(request, sensor):
    found = sensors_of(request.user).filter(pk=sensor).first()
    if found is None:
        raise Http404
    return found


@require_POST
@login_required
def claim(request):
    try:
        device = claim_device(request.user, request.POST.get("code", "")[:32], timezone.now())
        messages.success(request, f"Device {device} is yours.")
    except ClaimError as error:
        messages.error(request, str(error))
    return redirect("home")


@require_http_methods(["GET", "POST"])
@login_required
@never_cache
def tokens(request):
    """Tokens; the text of a new one is in this answer alone."""
    shown = None
    if request.method == "POST":
        if "revoke" in request.POST:
            number = request.POST["revoke"]
            for token in request.user.tokens.filter(pk=int(number)) if number.isascii() and number.isdigit() and len(number) < 19 else []:
                revoke(token)
            return redirect("tokens")
        shown = _make_token(request)
    mine = request.user.tokens.select_related("sensor")
    return render(request, "dashboard/tokens.html", {"tokens": mine, "sensors": sensors_of(request.user), "shown": shown})


def _make_token(request) -> str | None:
    of = request.POST.get("sensor", "")
    sensor = _own(request, of) if of else None
    try:
        return make_token(request.user, request.POST.get("name", ""), sensor=sensor)[1]
    except TokenError as error:
        messages.error(request, str(error))
    return None
