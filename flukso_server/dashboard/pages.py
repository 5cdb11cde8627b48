# SPDX-License-Identifier: GPL-3.0-or-later
"""The dashboard's pages: one for a resource, one for a sensor."""

import re
import time
from datetime import datetime

from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_GET

from flukso_server.accounts import prices
from flukso_server.accounts.zones import zone_of
from flukso_server.dashboard import bills, lines, member_lists, requests, scales
from flukso_server.dashboard.summary import summary
from flukso_server.dashboard.texts import (
    FLOWS,
    LINES,
    SCALES,
    script_texts,
    script_words,
    unit_name,
    written,
)
from flukso_server.devices import corrections
from flukso_server.devices.queries import sensors_of, troubles
from flukso_server.devices.registration import utc
from flukso_server.money.bill import BillError
from flukso_server.project.stores import store
from flukso_server.series import quantities
from flukso_server.series.localtime import local_date

DOUBTS_SHOWN = 20
DAMAGED_MAX = 20  # stretches named on a page
MONTH = re.compile("([0-9]{4})-(0[1-9]|1[0-2])")
FIRST_MONTH = bills.Month(2000, 1)  # before any tuple
WIDE_PX = 700  # on a screen from this width on, a day is drawn by minute


@require_GET
@login_required
@never_cache
@gzip_page
def home(request):
    """Show the dashboard of a resource."""
    account = request.user
    counters = lines.counters(account.pk)
    history = prices.spans_of(account)
    resources = lines.resources_of(counters)
    view = requests.view(request.GET, account, resources)
    own = lines.own_line(account, counters, view.resource)
    context = {
        "own": own,
        "resources": resources,
        "flows": [(name, FLOWS[name]) for name in lines.flows_of(counters, view.resource)],
        "figures": summary(store(), account, own, history, int(time.time())),
        "circle": member_lists.lists(account, names=view.lines),
        "waiting": own.kind == "own" and not own.parts,
        **_chart(view, reverse("chart-data"), history),
    }
    return render(request, "dashboard/home.html", context)


@require_GET
@login_required
@never_cache
def money(request):
    """Show the bill of a month, the running one unless another is asked for."""
    account, now = request.user, int(time.time())
    today = local_date(now, zone_of(account))
    running = bills.Month(today.year, today.month)
    asked = MONTH.fullmatch(request.GET.get("month", ""))
    month = bills.Month(int(asked[1]), int(asked[2])) if asked else running
    if not FIRST_MONTH <= month <= running:
        raise Http404
    told, wrong = None, ""
    try:
        told = bills.bill_of_month(store(), account, month, now)
    except BillError as error:
        wrong = str(error)
    context = {
        "month": month.first,
        "before": month.before if month > FIRST_MONTH else None,
        "after": month.next if month < running else None,
        "told": told,
        "until": told and f"{datetime.fromtimestamp(told.end, zone_of(account)):%Y-%m-%d %H:%M}",
        "lines": told
        and [(line, LINES[line.kind], written(line.price)) for line in told.bill.lines],
        "wrong": wrong,
    }
    return render(request, "dashboard/money.html", context)


@require_GET
@login_required
@never_cache
def sensor(request, sensor):
    """Show one of the viewer's sensors, with the same chart."""
    own = sensors_of(request.user).filter(pk=sensor).first()
    if own is None:
        raise Http404
    view = requests.view(request.GET, request.user, [quantities.of_resource(own.type).name])
    imported = store().imported_until(own.pk)
    path = reverse("sensor-data", args=[own.pk])
    context = {
        "sensor": own,
        "last": store().last(own.pk),
        "troubles": troubles(own),
        "imported": imported and utc(imported),
        "damaged": _damaged(own.pk),
        **_history(own),
        **_chart(view, path, prices.spans_of(request.user)),
    }
    return render(request, "dashboard/sensor.html", context)


def _damaged(sensor: str) -> list:
    """Return the first and last day of each stretch in which data of the sensor are damaged."""
    stretches = store().damaged(sensor)[:DAMAGED_MAX]
    return [(utc(start), utc(max(start, end - 1))) for start, end in stretches]


def _history(own) -> dict:
    """Return what is doubted of a sensor's history, and what its owner said of it."""
    now = int(time.time())
    found = corrections.recent_doubts(own, now)
    quantity = quantities.of_resource(own.type)
    return {
        "doubts": [
            {
                "doubt": each,
                "why": corrections.reason(each, quantity.total or ""),
                "at": utc(each.start),
            }
            for each in found[:DOUBTS_SHOWN]
        ],
        "doubts_more": max(len(found) - DOUBTS_SHOWN, 0),
        "corrections": [
            {"noted": each, "says": corrections.sentence(each), "at": utc(each.start)}
            for each in corrections.of_sensor(own)
        ],
        "meter": corrections.meter(own),
        "metered": quantity.total if not quantity.rule.held else None,
        "now": now,
    }


def _chart(view: requests.View, path: str, history: list[prices.Span]) -> dict:
    """Return what the templates and scripts of a chart need; `path` serves its data."""
    currency = prices.at(history, time.time()).currency
    quantity = quantities.BY_NAME[view.resource]
    wide, narrow = (requests.chart_url(path, view, narrow) for narrow in (False, True))
    return {
        "view": view,
        "scales": [(name, SCALES[name]) for name in scales.SCALES],
        "quantity": quantity,
        "units": [(unit.name, unit_name(unit, currency)) for unit in quantity.units],
        "wide_px": WIDE_PX,
        "first": {"wide": wide, "narrow": narrow},
        "config": {
            "data": path,
            "figures": reverse("figures"),
            "members": reverse("members"),
            "live": reverse("live"),
            # an account keeps one unit, for its electricity
            "remember": reverse("unit") if quantity.priced else None,
            "words": script_words(),
            "quantity": quantities.page_json(quantity),
            "widePx": WIDE_PX,
            "scales": {
                name: {"span": scale.span_s, "step": scale.step, "narrow": scale.narrow_step}
                for name, scale in scales.SCALES.items()
            },
            "steps": scales.STEPS_S,
            "view": view._asdict(),
            "texts": script_texts(),
        },
    }
