# SPDX-License-Identifier: GPL-3.0-or-later
"""Proofs of flashing: a board on a programmer, and updates of it that are cut."""
