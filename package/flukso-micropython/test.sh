#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Run on the target after installation: the program starts, and the daemon is in it.
[ "$1" = flukso-micropython ] || exit 0
flukso version | grep -F "${2%-*}"
