# SPDX-License-Identifier: GPL-3.0-or-later
"""The application's name."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "flukso_server.api"
