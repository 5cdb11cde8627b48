# SPDX-License-Identifier: GPL-3.0-or-later
"""RRD files as the historic platform kept them: a view that can be switched on, never the truth."""
