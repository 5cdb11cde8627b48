# SPDX-License-Identifier: GPL-3.0-or-later
"""Who asks the API: a person with a session, or a program with a token in `Authorization: Bearer
…`, never in the URL.
"""

from collections import namedtuple

from django.http import HttpRequest
from ninja.security import HttpBearer, SessionAuth

from flukso_server.accounts import tokens
from flukso_server.accounts.models import Token

# manage: may change things; sensor: the id of the only one that may be read, None for all of the
# account
Caller = namedtuple("Caller", ("account", "manage", "sensor"))


class TokenAuth(HttpBearer):
    """Any token."""

    openapi_name = "token"

    def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        found = tokens.find(token)
        if found is None:
            return None
        return Caller(found.account, found.scope == Token.Scope.MANAGE, found.sensor_id)


class PersonAuth(SessionAuth):
    """A session of the site; whoever changes something must send the CSRF token as well."""

    openapi_name = "session"

    def __init__(self):
        super().__init__(csrf=True)

    def __call__(self, request: HttpRequest) -> Caller | None:
        # who has no session is told that first, not that a CSRF token is missing
        return super().__call__(request) if request.user.is_authenticated else None

    def authenticate(self, request: HttpRequest, key: str | None) -> Caller | None:
        return Caller(request.user, True, None)


ANYONE_KNOWN = [TokenAuth(), PersonAuth()]
