# SPDX-License-Identifier: GPL-3.0-or-later
# Byte code frozen into every build: asyncio. What a release adds stands in manifest_release.py.
include("$(MPY_DIR)/extmod/asyncio")  # noqa: F821
