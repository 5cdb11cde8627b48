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

JSON = "application/json"


def answer(content: object, status: int = 200) -> HttpResponse:
    body = content if isinstance(content, bytes) else msgspec.json.encode(content)
    return HttpResponse(body, content_type=JSON, status=status)


def signed_in(function):
    """As login_required, but a script is told 401 instead of being sent to a page."""

    def check(request, *args, **named):
        if not request.user.is_authenticated:
            return answer({"error": _("You are logged out.")}, 401)
        return function(request, *args, **named)

    return never_cache(check)


@require_GET
@signed_in
@gzip_page
def data(request):
    """The lines of a window: the viewer's own and those of whom they follow."""
    now = int(time.time())
    try:
        asked, flow, names = requests.chart_query(request.GET, now)
        return answer(
            chart_json.answer(
                store(),
                request.user,
                asked,
                lines.lines_for(request.user, asked.resource, flow, names),
                now,
            )
        )
    except scales.WindowError as error:
        return answer({"error": str(error)}, 400)


@require_GET
@signed_in
@gzip_page
def sensor_data(request, sensor):
    """The line of one of the viewer's sensors."""
    now = int(time.time())
    found = sensors_of(request.user).filter(pk=sensor).first()
    if found is None:
        raise Http404
    try:
        asked, _flow, _names = requests.chart_query(request.GET, now)
        return answer(
            chart_json.answer(
                store(), request.user, asked, [lines.sensor_line(request.user, found)], now
            )
        )
    except scales.WindowError as error:
        return answer({"error": str(error)}, 400)


@require_GET
@signed_in
def figures(request):
    """Now, today, yesterday, last night."""
    resource = request.GET.get("resource", lines.RESOURCES[0])
    if resource not in lines.RESOURCES:
        return answer({"error": "unknown resource"}, 400)
    own = lines.own_line(request.user, lines.counters(request.user.pk), resource)
    found = summary(store(), request.user, own, prices.spans_of(request.user), int(time.time()))
    return answer(found._asdict())


@require_GET
@signed_in
def members(request):
    """The two lists; `search` finds Fluksonians by the beginning of their names."""
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
    """One click in a list: an action and a member's name. Answers the lists anew; without scripts,
    the page that it came from.
    """
    told, status = _obey(request)
    if request.headers.get("Accept") == JSON:
        return answer(member_lists.lists(request.user) | {"error": told}, status)
    if told:
        messages.error(request, told)
    return redirect("relationships" if request.POST.get("page") == "relationships" else "home")


def _obey(request) -> tuple[str, int]:
    """What is to be said, and the status. Hidden members and names that nobody has are answered
    alike.
    """
    if not ratelimit.consume(request, action="follow", user=request.user):
        return _("That was too often: wait a minute."), 429
    word, _space, name = request.POST.get("click", "").partition(" ")
    try:
        if word not in ACTIONS or not name.isprintable():  # no name holds what PostgreSQL refuses
            raise sharing.SharingError(_("no such member"))
        ACTIONS[word](request.user, name[: requests.NAME_MAX])
    except sharing.SharingError as error:
        return str(error), 409
    return "", 200


@own_form("home")
def unit(request):
    """Remember the unit that the charts begin with."""
    chosen = request.POST.get("unit", "")
    if chosen not in Account.Unit.values:
        return answer({"error": "unknown unit"}, 400)
    Account.objects.filter(pk=request.user.pk).update(unit=chosen)
    return answer({"unit": chosen})
