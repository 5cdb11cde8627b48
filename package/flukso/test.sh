#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Run on the target after installation: the shipped configuration is one that the daemon takes, and
# its identity is there.
[ "$1" = flukso ] || exit 0
work=$(mktemp -d)
flukso provision --config /etc/config/flukso --runtime "$work/config" >/dev/null && flukso config check "$work/config"
status=$?
rm -rf "$work"
exit "$status"
