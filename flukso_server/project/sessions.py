# SPDX-License-Identifier: GPL-3.0-or-later
"""A session lives on while it is used."""

import time

from django.conf import settings
from django.contrib.auth import SESSION_KEY

RENEW_S = 86_400  # so often at most: a page costs no write
RENEWED = "renewed"  # in the session: unix s


class LivingOn:
    """Gives a session of somebody who is logged in its full age again, once a day of use."""

    def __init__(self, get_response):
        self._get_response = get_response

    def __call__(self, request):
        session = request.session
        if settings.SESSION_COOKIE_NAME in request.COOKIES and SESSION_KEY in session:
            now = int(time.time())
            if not now - RENEW_S < session.get(RENEWED, 0) <= now:
                session[RENEWED] = now
                session.set_expiry(
                    settings.SESSION_COOKIE_AGE
                )  # one from before this setting has its own
        return self._get_response(request)
