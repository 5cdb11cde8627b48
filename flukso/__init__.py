# SPDX-License-Identifier: GPL-3.0-or-later
"""The Flukso daemon, for CPython and MicroPython.

It reads a sensor board, keeps what the board counted and uploads it.
"""
