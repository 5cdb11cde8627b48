# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes, finds and revokes tokens."""

import hashlib
import re
import secrets

from django.db import transaction
from django.utils.translation import gettext as _

from flukso_server.accounts.models import Account, Token

TOKEN_BYTES = 16  # protocol §4: 32 hex digits
TOKENS_MAX = 100  # of an account
_TOKEN = re.compile(r"[0-9a-f]{32}")


class TokenError(ValueError):
    """A token cannot be made; the text is for its owner."""


def sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def is_token(text: str) -> bool:
    return _TOKEN.fullmatch(text) is not None


def make_token(
    account: Account, name: str = "", scope: str = Token.Scope.READ, sensor=None
) -> tuple[Token, str]:
    """Make a token; return it and its text, which is kept nowhere. Raises TokenError.

    sensor: the one that it reads, None for all of the account's.
    """
    if sensor is not None and scope != Token.Scope.READ:
        raise TokenError(_("a sensor's token can only read"))
    with transaction.atomic():
        Account.objects.select_for_update().get(pk=account.pk)  # the lock for the count
        if Token.objects.filter(account=account).count() >= TOKENS_MAX:
            raise TokenError(_("an account has at most %(most)s tokens") % {"most": TOKENS_MAX})
        text = secrets.token_hex(TOKEN_BYTES)
        token = Token.objects.create(
            account=account, name=name[:64], scope=scope, sensor=sensor, sha256=sha256(text)
        )
    return token, text


def revoke(token: Token) -> None:
    """Delete the token; within seconds it reads nothing in any process (hot/caches.py)."""
    with transaction.atomic():
        token.delete()  # accounts/apps.py tells the other processes


def find(text: str) -> Token | None:
    """Return the token with this text, None if there is none or its account is blocked."""
    if not is_token(text):
        return None
    return (
        Token.objects.select_related("account")
        .filter(sha256=sha256(text), account__is_active=True)
        .first()
    )
