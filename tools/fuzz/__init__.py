# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutated input for every parser, the same on both interpreters: `python -m tools.fuzz`."""
