# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the dashboard's templates."""
