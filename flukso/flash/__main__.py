# SPDX-License-Identifier: GPL-3.0-or-later
"""flukso-flash on a router: its runtime starts this module."""

import sys

from flukso.flash.cli import main

sys.exit(main())
