# SPDX-License-Identifier: GPL-3.0-or-later
"""Our steps of allauth's log-in. Apart from the adapter, which allauth loads while its own stages
are still being imported.
"""

from allauth.account.models import EmailAddress
from allauth.account.stages import EmailVerificationStage


class ConfirmedAddress(EmailVerificationStage):
    """Who signed up confirms the address before coming in first; whom an operator made has none to
    confirm.
    """

    def handle(self):
        user = self.login.user
        if user is not None and (
            user.last_login is not None or not EmailAddress.objects.filter(user=user).exists()
        ):
            return None, True
        return super().handle()
