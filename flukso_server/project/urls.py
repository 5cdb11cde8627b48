# SPDX-License-Identifier: GPL-3.0-or-later
"""URLs of the pages; /sensor/ and /device/ never come here (project/branches.py)."""

from allauth.account import views as allauth
from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

from flukso_server.api.urls import api
from flukso_server.project import trouble
from flukso_server.project.typed import own_page

admin.site.login = secure_admin_login(
    admin.site.login
)  # operators come in by the same door, with its limits

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/1/", api.urls),
    path("", include("flukso_server.accounts.urls")),
    path("", include("flukso_server.devices.urls")),
    path("email/", own_page(allauth.email), name="account_email"),
    path("password/change/", own_page(allauth.password_change), name="account_change_password"),
    path("", include("allauth.account.urls")),
    path("", include("flukso_server.dashboard.urls")),
    path(
        "favicon.ico", RedirectView.as_view(url=static("dashboard/icon.svg"))
    ),  # the admin's pages name none
]

handler400, handler403, handler404, handler500 = (
    trouble.bad_request,
    trouble.forbidden,
    trouble.not_found,
    trouble.broken,
)
handler429 = trouble.too_often  # allauth's
