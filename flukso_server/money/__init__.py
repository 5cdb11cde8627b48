# SPDX-License-Identifier: GPL-3.0-or-later
"""What electricity costs: contracts with their terms, and the bill of a stretch of time. Pure.

docs/design/money.md has the rules and where each of them comes from.
"""
