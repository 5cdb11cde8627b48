#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Run on the target after installation: the program runs, and says that it is off.
[ "$1" = flukso-upgrade ] || exit 0
flukso-upgrade status | grep -q '^off'
