# SPDX-License-Identifier: GPL-3.0-or-later
# Packages, whichever manager there is (opkg.sh, apk.sh): room, the old one's return, the board.
# shellcheck shell=sh disable=SC2034,SC2153,SC2154 # a part of flukso-upgrade

# Runs the manager's own function of this name.
with() { # FUNCTION ARGUMENTS
	local name="$1"
	shift
	"${manager}_$name" "$@"
}

free_kb() { # FOLDER
	df -kP "$1" | sed -n '2p' | { read -r _ _ _ free _ && echo "$free"; }
}

# Says whether package is installed in this version, from this file.
stands() { # VERSION FILE
	[ "$(with installed "$package")" = "$1" ] && with intact "$2"
}

# Brings the old package back, whatever a cut left.
restore() {
	with mend
	with restore "$(kept "$package")" "$old"
	stands "$old" "$(kept "$package")"
}

# A board that got new firmware with the package gets the old one back.
restore_board() {
	[ "$package" = flukso-firmware ] && [ -n "$firmware" ] && may_program || return 0
	sleep "$LOOK_S"
	look_patiently && [ "$(board_firmware)" = "$firmware" ] && return 0
	say notice "the board gets its firmware $firmware back"
	flukso-flash update --force --config /etc/config/flukso </dev/null ||
		say err "flukso-flash update ended with $?"
}

# As flukso-flash auto decides.
may_program() {
	local allowed="$auto"
	if [ -z "$allowed" ]; then
		# shellcheck source=/dev/null
		. "$ROUTER"
		router_know && allowed=$router_auto
	fi
	[ "$allowed" = 1 ]
}

start_daemon() {
	"$SERVICE" enabled && "$SERVICE" start
}
