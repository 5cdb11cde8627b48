#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Run on the target after installation: the daemon is found, and all that it imports.
[ "$1" = flukso-python3 ] || exit 0
flukso version | grep -F "${2%-*}" || exit 1
PYTHONPATH=/usr/lib/flukso python3 -c 'import flukso.daemon, flukso.ports.cpython, flukso.lan, requests, serial, spidev'
