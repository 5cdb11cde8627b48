# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages for people."""

from django.urls import path, register_converter

from flukso_server.dashboard import feeds, live, pages


class HexIdConverter:
    regex = "[0-9a-f]{32}"

    def to_python(self, value):
        return value

    def to_url(self, value):
        return value


register_converter(HexIdConverter, "hex")

urlpatterns = [
    path("", pages.home, name="home"),
    path("chart.json", feeds.data, name="chart-data"),
    path("figures.json", feeds.figures, name="figures"),
    path("members.json", feeds.members, name="members"),
    path("money/", pages.money, name="money"),
    path("follow/", feeds.follow, name="follow"),
    path("unit/", feeds.unit, name="unit"),
    path("live/", live.stream, name="live"),
    path("sensors/<hex:sensor>/", pages.sensor, name="sensor"),
    path("sensors/<hex:sensor>/chart.json", feeds.sensor_data, name="sensor-data"),
]
