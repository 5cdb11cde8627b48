# SPDX-License-Identifier: GPL-3.0-or-later
"""The application's name."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "flukso_server.dashboard"
