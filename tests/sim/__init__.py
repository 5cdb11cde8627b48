# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the simulator, and of the firmware in it."""
