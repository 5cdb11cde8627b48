# SPDX-License-Identifier: GPL-3.0-or-later
"""The default series store: two SQLite files, one writer thread."""
