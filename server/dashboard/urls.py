# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages for people."""

urlpatterns: list = []
