# SPDX-License-Identifier: GPL-3.0-or-later
"""Where our sign-up and log-in differ from allauth's.

It decides who may sign up, which names are free, whose address must be confirmed, and what happens
when a mail cannot be sent.
"""

import logging
from smtplib import SMTPException
from types import SimpleNamespace
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.validators import MinLengthValidator
from django.utils import timezone
from django.utils.translation import gettext as _

from flukso_server.accounts import invitations, names
from flukso_server.accounts.models import Account
from flukso_server.project import proxied

logger = logging.getLogger("flukso.accounts")

INVITATION = "invitation"  # key in the session: the number of the invitation whose link was opened


class Unnamed(PermissionDenied):
    """The client's address is unknown."""

    kind = "proxy"  # project/trouble.py words the page by it


class Adapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request) -> bool:
        return settings.SIGNUP_OPEN or self.invitation(request) is not None

    def invitation(self, request):
        """Return the open invitation that brought this visitor, or None."""
        number = request.session.get(INVITATION)
        return (
            None
            if number is None
            else invitations.still_open(timezone.now()).filter(pk=number).first()
        )

    def clean_username(self, username: str, shallow: bool = False) -> str:
        """Check a name, at sign-up and at renaming alike. Raises ValidationError.

        shallow: the name may be in use, because it is the account's own.
        """
        MinLengthValidator(settings.ACCOUNT_USERNAME_MIN_LENGTH)(username)
        key = names.key(username)
        if key in names.RESERVED:
            raise self.validation_error("username_blacklisted")
        if not shallow and Account.objects.filter(name_key=key).exists():
            raise self.validation_error("username_taken")
        return super().clean_username(username, shallow)

    def get_client_ip(self, request) -> str:
        """Return the address by which attempts are limited.

        Raises Unnamed if a proxy does not say who its client is.
        """
        if not settings.BEHIND_PROXY:
            return request.META.get("REMOTE_ADDR") or ""
        try:
            address = proxied.client(
                request.headers.get("X-Real-IP"), request.headers.get("X-Forwarded-For")
            )
        except proxied.Doubtful as error:
            logger.warning("the client's address is unknown: %s; set both headers", error)
            raise Unnamed from error
        if not address:
            logger.warning(
                "the proxy sends neither X-Real-IP nor X-Forwarded-For, which "
                "FLUKSO_BEHIND_PROXY=1 needs: nobody can log in"
            )
            raise Unnamed
        return address

    def _get_login_attempts_cache_key(self, request, **credentials) -> str:
        """Return a key made of the name alone.

        allauth's has the Host header in it: by another Host, a guesser would get new attempts.
        """
        return names.key(str(credentials.get("email", credentials.get("username", ""))))

    def get_login_stages(self):
        own = "flukso_server.accounts.confirmation.ConfirmedAddress"
        return [
            own if stage.endswith(".EmailVerificationStage") else stage
            for stage in super().get_login_stages()
        ]

    def send_mail(self, template_prefix: str, email: str, context: dict) -> None:
        if not self.deliver(template_prefix, email, context) and self.request is not None:
            messages.error(
                self.request, _("The mail could not be sent now. Please try again later.")
            )

    def deliver(self, template_prefix: str, email: str, context: dict) -> bool:
        """Send a mail; return whether a mail server took it.

        The log says what went wrong, without the mail's address and text.
        """
        host = urlsplit(settings.BASE_URL).netloc
        try:
            super().send_mail(
                template_prefix,
                email,
                context | {"current_site": SimpleNamespace(name=host, domain=host)},
            )
        except (OSError, SMTPException) as error:
            logger.error("a mail is not sent: %s", type(error).__name__)
            return False
        return True
