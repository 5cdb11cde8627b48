# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that build, run and check the project."""
