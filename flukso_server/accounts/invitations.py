# SPDX-License-Identifier: GPL-3.0-or-later
"""Invitations: a link that expires, an allowance, and no hint of who is a member already."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from flukso_server.accounts.membership import Invitation
from flukso_server.accounts.models import Account

LIFETIME = timedelta(days=14)
# mails of one account, withdrawn ones too: withdrawing gives the allowance back, so it alone would
# let an account write to strangers without end
A_DAY_MAX = 10
SECRET_BYTES = 24


class InvitationError(ValueError):
    """The invitation cannot be made or used; the text is for the member."""


def still_open(now: datetime) -> QuerySet[Invitation]:
    """Return the invitations that can be accepted."""
    return Invitation.objects.filter(
        accepted=None, withdrawn=False, expires__gt=now, inviter__is_active=True
    )


def left(account: Account, now: datetime) -> int:
    """Return how many invitations the account may still send.

    One that expired or was withdrawn unused does not count any more.
    """
    counted = Q(accepted__isnull=False) | Q(withdrawn=False, expires__gt=now)
    return max(0, account.invitations_max - account.invitations.filter(counted).count())


def invite(account: Account, email: str, now: datetime) -> tuple[Invitation, str]:
    """Make an invitation; return it and the secret for its link, which is kept nowhere.

    Raises InvitationError. It makes no difference whether the address is a member's: the inviter
    must not learn that, and the mail tells its reader.
    """
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise InvitationError(_("That is no e-mail address.")) from error
    with transaction.atomic():
        Account.objects.select_for_update().get(pk=account.pk)  # the lock for the counts
        if still_open(now).filter(inviter=account, email=email).exists():
            raise InvitationError(_("You have invited them already."))
        if left(account, now) == 0:
            raise InvitationError(_("You have no invitations left."))
        if account.invitations.filter(created__gt=now - timedelta(days=1)).count() >= A_DAY_MAX:
            raise InvitationError(_("That is enough for today."))
        secret = secrets.token_urlsafe(SECRET_BYTES)
        made = Invitation.objects.create(
            inviter=account,
            email=email,
            sha256=_sha256(secret),
            created=now,
            expires=now + LIFETIME,
        )
    return made, secret


def find(secret: str, now: datetime) -> Invitation | None:
    """Return the open invitation of this secret, or None."""
    return still_open(now).filter(sha256=_sha256(secret)).first()


def withdraw(account: Account, number: int) -> None:
    """Withdraw one of the account's invitations, unless it was accepted."""
    account.invitations.filter(pk=number, accepted=None).update(withdrawn=True)


def accept(number: int, account: Account, now: datetime) -> None:
    """Note that the new account came by this invitation.

    Raises InvitationError if it is not open any more, because another account came first.
    """
    if still_open(now).filter(pk=number).update(accepted=now, accepted_by=account) != 1:
        raise InvitationError(_("This invitation is not open any more."))


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
