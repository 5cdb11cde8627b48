# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages: what is mine, claiming a device, tokens."""

import time

from accounts.tokens import TokenError, make_token, revoke
from devices.claims import ClaimError, claim_device
from devices.queries import devices_of, sensors_of, troubles
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from project.stores import store


@require_GET
@login_required
@never_cache
def devices(request):
    """What is mine, and claiming more."""
    owned = list(devices_of(request.user))
    sensors = [{"sensor": each, "last": store().last(each.pk), "troubles": troubles(each)} for each in sensors_of(request.user)]
    for each in sensors:
        each["age_s"] = None if each["last"] is None else int(time.time()) - each["last"][0]
    return render(request, "dashboard/devices.html", {"devices": owned, "sensors": sensors})


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
    return redirect("devices")


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
