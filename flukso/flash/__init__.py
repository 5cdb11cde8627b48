# SPDX-License-Identifier: GPL-3.0-or-later
"""flukso-flash: new firmware for the sensor board without losing its count; runs on CPython and on
MicroPython.
"""
