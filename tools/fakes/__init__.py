# SPDX-License-Identifier: GPL-3.0-or-later
"""The other sides of every wire: servers, historic routers and historic boards."""
