# SPDX-License-Identifier: GPL-3.0-or-later
"""A member's own pages; project/urls.py has allauth's, for log-in, sign-up and passwords."""

from django.urls import path

from flukso_server.accounts import pages

urlpatterns = [
    path("account/", pages.account, name="account"),
    path("account/price/", pages.add_price, name="price"),
    path("account/price/<int:number>/delete/", pages.delete_price, name="price-delete"),
    path("account/sharing/", pages.sharing, name="sharing"),
    path("account/export/", pages.export, name="export"),
    path("account/delete/", pages.delete, name="account-delete"),
    path("tokens/", pages.tokens, name="tokens"),
    path("relationships/", pages.relationships_page, name="relationships"),
    path("invitations/", pages.invitations_page, name="invitations"),
    path("invitations/<int:number>/withdraw/", pages.withdraw, name="invitation-withdraw"),
    path("invitation/<str:secret>/", pages.invitation, name="invitation"),
]
