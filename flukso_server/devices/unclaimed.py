# SPDX-License-Identifier: GPL-3.0-or-later
"""How much a device without an owner may leave here (docs/design/protocols.md §8.4); pure."""

KEPT_S = 14 * 86_400  # the device itself, and how far back it may fill its series
SENSORS_MAX = 6  # what the board has
