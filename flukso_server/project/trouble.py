# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells what went wrong: by a page that leads on, by `{"error": …}` to programs."""

import logging
import sqlite3
import sys
from urllib.parse import urlsplit

from django.db import InterfaceError, OperationalError
from django.http import HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext_lazy as _

from flukso_server.series.store import SeriesError

logger = logging.getLogger("flukso.trouble")

# a database of accounts or of series is away, locked or full
AWAY = (InterfaceError, OperationalError, sqlite3.OperationalError, SeriesError)
TEMPLATE = "dashboard/trouble.html"
RETRY_S = 60
# kind: what happened, and what the reader can do about it
TEXTS = {
    "400": (
        _("This request makes no sense"),
        _("Nothing was changed. Go back, and send it again."),
    ),
    "403": (
        _("This is not for you"),
        _("You may not do this with the account that you are logged in with."),
    ),
    "404": (_("There is nothing here"), _("The address is wrong, or what was here has gone.")),
    "405": (_("This address takes forms alone"), _("It is not meant to be opened like a page.")),
    "413": (_("That is too much at once"), _("Nothing was changed. Send less.")),
    "429": (_("That was too often"), _("Please wait a while, and try again.")),
    "500": (
        _("Something went wrong here"),
        _("It is our fault, and in the log. Please try again later."),
    ),
    "503": (
        _("The platform cannot do this now"),
        _("Its database is busy, full or away. Nothing was changed: please try again in a minute."),
    ),
    "csrf": (
        _("Your form was not taken"),
        _(
            "Its page is too old, or this browser keeps no cookies of this site. Open the form "
            "anew, and send it again."
        ),
    ),
    "host": (
        _("The platform is not served under this name"),
        _("Ask whoever runs it for its address."),
    ),
    "proxy": (
        _("The way here is not set up"),
        _(
            "The proxy in front of this platform does not say who asks. It must send X-Real-IP or "
            "X-Forwarded-For."
        ),
    ),
}


def page(request, status: int, kind: str = "", **headers: str) -> HttpResponse:
    """Answer a request that failed; kind: a key of TEXTS, by default the status."""
    title, advice = TEXTS[kind or str(status)]
    with translation.override(translation.get_language_from_request(request)):
        if _for_program(request):
            answer: HttpResponse = JsonResponse(
                {"error": f"{title}. {advice}"}, status=status, headers=headers
            )
        else:
            # The member is looked up in the database, which may be what is wrong.
            may_look = status < 500 and kind != "host" and hasattr(request, "user")
            known = request if may_look else None
            answer = HttpResponse(
                _text(request, known, title, advice, kind), status=status, headers=headers
            )
    answer["Content-Length"] = str(len(answer.content))
    add_never_cache_headers(answer)
    return answer


def _for_program(request) -> bool:
    return (
        request.path.startswith("/api/") or request.headers.get("Accept", "") == "application/json"
    )


def _text(request, known, title, advice, kind: str) -> str:
    back = ""
    if kind == "csrf":
        back = _form_of(request)
    elif kind == "503" and request.method == "GET":
        back = request.path
    return render_to_string(
        TEMPLATE, {"title": title, "advice": advice, "back": back, "away": kind == "host"}, known
    )


def _form_of(request) -> str:
    """Return the page of this site that the form was on."""
    try:
        referer = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        return reverse("account_login")
    same = (
        referer.netloc == request.get_host()
        and referer.path.startswith("/")
        and not referer.path.startswith("//")
    )
    return referer.path if same else reverse("account_login")


def instead_of(request, response: HttpResponse) -> HttpResponse:
    """Return the response, or a page that says more if it is a bare 405."""
    if response.status_code != 405:
        return response
    answer = page(request, 405, Allow=response.headers.get("Allow", ""))
    answer.cookies = response.cookies
    for name, value in response.headers.items():
        answer.headers.setdefault(name, value)
    return answer


def unwritten(request, error: Exception) -> HttpResponse:
    """Answer 503, as devices get it, when a database could not be read or written."""
    logger.warning("%s: the database: %s", request.path, str(error).strip())
    if hasattr(request, "session"):
        request.session.modified = False  # else the database would be waited for once more
    answer = page(request, 503, **{"Retry-After": str(RETRY_S)})
    answer._has_been_logged = True  # Django's own line has a traceback
    return answer


def csrf_failure(request, reason=""):
    logger.warning("a form for %s is refused: %s", request.path, reason)
    return page(request, 403, "csrf")


def bad_request(request, exception=None):
    return page(request, 400)


def forbidden(request, exception=None):
    return page(request, 403, getattr(exception, "kind", ""))


def not_found(request, exception=None):
    return page(request, 404)


def too_often(request):
    return page(request, 429)


def broken(request):
    error = sys.exc_info()[1]
    return unwritten(request, error) if isinstance(error, AWAY) else page(request, 500)
