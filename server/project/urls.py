# SPDX-License-Identifier: GPL-3.0-or-later
"""URLs of the pages; /sensor/ and /device/ never come here (project/entry.py)."""

from api.urls import api
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/1/", api.urls),
    path("", include("dashboard.urls")),
]
