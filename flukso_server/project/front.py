# SPDX-License-Identifier: GPL-3.0-or-later
"""The outermost middleware: names of the platform, proxies, and pages for errors."""

import logging
from urllib.parse import urljoin

from django.conf import settings
from django.core.exceptions import DisallowedHost

from flukso_server.project import trouble

logger = logging.getLogger("flukso.front")


class Front:
    """Refuses names that are not served; turns errors into pages.

    Links in mails and redirects begin with FLUKSO_BASE_URL, whatever name a request asks for.
    """

    def __init__(self, get_response):
        self._get_response = get_response

    def __call__(self, request):
        try:
            request.get_host()
        except DisallowedHost:
            logger.warning(
                "asked for as %.80r, which is not in FLUKSO_ALLOWED_HOSTS",
                request.META.get("HTTP_HOST", ""),
            )
            return trouble.page(request, 400, "host")
        if settings.BEHIND_PROXY and settings.HTTPS:
            # a proxy that does not send this header serves HTTPS alone
            request.META.setdefault("HTTP_X_FORWARDED_PROTO", "https")
        request.build_absolute_uri = lambda location=None: urljoin(
            settings.BASE_URL + request.path, location or request.get_full_path()
        )
        response = self._get_response(request)
        return trouble.instead_of(request, response)

    def process_exception(self, request, error):
        """Answer 503 if a database is away, locked or full."""
        return trouble.unwritten(request, error) if isinstance(error, trouble.AWAY) else None
