# SPDX-License-Identifier: GPL-3.0-or-later
"""A form that is sent after its session has ended: through the log-in back to its page, with what
was typed in it.
"""

import re
import time
from functools import wraps

from allauth.core import ratelimit
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseNotAllowed, JsonResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

KEPT = "typed"  # in the session: what was sent, whereto, when, by whom
TYPIST = "typist"  # the cookie that says by whom
TYPIST_S = 2 * settings.SESSION_COOKIE_AGE  # it outlives the session whose form is sent
KEPT_S = 3600  # whoever logs in later gets an empty form
TYPED_MAX = 4000  # bytes: names, a code, a list of members
ACTION = "typed"  # how often strangers may have us keep something: settings.ACCOUNT_RATE_LIMITS
LEFT_OUT = ("csrfmiddlewaretoken", "password", "oldpassword", "password1", "password2")


class Typists:
    """The middleware that notes in the browser who is logged in, so that what was typed is shown to
    nobody else when the session is over.

    The cookie opens nothing. What somebody else typed is dropped at once.
    """

    def __init__(self, get_response):
        self._get_response = get_response

    def __call__(self, request):
        response = self._get_response(request)
        session = request.session
        if (
            response.status_code >= 500 or not session.accessed or SESSION_KEY not in session
        ):  # the database may be away
            return response
        typist = salted_hmac(TYPIST, session[SESSION_KEY], algorithm="sha256").hexdigest()
        if KEPT in session and session[KEPT][3:] != [typist]:
            del session[KEPT]
        if session.modified or request.COOKIES.get(TYPIST) != typist:
            response.set_cookie(
                TYPIST,
                typist,
                max_age=TYPIST_S,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite=settings.SESSION_COOKIE_SAMESITE,
            )
        return response


def own_page(view):
    """A page of who is logged in, which has forms of its own."""

    @wraps(view)
    @never_cache
    def check(request, *args, **named):
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        return (
            view(request, *args, **named)
            if request.user.is_authenticated
            else _through_log_in(request, request.get_full_path())
        )

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
            return (
                view(request, *args, **named)
                if request.user.is_authenticated
                else _through_log_in(request, reverse(page) + anchor)
            )

        return check

    return decorate


def _through_log_in(request: HttpRequest, back: str):
    if request.headers.get("Accept") == "application/json":
        return JsonResponse({"error": _("You are logged out.")}, status=401)
    if request.method == "POST":
        fields = request.POST.copy()
        for name in LEFT_OUT:
            fields.pop(name, None)
        text, typist = fields.urlencode(), request.COOKIES.get(TYPIST, "")
        known = re.fullmatch(
            "[0-9a-f]{64}", typist
        )  # else it would be shown to whoever logs in next
        if text and len(text) <= TYPED_MAX and known and ratelimit.consume(request, action=ACTION):
            request.session[KEPT] = [request.path, text, int(time.time()), typist]
            request.session.set_expiry(KEPT_S)
    return redirect_to_login(back)


def typed(request: HttpRequest, *paths: str) -> tuple[str, QueryDict] | None:
    """What this member typed into a form that was sent to one of these paths before the log-in,
    once; and to which.
    """
    kept = request.session.get(KEPT)
    if kept is None or kept[0] not in paths or request.method != "GET":
        return None
    del request.session[KEPT]
    if not 0 <= time.time() - kept[2] <= KEPT_S:
        return None
    messages.info(
        request, _("You were logged out meanwhile. Here is what you typed: it is not saved yet.")
    )
    return kept[0], QueryDict(kept[1])


def fill(form: forms.Form, values: QueryDict) -> forms.Form:
    """The form, with what was typed and ticked, also if no box was; passwords were not kept."""
    for name, field in form.fields.items():
        key = form.add_prefix(name)
        if not field.widget.value_omitted_from_data(values, {}, key):
            form.initial[name] = field.widget.value_from_datadict(values, {}, key)
    return form
