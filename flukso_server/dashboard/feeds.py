# SPDX-License-Identifier: GPL-3.0-or-later
"""What the page's scripts fetch: the chart's data, the figures above it, and the two lists."""

import time

import msgspec
from allauth.core import ratelimit
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_GET

from flukso_server.accounts import prices, sharing
from flukso_server.accounts.models import Account
from flukso_server.dashboard import chart_json, lines, member_lists, requests, scales
from flukso_server.dashboard.summary import summary
from flukso_server.devices.queries import sensors_of
from flukso_server.project.stores import store
from flukso_server.project.typed import own_form
from flukso_server.series.quantities import BY_NAME, ELECTRICITY

JSON = "application/json"


def answer(content: object, status: int = 200) -> HttpResponse:
    body = content if isinstance(content, bytes) else msgspec.json.encode(content)
    return HttpResponse(body, content_type=JSON, status=status)


def signed_in(function):
    """Do as login_required, but answer a script 401 instead of leading it to a page."""

    def check(request, *args, **named):
        if not request.user.is_authenticated:
            return answer({"error": _("You are logged out.")}, 401)
        return function(request, *args, **named)

    return never_cache(check)


@require_GET
@signed_in
@gzip_page
def data(request):
    """Send the lines of a window: the viewer's own, and those of members whom they follow."""
    now = int(time.time())
    try:
        asked, flow, names = requests.chart_query(request.GET, now)
        shown = lines.lines_for(request.user, asked.resource, flow, names)
        return answer(chart_json.answer(store(), request.user, asked, shown, now))
    except scales.WindowError as error:
        return answer({"error": str(error)}, 400)


@require_GET
@signed_in
@gzip_page
def sensor_data(request, sensor):
    """Send the line of one of the viewer's sensors."""
    now = int(time.time())
    own_sensor = sensors_of(request.user).filter(pk=sensor).first()
    if own_sensor is None:
        raise Http404
    try:
        asked, _flow, _names = requests.chart_query(request.GET, now)
        shown = [lines.sensor_line(request.user, own_sensor)]
        return answer(chart_json.answer(store(), request.user, asked, shown, now))
    except scales.WindowError as error:
        return answer({"error": str(error)}, 400)


@require_GET
@signed_in
def figures(request):
    """Send the figures: now, today, yesterday, last night."""
    resource = request.GET.get("resource", ELECTRICITY.name)
    if resource not in BY_NAME:
        return answer({"error": "unknown resource"}, 400)
    own = lines.own_line(request.user, lines.counters(request.user.pk), resource)
    history = prices.spans_of(request.user)
    return answer(summary(store(), request.user, own, history, int(time.time()))._asdict())


@require_GET
@signed_in
def members(request):
    """Send the two lists; `search` finds Fluksonians by the beginning of their names."""
    search = request.GET.get("search", "")[: requests.NAME_MAX]
    return answer(member_lists.lists(request.user, "".join(filter(str.isprintable, search))))


ACTIONS = {
    "subscribe": sharing.subscribe,
    "unsubscribe": sharing.unsubscribe,
    "show": lambda account, name: sharing.show(account, name, True),
    "hide": lambda account, name: sharing.show(account, name, False),
}


@own_form("home")
def follow(request):
    """Do what a click in a list asks for: an action with a member's name.

    Scripts get the lists anew; without scripts, the page of the list comes again.
    """
    error, status = _act(request)
    if request.headers.get("Accept") == JSON:
        return answer(member_lists.lists(request.user) | {"error": error}, status)
    if error:
        messages.error(request, error)
    return redirect("relationships" if request.POST.get("page") == "relationships" else "home")


def _act(request) -> tuple[str, int]:
    """Do the action; return an error's text ("" for none) and the status.

    Hidden members and names that nobody has are answered alike.
    """
    if not ratelimit.consume(request, action="follow", user=request.user):
        return _("That was too often: wait a minute."), 429
    word, _space, name = request.POST.get("click", "").partition(" ")
    try:
        if word not in ACTIONS or not name.isprintable():  # PostgreSQL would refuse NUL in a query
            raise sharing.SharingError(_("no such member"))
        ACTIONS[word](request.user, name[: requests.NAME_MAX])
    except sharing.SharingError as error:
        return str(error), 409
    return "", 200


@own_form("home")
def unit(request):
    """Remember the unit with which charts begin."""
    chosen = request.POST.get("unit", "")
    if chosen not in Account.Unit.values:
        return answer({"error": "unknown unit"}, 400)
    Account.objects.filter(pk=request.user.pk).update(unit=chosen)
    return answer({"unit": chosen})
