# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo street as an older release left it, for tests/server/test_develop.py."""

from flukso_server.accounts import sharing
from flukso_server.accounts.models import Account
from flukso_server.dashboard.management.commands.demo_household import household


def older() -> None:
    for name, detail in (("jan", "minutes"), ("Ludo", "private")):
        account = Account.objects.create_user(name)
        sharing.set_sharing(account, detail, "all")
        household(account, ("import",))
