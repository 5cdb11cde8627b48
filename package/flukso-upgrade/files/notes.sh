# SPDX-License-Identifier: GPL-3.0-or-later
# What survives a power cut, and what is told.
# shellcheck shell=sh disable=SC2034,SC2153,SC2154 # a part of flukso-upgrade

# Replaces a file by the standard input. After a power cut one of both is there as a whole, as the
# data are on flash before the name is.
put() { # FILE
	local fresh="$STATE/${1##*/}.new"
	mkdir -p "$STATE" && cat >"$fresh" && sync && mv "$fresh" "$1" && sync
}

# Notes where the upgrade is. No value has a line's end in it.
save() { # STAGE
	local field
	stage=$1
	for field in $FIELDS; do
		eval "echo \"$field=\$$field\""
	done | put "$NOTES"
}

load() {
	local field value
	for field in $FIELDS; do
		eval "$field="
	done
	[ -s "$NOTES" ] || return 1
	while IFS='=' read -r field value; do
		case " $FIELDS " in *" $field "*) eval "$field=\$value" ;; esac
	done <"$NOTES"
	[ -n "$stage" ]
}

kept() { # PACKAGE: the file of the old package
	echo "$STATE/$1.$ending"
}

# Ends an upgrade. The old package stays, for its owner to go back to.
forget() {
	rm -f "$NOTES" && sync
	tidy
}

# What belongs to no upgrade under way, and is left of one that was cut before it changed anything.
tidy() {
	rm -rf "$DATABASE" "$NEW" "$STATE"/*.new
	[ -x "$INIT" ] || rm -f "$BEGUN" # what procd runs is taken away by the service
}

# To the log, and once all packages are done, for /status: after a reload of the daemon nothing tells
# for a while that uploads work. What is there already is not written to flash each night.
report() { # LEVEL TEXT
	say "$1" "$2"
	[ "$(sed 's/^[^ ]* [^ ]* //' "$REPORT" 2>/dev/null)" != "$2" ] || return 0
	echo "$(date '+%Y-%m-%d %H:%M') $2" | put "$REPORT"
	reported=1
}

# Prints how often this version came to nothing.
failures_of() { # PACKAGE VERSION
	local count
	count=$(sed -n "s/^$1 $2 \([0-9]*\)\$/\1/p" "$REFUSED" 2>/dev/null)
	echo "${count:-0}"
}

# A newer version of the package takes the older one's line.
refuse() { # PACKAGE VERSION FAILURES
	{
		grep -v "^$1 " "$REFUSED" 2>/dev/null
		echo "$1 $2 $3"
	} | put "$REFUSED"
}
