# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON API for people and programs."""
