# SPDX-License-Identifier: GPL-3.0-or-later
# Byte code frozen into every build: asyncio and microdot. What a release adds stands in
# manifest_release.py.
include("$(MPY_DIR)/extmod/asyncio")  # noqa: F821
package("microdot", files=("__init__.py", "microdot.py"), base_path="$(FLUKSO_SITE_DIR)", opt=3)  # noqa: F821
