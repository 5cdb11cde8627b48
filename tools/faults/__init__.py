# SPDX-License-Identifier: GPL-3.0-or-later
"""A matrix of network faults against the daemon on both interpreters: `make faults`."""
