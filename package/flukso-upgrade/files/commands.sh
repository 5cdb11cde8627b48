# SPDX-License-Identifier: GPL-3.0-or-later
# The commands.
# shellcheck shell=sh disable=SC2034,SC2153,SC2154 # a part of flukso-upgrade

# What procd runs until it has nothing to do any more. Ends its own service then.
run() {
	mkdir -p "$RUN"
	reported=
	exec 9>"$LOCK"
	flock 9 # also held by a manager that outlived a killed program
	rm -f "$BUSY"
	while :; do
		if ! resume; then
			rm -f "$NOTES" # nobody could read them
			tidy
			[ ! -e "$DUE" ] || upgrade_all
			rm -f "$BUSY"
		fi
		pending || break
	done
	[ -z "$reported" ] || ! "$SERVICE" running || "$SERVICE" reload
	[ ! -x "$INIT" ] || "$INIT" stop
}

pending() {
	[ -s "$NOTES" ] || [ -e "$DUE" ] || [ -e "$BUSY" ]
}

begin() {
	if [ -x "$INIT" ]; then "$INIT" start; else run; fi
}

# Each hour: goes on with what is unfinished; in the hour of this device it looks for something new.
cron() {
	local now
	appoint
	now=$(decimal "$(date +%H)")
	if [ "$enable" = 1 ] && [ "$now" = "$hour" ]; then mkdir -p "$RUN" && : >"$DUE"; fi
	! pending || begin
}

# The owner asks: back to the kept package.
back() { # PACKAGE
	package=$1
	if pending || [ ! -e "$(kept "$package")" ]; then
		echo "flukso-upgrade: no old package of that name is kept, or an upgrade is under way" >&2
		return 1
	fi
	new=$(with installed "$package")
	old=$(with version_of "$(kept "$package")")
	[ "$new" != "$old" ] || {
		echo "flukso-upgrade: $package $old is installed already" >&2
		return 1
	}
	failures=0 blame=$FAILURES why="its owner asked for it"
	note_what_works
	prepare && save back && begin
}

status() {
	local kept_one
	appoint
	if [ "$enable" = 1 ]; then
		echo "on: looks at $hour:$(printf %02d "$minute") each day"
	else
		echo "off: option enable '1' in the section upgrade switches it on"
	fi
	if load; then echo "under way: $package from $old to $new, $stage"; fi
	for kept_one in "$STATE"/*."$ending"; do
		[ ! -e "$kept_one" ] || echo "kept: $(basename "$kept_one" ".$ending")"
	done
	[ ! -s "$REFUSED" ] ||
		sed "s/^\([^ ]*\) \([^ ]*\) \(.*\)/failed: \1 \2, \3 of $FAILURES/" "$REFUSED"
	[ ! -s "$REPORT" ] || echo "last: $(cat "$REPORT")"
}

case ${1:-} in
schedule | cron | status)
	configure
	"$1"
	;;
unschedule)
	configure
	enable=0
	schedule
	;;
pending) pending ;;
run)
	configure
	run
	;;
now)
	configure
	mkdir -p "$RUN" && : >"$DUE" && begin
	;;
back)
	configure
	back "${2:-flukso-micropython}"
	;;
*)
	echo "usage: flukso-upgrade status | now | back [PACKAGE]" >&2
	exit 2
	;;
esac
