# SPDX-License-Identifier: GPL-3.0-or-later
# opkg: its lists, files, database, and the way back.
# shellcheck shell=sh disable=SC2034,SC2153,SC2154 # a part of flukso-upgrade

# Fetches opkg's lists, and says whether this may be relied upon: opkg update leaves with 0 after a
# wrong signature, too.
refresh() {
	local said list
	if ! command -v opkg >/dev/null; then
		report err "not upgraded: there is no opkg here, and apk is not spoken yet"
		return 1
	fi
	grep -qs '^option check_signature' /etc/opkg.conf /etc/opkg/*.conf || {
		report err "not upgraded: opkg does not check signatures here (option check_signature)"
		return 1
	}
	said=$(opkg update 2>&1)
	case $said in
	*'Signature check failed'*) report err "the signature of a feed is wrong: it is not used" ;;
	esac
	for list in $(lists); do
		! verified "$list" || return 0
	done
	say notice "not upgraded: no list of packages could be fetched"
	return 1
}

lists() {
	local folder
	folder=$(sed -n 's/^lists_dir *[^ ]* *//p' /etc/opkg.conf | head -n 1)
	find "${folder:-/var/opkg-lists}" -name '*.sig' 2>/dev/null | sed 's/\.sig$//'
}

verified() { # LIST
	[ -s "$1" ] && opkg-key verify "$1.sig" "$1" >/dev/null 2>&1
}

url_of() { # NAME of a feed
	sed -n "s|^src\(/gz\)\{0,1\} *$1 *||p" /etc/opkg.conf /etc/opkg/*.conf 2>/dev/null | head -n 1
}

# Prints URL SIZE SHA256 INSTALLED-SIZE of a package, as a list with a good signature has them.
entry() { # PACKAGE VERSION
	local list line
	for list in $(lists); do
		line=$({ zcat "$list" 2>/dev/null || cat "$list"; } | awk -v package="$1" -v version="$2" '
			function end() {
				if (f["Package:"] == package && f["Version:"] == version)
					print f["Filename:"], f["Size:"], f["SHA256sum:"], f["Installed-Size:"]
			}
			/^$/ { end(); split("", f) }
			/^[A-Z]/ { f[$1] = $2 }
			END { end() }' | head -n 1)
		[ -n "$line" ] || continue
		verified "$list" || continue
		echo "$(url_of "${list##*/}")/$line"
		return 0
	done
	return 1
}

sum_of() { # FILE
	sha256sum "$1" 2>/dev/null | cut -d ' ' -f 1
}

# fetch URL SIZE SHA256 FILE: the file is there only as a whole, and on flash.
fetch() {
	[ "$(sum_of "$4")" != "$3" ] || return 0
	case $1 in
	file:*) cp "${1#file:}" "$4.new" 2>/dev/null ;;
	*) wget -q -T "$FETCH_S" -O "$4.new" "$1" 2>/dev/null ;;
	esac
	if [ "$(wc -c 2>/dev/null <"$4.new")" = "$2" ] && [ "$(sum_of "$4.new")" = "$3" ]; then
		sync && mv "$4.new" "$4" && sync && return 0
	fi
	rm -f "$4.new"
	return 1
}

free_kb() { # FOLDER
	df -kP "$1" | sed -n '2p' | { read -r _ _ _ free _ && echo "$free"; }
}

installed_version() { # PACKAGE
	opkg status "$1" 2>/dev/null | sed -n 's/^Version: *//p' | head -n 1
}

# Says whether each file of this package is on the router as it is in the package. Configuration may
# differ, and defaults vanish once they were sourced.
intact() { # FILE
	local name names conffiles
	conffiles=$(tar -xzOf "$1" ./control.tar.gz 2>/dev/null | tar -xzO ./conffiles 2>/dev/null)
	names=$(tar -xzOf "$1" ./data.tar.gz 2>/dev/null | tar -tz 2>/dev/null)
	[ -n "$names" ] || return 1
	for name in $names; do
		case $name in */ | ./etc/uci-defaults/*) continue ;; esac
		case "
$conffiles
" in *"
${name#.}
"*) continue ;; esac
		tar -xzOf "$1" ./data.tar.gz | tar -xzO "$name" | cmp -s - "${name#.}" || return 1
	done
}

# Says whether package is installed in this version, from this file.
stands() { # VERSION FILE
	[ "$(installed_version "$package")" = "$1" ] && intact "$2"
}

# A power cut can leave opkg's list of what is installed torn, and scripts that fail because they
# are empty.
mend_database() {
	local name there
	there=$(grep -c '^Package: ' "$OPKG/status" 2>/dev/null)
	if [ -s "$DATABASE" ] && [ "${there:-0}" -lt "$(grep -c '^Package: ' "$DATABASE")" ]; then
		cp "$DATABASE" "$OPKG/status.new" && sync && mv "$OPKG/status.new" "$OPKG/status" && sync
	fi
	for name in preinst postinst prerm postrm; do
		[ -s "$OPKG/info/$package.$name" ] || rm -f "$OPKG/info/$package.$name"
	done
}

# The scripts of the packages stop and start the daemon; what they print is of use only if it fails.
run_opkg() {
	said=$(opkg "$@" 2>&1 </dev/null | grep -v pkg_hash_check_unresolved | tail -n 3 | tr '\n' ' ')
}

# Brings the old package back, whatever a cut left.
restore() {
	mend_database
	local file
	file=$(kept "$package")
	stands "$old" "$file" || run_opkg install --force-downgrade "$file"
	stands "$old" "$file" ||
		run_opkg install --force-downgrade --force-reinstall --force-remove "$file"
	stands "$old" "$file"
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
