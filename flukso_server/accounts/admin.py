# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts, tokens, invitations and answers on sharing for operators. A token's text is shown
nowhere: owners make their own.
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
        """As its owner would, with its series."""
        delete_account(obj, forget)

    def delete_queryset(self, request, queryset):
        for account in queryset:
            delete_account(account, forget)


class _Looked(admin.ModelAdmin):
    """To look at and to remove, not to make."""

    def has_add_permission(self, request):
        return False


@admin.register(Token)
class TokenAdmin(_Looked):
    list_display = ("name", "account", "sensor", "scope", "created")
    list_select_related = ("account", "sensor")
    search_fields = ("name", "account__username")
    readonly_fields = ("account", "sensor", "scope", "created")
    exclude = ("sha256",)


@admin.register(Invitation)
class InvitationAdmin(_Looked):
    """An invitation that is abused is withdrawn here: its link leads nowhere then."""

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
class SharingAdmin(_Looked):
    """What members answered. An operator can make somebody private, and nobody less so: that is the
    member's own to say.
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
