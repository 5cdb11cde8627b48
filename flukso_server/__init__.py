# SPDX-License-Identifier: GPL-3.0-or-later
"""The community platform: it takes what devices upload and shows people their use."""
