# SPDX-License-Identifier: GPL-3.0-or-later
"""A form that is sent after its session has ended: through the log-in back to its page, with what was typed in it."""

import time
from functools import wraps

from allauth.core import ratelimit
from django import forms
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseNotAllowed, JsonResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

KEPT = "typed"  # in the session: what was sent, whereto, when
KEPT_S = 3600  # whoever logs in later gets an empty form
TYPED_MAX = 4000  # bytes: names, a code, a list of members
ACTION = "typed"  # how often strangers may have us keep something: settings.ACCOUNT_RATE_LIMITS
LEFT_OUT = ("csrfmiddlewaretoken", "password", "oldpassword", "password1", "password2")


def own_page(view):
    """A page of who is logged in, which has forms of its own."""

    @wraps(view)
    @never_cache
    def check(request, *args, **named):
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        return view(request, *args, **named) if request.user.is_authenticated else _through_log_in(request, request.get_full_path())

    return check


def own_form(page: str, anchor: str = ""):
    """What a form on another page is sent to; who opens it like a page is led to that one."""

    def decorate(view):
        @wraps(view)
        def check(request, *args, **named):
            if request.method in ("GET", "HEAD"):
                return redirect(reverse(page) + anchor)
            if request.method != "POST":
                return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
            return view(request, *args, **named) if request.user.is_authenticated else _through_log_in(request, reverse(page) + anchor)

        return check

    return decorate


def _through_log_in(request: HttpRequest, back: str):
    if request.headers.get("Accept") == "application/json":
        return JsonResponse({"error": _("You are logged out.")}, status=401)
    if request.method == "POST":
        fields = request.POST.copy()
        for name in LEFT_OUT:
            fields.pop(name, None)
        text = fields.urlencode()
        if text and len(text) <= TYPED_MAX and ratelimit.consume(request, action=ACTION):
            request.session[KEPT] = [request.path, text, int(time.time())]
            request.session.set_expiry(KEPT_S)
    return redirect_to_login(back)


def typed(request: HttpRequest, *paths: str) -> tuple[str, QueryDict] | None:
    """What was typed into a form that was sent to one of these paths before the log-in, once; and to which."""
    kept = request.session.get(KEPT)
    if kept is None or kept[0] not in paths or request.method != "GET":
        return None
    del request.session[KEPT]
    if not 0 <= time.time() - kept[2] <= KEPT_S:
        return None
    messages.info(request, _("You were logged out meanwhile. Here is what you typed: it is not saved yet."))
    return kept[0], QueryDict(kept[1])


def fill(form: forms.Form, values: QueryDict) -> forms.Form:
    """The form, with what was typed and ticked, also if no box was; passwords were not kept."""
    for name, field in form.fields.items():
        key = form.add_prefix(name)
        if not field.widget.value_omitted_from_data(values, {}, key):
            form.initial[name] = field.widget.value_from_datadict(values, {}, key)
    return form
