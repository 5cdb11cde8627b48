# SPDX-License-Identifier: GPL-3.0-or-later
"""People, what they pay and their tokens."""
