#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Upgrades Flukso's packages one at a time from the signed feeds of opkg or apk, watches each for ten
# minutes, and goes back to the old one if something fails that worked before. May be killed, or lose
# power, at any point (docs/guide/openwrt.md).
# shellcheck disable=SC2034,SC2154 # config_get, load and read set variables by their names

# On flash:
STATE=/etc/flukso/upgrade
NOTES=$STATE/state     # of the upgrade under way
BEGUN=$STATE/program   # what began it goes on with it: flukso-upgrade itself may be upgraded
DATABASE=$STATE/status # the manager's list of what is installed, before the upgrade
REPORT=$STATE/report   # a line: what the last upgrade came to; flukso's init puts it into /status
REFUSED=$STATE/refused # PACKAGE VERSION FAILURES
# In RAM:
RUN=/var/run/flukso-upgrade
DUE=$RUN/due
BUSY=$RUN/busy # while packages are looked for and fetched
LOCK=$RUN/lock

CRONTAB=/etc/crontabs/root
PROGRAM=/usr/sbin/flukso-upgrade
INIT=/etc/init.d/flukso-upgrade
SERVICE=/etc/init.d/flukso
DAEMON=/var/run/flukso
ROUTER=/usr/share/flukso/router.sh
UPTIME=/proc/uptime # no jump of the clock changes it

# In this order: keys that sign the feed from now on first, this program last.
PACKAGES="flukso-keyring flukso-micropython flukso-python3 flukso flukso-firmware flukso-upgrade"
WATCH_S=600
LOOK_S=20
GRACE_S=180 # to be missing: the daemon restarts, and a board is programmed within three minutes
POLL_S=60   # a board that was read within so long works
DEATHS=3    # of the daemon's, which count as a failure
FAILURES=3  # installations or restarts of a version that come to nothing, before it is refused
RETRY_S=600 # between two tries to bring the old package back
FETCH_S=60
FLASH_KB=256 # left free on flash, and
RAM_KB=1024  # in RAM

# The notes. was: which of lan, board and upload worked; counters: ID:VALUE of each sensor;
# failures: of the new version until now; blame: how many they are with this one, if the old
# version works again.
# wanted: what apk was asked for of this package.
FIELDS="stage package old new wanted failures blame was killed firmware counters why"

say() {
	logger -t flukso-upgrade -p "daemon.$1" "$2"
}

uptime_s() {
	local whole rest
	IFS='. ' read -r whole rest <"$UPTIME"
	echo "$whole"
}
