# SPDX-License-Identifier: GPL-3.0-or-later
"""The LAN API asked as clients of the field ask it (docs/guide/lan.md lists them)."""
