# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenWrt packages: their form, and their life on an emulated router."""
