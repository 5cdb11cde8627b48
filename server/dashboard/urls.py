# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages for people."""

from dashboard import views
from django.contrib.auth import views as auth
from django.urls import path, register_converter


class HexIdConverter:
    regex = "[0-9a-f]{32}"

    def to_python(self, value):
        return value

    def to_url(self, value):
        return value


register_converter(HexIdConverter, "hex")

urlpatterns = [
    path("", views.home, name="home"),
    path("sensors/<hex:sensor>/", views.sensor, name="sensor"),
    path("sensors/<hex:sensor>/series.json", views.series, name="series"),
    path("claim/", views.claim, name="claim"),
    path("tokens/", views.tokens, name="tokens"),
    path("login/", auth.LoginView.as_view(), name="login"),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
]
