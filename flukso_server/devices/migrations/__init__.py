# SPDX-License-Identifier: GPL-3.0-or-later
"""Schema changes; each runs on live data, in both directions."""
