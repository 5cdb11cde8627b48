# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps a session alive while it is used."""

import time

from django.conf import settings
from django.contrib.auth import SESSION_KEY

RENEW_S = 86_400  # between two renewals, so that a page costs no write
RENEWED = "renewed"  # in the session: unix s


class LivingOn:
    """Renews the session of a member once for each day of use."""

    def __init__(self, get_response):
        self._get_response = get_response

    def __call__(self, request):
        session = request.session
        if settings.SESSION_COOKIE_NAME in request.COOKIES and SESSION_KEY in session:
            now = int(time.time())
            if not now - RENEW_S < session.get(RENEWED, 0) <= now:
                session[RENEWED] = now
                # A session from before this setting has an age of its own.
                session.set_expiry(settings.SESSION_COOKIE_AGE)
        return self._get_response(request)
