# SPDX-License-Identifier: GPL-3.0-or-later
"""Inviting another Fluksonian: a link that expires, an allowance, and nothing learnt of who is a
member already.
"""

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
# mails of one account, withdrawn ones too: the allowance alone would let it write to strangers for
# ever
A_DAY_MAX = 10
SECRET_BYTES = 24


class InvitationError(ValueError):
    """No invitation; the text is for the one who invites."""


def still_open(now: datetime) -> QuerySet[Invitation]:
    return Invitation.objects.filter(
        accepted=None, withdrawn=False, expires__gt=now, inviter__is_active=True
    )


def left(account: Account, now: datetime) -> int:
    """How many invitations the account may still send; what expired or was withdrawn unused counts
    no more.
    """
    counted = Q(accepted__isnull=False) | Q(withdrawn=False, expires__gt=now)
    return max(0, account.invitations_max - account.invitations.filter(counted).count())


def invite(account: Account, email: str, now: datetime) -> tuple[Invitation, str]:
    """An open invitation, and the secret for its link, which is kept nowhere. Raises
    InvitationError.

    Whether the address is a member's already makes no difference here: the mail tells its reader
    alone.
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
    """The open invitation of this secret."""
    return still_open(now).filter(sha256=_sha256(secret)).first()


def withdraw(account: Account, number: int) -> None:
    account.invitations.filter(pk=number, accepted=None).update(withdrawn=True)


def accept(number: int, account: Account, now: datetime) -> None:
    """The new account came by this invitation; raises InvitationError when another came first."""
    if still_open(now).filter(pk=number).update(accepted=now, accepted_by=account) != 1:
        raise InvitationError(_("This invitation is not open any more."))


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
