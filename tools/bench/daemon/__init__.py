# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures: what the daemon costs, on each interpreter. Each program ends with one line `name:
{"runs":[…]}`.
"""
