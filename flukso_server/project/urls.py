# SPDX-License-Identifier: GPL-3.0-or-later
"""URLs of the pages; /sensor/ and /device/ go elsewhere (project/branches.py)."""

from allauth.account import views as allauth
from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

from flukso_server.api.urls import api
from flukso_server.project import trouble
from flukso_server.project.typed import own_page

# Operators log in as members do, with the same limits.
admin.site.login = secure_admin_login(admin.site.login)

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/1/", api.urls),
    path("", include("flukso_server.accounts.urls")),
    path("", include("flukso_server.devices.urls")),
    path("email/", own_page(allauth.email), name="account_email"),
    path("password/change/", own_page(allauth.password_change), name="account_change_password"),
    path("", include("allauth.account.urls")),
    path("", include("flukso_server.dashboard.urls")),
    # for the admin's pages, which name no icon
    path("favicon.ico", RedirectView.as_view(url=static("dashboard/icon.svg"))),
]

handler400, handler403, handler404, handler500 = (
    trouble.bad_request,
    trouble.forbidden,
    trouble.not_found,
    trouble.broken,
)
handler429 = trouble.too_often  # allauth's
