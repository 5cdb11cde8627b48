# SPDX-License-Identifier: GPL-3.0-or-later
"""The Flukso daemon: reads a sensor board, keeps what it counted and uploads it; CPython and
MicroPython.
"""
