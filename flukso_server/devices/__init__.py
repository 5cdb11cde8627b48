# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices, their sensors, registration, claim and heartbeat."""
