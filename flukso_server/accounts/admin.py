# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts, tokens, invitations and answers on sharing, for operators.

The text of a token is shown nowhere: owners make their own.
"""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.utils.translation import gettext_lazy as _

from flukso_server.accounts.deletion import delete_account
from flukso_server.accounts.models import Account, Invitation, Sharing, Token
from flukso_server.project.stores import forget


@admin.register(Account)
class AccountAdmin(UserAdmin):
    fieldsets = (
        *UserAdmin.fieldsets,
        (_("Energy"), {"fields": ("time_zone", "unit", "invitations_max")}),
    )

    def delete_model(self, request, obj):
        """Delete the account with its series, as its owner can."""
        delete_account(obj, forget)

    def delete_queryset(self, request, queryset):
        for account in queryset:
            delete_account(account, forget)


class _WithoutAdding(admin.ModelAdmin):
    """Operators can look at these and remove them, but not add any."""

    def has_add_permission(self, request):
        return False


@admin.register(Token)
class TokenAdmin(_WithoutAdding):
    list_display = ("name", "account", "sensor", "scope", "created")
    list_select_related = ("account", "sensor")
    search_fields = ("name", "account__username")
    readonly_fields = ("account", "sensor", "scope", "created")
    exclude = ("sha256",)


@admin.register(Invitation)
class InvitationAdmin(_WithoutAdding):
    """Operators withdraw an invitation that is abused; its link then leads nowhere."""

    list_display = ("email", "inviter", "created", "expires", "withdrawn", "accepted_by")
    list_select_related = ("inviter", "accepted_by")
    list_filter = ("withdrawn",)
    search_fields = ("email", "inviter__username")
    readonly_fields = ("inviter", "email", "created", "expires", "accepted", "accepted_by")
    actions = ("withdraw",)

    @admin.action(description=_("Withdraw the chosen invitations"), permissions=["change"])
    def withdraw(self, request, queryset):
        queryset.filter(accepted=None).update(withdrawn=True)


@admin.register(Sharing)
class SharingAdmin(_WithoutAdding):
    """Members' answers on sharing.

    An operator can make a member private, but never less private: only the member decides that.
    """

    list_display = ("account", "detail", "audience", "answered")
    list_select_related = ("account",)
    list_filter = ("detail", "audience")
    search_fields = ("account__username",)
    fields = readonly_fields = ("account", "detail", "audience", "answered")
    actions = ("make_private",)

    @admin.action(description=_("Make the chosen members private"), permissions=["change"])
    def make_private(self, request, queryset):
        queryset.update(detail=Sharing.Detail.PRIVATE)
