# SPDX-License-Identifier: GPL-3.0-or-later
# The configuration, and the hour of this device.
# shellcheck shell=sh disable=SC2034,SC2153,SC2154 # a part of flukso-upgrade

configure() {
	manager=opkg ending=ipk
	if command -v apk >/dev/null; then manager=apk ending=apk; fi
	NEW=$RUN/new.$ending # after a power cut the old one is taken
	# shellcheck source=/dev/null
	. /lib/functions.sh
	config_load flukso
	config_get_bool enable upgrade enable 0
	config_get from upgrade from 1
	config_get until upgrade until 5
	config_get_bool enabled daemon enabled 1
	config_get_bool lan daemon enable_lan_branch 1
	config_get port daemon lan_port 8080
	config_get server daemon wan_base_url https://api.flukso.net/
	config_get cacert daemon cacert /etc/ssl/certs/flukso.ca.crt
	config_get auto flash auto
	if ! is_hour "$from" || ! is_hour "$until"; then
		say err "upgrade: from and until are hours, 0 to 23; 1 and 5 are taken"
		from=1 until=5
	fi
	from=$(decimal "$from") until=$(decimal "$until")
}

# Without a leading zero, which would make the shell take it for octal.
decimal() {
	case $1 in 0?) echo "${1#0}" ;; *) echo "$1" ;; esac
}

is_hour() {
	case $1 in '' | *[!0-9]* | ???*) return 1 ;; esac
	[ "$1" -le 23 ]
}

# Sets hour and minute of this device: fixed, and spread over the hours from ... until by the first
# digits of its random name.
appoint() {
	local span
	digits=$(sed -n "s/.*option  *'\{0,1\}device[' \"]*\([0-9a-f]\{6\}\).*/\1/p" \
		"$DAEMON/config" 2>/dev/null | head -n 1)
	span=$(((until - from + 24) % 24))
	[ "$span" -gt 0 ] || span=24
	minute=$((0x${digits:-0} % (span * 60)))
	hour=$(((from + minute / 60) % 24))
	minute=$((minute % 60))
}

# Writes the hourly line, if the configuration has this on; flash is written only when it changes.
schedule() {
	local line=
	pending || tidy
	appoint
	if [ "$enable" = 1 ]; then
		[ -n "$digits" ] || return 0 # the daemon's configuration is not there yet
		line="$minute * * * * for f in $BEGUN $PROGRAM; do [ ! -x \$f ] || exec \$f cron; done"
	fi
	[ "$line" != "$(grep flukso-upgrade "$CRONTAB" 2>/dev/null)" ] || return 0
	mkdir -p "${CRONTAB%/*}"
	{
		grep -v flukso-upgrade "$CRONTAB" 2>/dev/null
		[ -z "$line" ] || echo "$line"
	} | put "$CRONTAB"
	[ ! -x /etc/init.d/cron ] || /etc/init.d/cron restart
}
