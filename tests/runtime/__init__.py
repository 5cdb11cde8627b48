# SPDX-License-Identifier: GPL-3.0-or-later
"""Our MicroPython runtime: its modules, its port of the daemon, and the daemon on it."""
