# SPDX-License-Identifier: GPL-3.0-or-later
# Byte code frozen into a release: the daemon too, without the port of the other interpreter.
include("manifest.py")  # noqa: F821
package("flukso", base_path="$(FLUKSO_STAGE_DIR)", opt=2)  # noqa: F821
