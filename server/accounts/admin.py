# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts and tokens for operators. A token's text is shown nowhere: owners make their own."""

from accounts.models import Account, Token
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin


@admin.register(Account)
class AccountAdmin(UserAdmin):
    fieldsets = (*UserAdmin.fieldsets, ("Energy", {"fields": ("time_zone", "unit", "invitations_max")}))


@admin.register(Token)
class TokenAdmin(admin.ModelAdmin):
    list_display = ("name", "account", "sensor", "scope", "created")
    list_select_related = ("account", "sensor")
    search_fields = ("name", "account__username")
    readonly_fields = ("account", "sensor", "scope", "created")
    exclude = ("sha256",)

    def has_add_permission(self, request):
        return False
