# SPDX-License-Identifier: GPL-3.0-or-later
"""Functions that tests call where Django is set up, by `Platform.call`."""
