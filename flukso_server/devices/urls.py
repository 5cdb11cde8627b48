# SPDX-License-Identifier: GPL-3.0-or-later
"""A member's devices and sensors."""

from django.urls import path

from flukso_server.devices import history, importing, pages

urlpatterns = [
    path("devices/", pages.devices, name="devices"),
    path("claim/", pages.claim, name="claim"),
    # A device's own page leads here (docs/design/protocols.md §8.3).
    path("claim/<str:code>/", pages.offered, name="claim-offered"),
    path("devices/<str:device>/name/", pages.rename, name="device-name"),
    path("devices/<str:device>/window/", pages.window, name="device-window"),
    path("devices/<str:device>/release/", pages.release, name="device-release"),
    path("sensors/<str:sensor>/continue/", pages.continue_series, name="sensor-continue"),
    path("sensors/<str:sensor>/import/", importing.import_page, name="sensor-import"),
    path("sensors/<str:sensor>/import/store/", importing.store_page, name="sensor-import-store"),
    path("sensors/<str:sensor>/correct/", history.correct, name="sensor-correct"),
    path("sensors/<str:sensor>/undo/", history.undo, name="sensor-undo"),
    path("sensors/<str:sensor>/settings/", pages.settings, name="sensor-settings"),
]
