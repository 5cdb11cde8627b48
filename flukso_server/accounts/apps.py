# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells other processes of changes to accounts and tokens, also of those made in the admin."""

from django.apps import AppConfig
from django.db.models.signals import post_delete, post_save, pre_delete


def _account_saved(instance, created, update_fields=None, **_):
    """Announce a new time zone or a blocked account: its tokens answer differently from now on."""
    from flukso_server.devices.changes import tokens_changed

    if not created and (update_fields is None or set(update_fields) - {"last_login"}):
        tokens_changed(list(instance.tokens.values_list("sha256", flat=True)))


def _forget_address(instance, **_):
    """Remove a deleted account's address from the invitation by which it came."""
    from flukso_server.accounts.models import Invitation

    Invitation.objects.filter(accepted_by=instance).update(email="")


def _price_changed(instance, **_):
    from flukso_server.devices.changes import tokens_changed

    tokens_changed(list(instance.account.tokens.values_list("sha256", flat=True)))


def _token_gone(instance, **_):
    from flukso_server.devices.changes import tokens_changed

    tokens_changed([instance.sha256])


class AccountsConfig(AppConfig):
    name = "flukso_server.accounts"

    def ready(self):
        post_save.connect(_account_saved, sender="accounts.Account")
        pre_delete.connect(_forget_address, sender="accounts.Account")
        post_save.connect(_price_changed, sender="accounts.Price")
        post_delete.connect(_price_changed, sender="accounts.Price")
        post_delete.connect(_token_gone, sender="accounts.Token")
