# SPDX-License-Identifier: GPL-3.0-or-later
"""Saves what a member typed into a form that is sent after the session has ended.

The member logs in, and comes back to the form's page with the form filled in.
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

KEPT = "typed"  # in the session: the form's path, what was typed, when and by whom
TYPIST = "typist"  # the cookie that says by whom
TYPIST_S = 2 * settings.SESSION_COOKIE_AGE  # the cookie must outlive the session
KEPT_S = 3600  # after which the form comes back empty
TYPED_MAX = 4000  # bytes: names, a code, a list of members
ACTION = "typed"  # how often strangers may have us keep something: settings.ACCOUNT_RATE_LIMITS
LEFT_OUT = ("csrfmiddlewaretoken", "password", "oldpassword", "password1", "password2")


class Typists:
    """The middleware that notes in the browser, by a cookie, who is logged in.

    So what a member typed is shown to no other member after the session has ended; it is dropped
    when another one logs in. The cookie opens nothing.
    """

    def __init__(self, get_response):
        self._get_response = get_response

    def __call__(self, request):
        response = self._get_response(request)
        session = request.session
        # After a 5xx the database may be away.
        if response.status_code >= 500 or not session.accessed or SESSION_KEY not in session:
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
    """Decorate a view for members that shows a page and takes its forms."""

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
    """Decorate a view that takes a form of another page; a GET is led to that page."""

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
        # Without the cookie, the next member to log in would see what was typed.
        known = re.fullmatch("[0-9a-f]{64}", typist)
        if text and len(text) <= TYPED_MAX and known and ratelimit.consume(request, action=ACTION):
            request.session[KEPT] = [request.path, text, int(time.time()), typist]
            request.session.set_expiry(KEPT_S)
    return redirect_to_login(back)


def typed(request: HttpRequest, *paths: str) -> tuple[str, QueryDict] | None:
    """Return the path and fields of a form that this member sent before the log-in.

    Returns None if there is none for one of these paths. It is returned only once.
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
    """Fill the form with what was typed and ticked, also if no box was; without passwords."""
    for name, field in form.fields.items():
        key = form.add_prefix(name)
        if not field.widget.value_omitted_from_data(values, {}, key):
            form.initial[name] = field.widget.value_from_datadict(values, {}, key)
    return form
