#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Run on the target after installation: the packaged images are intact.
[ "$1" = flukso-firmware ] || exit 0
for board in spi uart; do
	flukso-flash check "/usr/share/flukso/flukso-$board.hex" || exit 1
done
