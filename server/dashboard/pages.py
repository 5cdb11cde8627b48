# SPDX-License-Identifier: GPL-3.0-or-later
"""The dashboard's own pages: all of a resource, and one sensor."""

import time

from dashboard import circle, lines, requests, scales
from dashboard.summary import summary
from dashboard.texts import FLOWS, SCALES, UNITS, script_texts
from devices.queries import sensors_of, troubles
from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_GET
from project.stores import store

WIDE_PX = 700  # from that width on a day is drawn by minute
# of the page's script, all fetched at once instead of one after the other
MODULES = [
    f"dashboard/{name}.js" for name in ("circle", "dates", "figures", "gestures", "legend", "live", "plot", "series", "state", "units")
]


@require_GET
@login_required
@never_cache
@gzip_page
def home(request):
    """The dashboard of a resource."""
    account = request.user
    resources = lines.resources_of(account)
    view = requests.view(request.GET, account, resources)
    own = lines.own_line(account, view.resource)
    context = {
        "own": own,
        "resources": resources,
        "flows": [(name, FLOWS[name]) for name in lines.flows_of(account, view.resource)],
        "figures": summary(store(), account, own, int(time.time())),
        "circle": circle.lists(account),
        "waiting": own.kind == "own" and not own.parts,
        **_chart(view, reverse("chart-data"), account),
    }
    return render(request, "dashboard/home.html", context)


@require_GET
@login_required
@never_cache
def sensor(request, sensor):
    """One sensor of one's own, with the same chart."""
    found = sensors_of(request.user).filter(pk=sensor).first()
    if found is None:
        raise Http404
    resource = found.type.lower() if found.type.lower() in lines.RESOURCES else lines.RESOURCES[0]
    view = requests.view(request.GET, request.user, [resource])
    context = {"sensor": found, "last": store().last(found.pk), "troubles": troubles(found)}
    return render(request, "dashboard/sensor.html", context | _chart(view, reverse("sensor-data", args=[found.pk]), request.user))


def _chart(view: requests.View, path: str, account) -> dict:
    wide, narrow = (requests.chart_url(path, view, narrow) for narrow in (False, True))
    return {
        "view": view,
        "scales": [(name, SCALES[name]) for name in scales.SCALES],
        "units": [(name, UNITS[name]) for name in requests.UNITS[view.resource]],
        "wide_px": WIDE_PX,
        "modules": MODULES,
        "first": {"wide": wide, "narrow": narrow},
        "config": {
            "data": path,
            "figures": reverse("figures"),
            "members": reverse("members"),
            "live": reverse("live"),
            "remember": reverse("unit"),
            "zone": account.time_zone,
            "widePx": WIDE_PX,
            "scales": {
                name: {"span": scale.span_s, "step": scale.step, "narrow": scale.narrow_step} for name, scale in scales.SCALES.items()
            },
            "steps": scales.STEPS_S,
            "view": view._asdict(),
            "texts": script_texts(),
        },
    }
