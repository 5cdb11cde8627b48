# SPDX-License-Identifier: GPL-3.0-or-later
"""The Django project: settings, URLs and the ASGI entry points."""
