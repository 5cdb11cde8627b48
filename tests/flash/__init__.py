# SPDX-License-Identifier: GPL-3.0-or-later
"""flukso-flash: images, boards, and updates that are cut."""
