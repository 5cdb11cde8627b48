# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds out who asks the API: a person with a session, or a program with a token.

The token is in `Authorization: Bearer …`, never in the URL.
"""

from collections import namedtuple

from django.http import HttpRequest
from ninja.security import HttpBearer, SessionAuth

from flukso_server.accounts import tokens
from flukso_server.accounts.models import Token

# manage: whether the caller may change things; sensor: the only one it may read, None for all
Caller = namedtuple("Caller", ("account", "manage", "sensor"))


class TokenAuth(HttpBearer):
    """Accepts any token."""

    openapi_name = "token"

    def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        row = tokens.find(token)
        if row is None:
            return None
        return Caller(row.account, row.scope == Token.Scope.MANAGE, row.sensor_id)


class PersonAuth(SessionAuth):
    """Accepts a session of the site; to change something takes the CSRF token as well."""

    openapi_name = "session"

    def __init__(self):
        super().__init__(csrf=True)

    def __call__(self, request: HttpRequest) -> Caller | None:
        # Without a session the error is that, not a missing CSRF token.
        return super().__call__(request) if request.user.is_authenticated else None

    def authenticate(self, request: HttpRequest, key: str | None) -> Caller | None:
        return Caller(request.user, True, None)


AUTHENTICATED = [TokenAuth(), PersonAuth()]
