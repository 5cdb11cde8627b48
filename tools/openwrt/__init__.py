# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenWrt packages as files: written, read, checked; and the stub of OpenWrt's build system that
the feed's Makefiles run in.
"""
