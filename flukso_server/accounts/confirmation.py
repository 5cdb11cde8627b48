# SPDX-License-Identifier: GPL-3.0-or-later
"""Our step of allauth's log-in.

It cannot stand in the adapter, which allauth loads while its own stages are being imported.
"""

from allauth.account.models import EmailAddress
from allauth.account.stages import EmailVerificationStage


class ConfirmedAddress(EmailVerificationStage):
    """Asks members who signed up to confirm their address before their first log-in.

    An account that an operator made has no address to confirm.
    """

    def handle(self):
        user = self.login.user
        if user is not None and (
            user.last_login is not None or not EmailAddress.objects.filter(user=user).exists()
        ):
            return None, True
        return super().handle()
