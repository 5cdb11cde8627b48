# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon's modules alone, on both interpreters."""
