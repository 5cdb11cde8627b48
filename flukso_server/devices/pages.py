# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a member's devices and its forms: claim, rename, new key, give up."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from flukso_server.devices import refusals
from flukso_server.devices.claims import (
    ClaimError,
    claim_device,
    open_rekey_window,
    tidy_code,
)
from flukso_server.devices.forms import DeviceForm, SensorForm
from flukso_server.devices.lives import LifeError, give_on, go_on, may_go_on
from flukso_server.devices.queries import clock_of, devices_of, sensors_of, troubles, up_since
from flukso_server.project.stores import store
from flukso_server.project.typed import fill, own_form, typed

CODE_TEXT_MAX = 32  # characters of a code, with what else somebody may type


@require_safe
@login_required
@never_cache
def devices(request):
    now = timezone.now()
    sensors = list(sensors_of(request.user))
    own = list(devices_of(request.user))
    paths = [reverse("claim"), *(reverse("device-name", args=[each.pk]) for each in own)]
    resumed = typed(
        request, *paths, *(reverse("sensor-settings", args=[each.pk]) for each in sensors)
    ) or ("", QueryDict())
    entries = [
        {
            "device": each,
            "clock": clock_of(each),
            "refusals": refusals.sentences(each),
            "up": up_since(each),
            "form": _filled(
                DeviceForm(instance=each, auto_id=f"device-{each.pk}-%s"), "device-name", resumed
            ),
            "sensors": _rows(sensors, each.pk, resumed),
        }
        for each in own
    ]
    code = resumed[1].get("code", "") if resumed[0] == reverse("claim") else ""
    return render(
        request,
        "devices/devices.html",
        {"devices": entries, "kept": _rows(sensors, None, resumed), "now": now, "code": code},
    )


def _filled(form, name: str, resumed):
    """Return the form with what was typed into it before a log-in, if anything was."""
    return fill(form, resumed[1]) if resumed[0] == reverse(name, args=[form.instance.pk]) else form


def _rows(sensors, device: str | None, resumed) -> list[dict]:
    return [
        {
            "sensor": each,
            "last": store().last(each.pk),
            "troubles": troubles(each),
            "heirs": [other for other in sensors if may_go_on(each, other)],
            "form": _filled(
                SensorForm(instance=each, auto_id=f"sensor-{each.pk}-%s"),
                "sensor-settings",
                resumed,
            ),
        }
        for each in sensors
        if each.device_id == device
    ]


@require_safe
@login_required
@never_cache
def offered(request, code):
    """Ask whether the member wants the device that this link offers.

    A link alone claims nothing.
    """
    try:
        return render(request, "devices/claim.html", {"code": tidy_code(code[:CODE_TEXT_MAX])})
    except ClaimError as error:
        messages.error(request, str(error))
        return redirect("devices")


@own_form("devices")
def claim(request):
    try:
        device = claim_device(
            request.user, request.POST.get("code", "")[:CODE_TEXT_MAX], timezone.now()
        )
        messages.success(request, _("Device %(device)s is yours.") % {"device": device})
    except ClaimError as error:
        messages.error(request, str(error))
    return redirect("devices")


def _own_device(request, device: str):
    row = devices_of(request.user).filter(pk=device).first()
    if row is None:
        raise Http404
    return row


@own_form("devices")
def rename(request, device):
    return _save(request, DeviceForm(request.POST, instance=_own_device(request, device)))


@own_form("devices")
def settings(request, sensor):
    """Save a sensor's name, and what its energy is in the household's balance."""
    row = sensors_of(request.user).filter(pk=sensor).first()
    if row is None:
        raise Http404
    return _save(request, SensorForm(request.POST, instance=row))


def _save(request, form):
    if form.is_valid():
        form.instance.save(update_fields=form.Meta.fields)
        messages.success(request, _("Saved."))
    else:
        messages.error(
            request, " ".join(error for errors in form.errors.values() for error in errors)
        )
    return redirect("devices")


@own_form("devices")
def window(request, device):
    open_rekey_window(_own_device(request, device), timezone.now())
    messages.success(
        request, _("For an hour the device may send a new key. Enter its new code here then.")
    )
    return redirect("devices")


@own_form("devices")
def release(request, device):
    give_on(_own_device(request, device), timezone.now())
    messages.success(
        request,
        _(
            "The device is nobody's again: its own page will show a new code. Its series have "
            "ended and stay yours."
        ),
    )
    return redirect("devices")


@own_form("devices")
def continue_series(request, sensor):
    """Let a series go on with what another sensor of the member counts."""
    own = sensors_of(request.user)
    kept = own.filter(pk=sensor).first()
    fresh = own.filter(pk=request.POST.get("with", "")[:32]).first()
    if kept is None or fresh is None:
        raise Http404
    try:
        go_on(kept, fresh)
        messages.success(request, _("The series goes on."))
    except LifeError as error:
        messages.error(request, str(error))
    return redirect("devices")
