# SPDX-License-Identifier: GPL-3.0-or-later
# opkg (24.10 and older): its lists, files and database.
# shellcheck shell=sh disable=SC2034,SC2153,SC2154 # a part of flukso-upgrade

OPKG=/usr/lib/opkg

# Fetches opkg's lists, and says whether this may be relied upon: opkg update leaves with 0 after a
# wrong signature, too.
opkg_refresh() {
	local said list
	grep -qs '^option check_signature' /etc/opkg.conf /etc/opkg/*.conf || {
		report err "not upgraded: opkg does not check signatures here (option check_signature)"
		return 1
	}
	said=$(opkg update 2>&1)
	case $said in
	*'Signature check failed'*) report err "the signature of a feed is wrong: it is not used" ;;
	esac
	for list in $(opkg_lists); do
		! opkg_verified "$list" || return 0
	done
	say notice "not upgraded: no list of packages could be fetched"
	return 1
}

opkg_lists() {
	local folder
	folder=$(sed -n 's/^lists_dir *[^ ]* *//p' /etc/opkg.conf | head -n 1)
	find "${folder:-/var/opkg-lists}" -name '*.sig' 2>/dev/null | sed 's/\.sig$//'
}

opkg_verified() { # LIST
	[ -s "$1" ] && opkg-key verify "$1.sig" "$1" >/dev/null 2>&1
}

# Says whether the keys that are installed are right for a list that is there, or none is.
opkg_trusts() {
	local list none=1
	for list in $(opkg_lists); do
		none=
		! opkg_verified "$list" || return 0
	done
	[ -n "$none" ]
}

# Prints the installed version of a package and the newer one that there is.
opkg_newer() { # PACKAGE
	opkg list-upgradable 2>/dev/null | sed -n "s/^$1 - \([^ ]*\) - \([^ ]*\)\$/\1 \2/p"
}

opkg_url() { # NAME of a feed
	sed -n "s|^src\(/gz\)\{0,1\} *$1 *||p" /etc/opkg.conf /etc/opkg/*.conf 2>/dev/null | head -n 1
}

# Prints SIZE INSTALLED-SIZE URL SHA256 of a package, as a list with a good signature has them.
opkg_entry() { # PACKAGE VERSION
	local list line
	for list in $(opkg_lists); do
		line=$({ zcat "$list" 2>/dev/null || cat "$list"; } | awk -v package="$1" -v version="$2" '
			function end() {
				if (f["Package:"] == package && f["Version:"] == version)
					print f["Size:"], f["Installed-Size:"], url "/" f["Filename:"], f["SHA256sum:"]
			}
			/^$/ { end(); split("", f) }
			/^[A-Z]/ { f[$1] = $2 }
			END { end() }' url="$(opkg_url "${list##*/}")" - | head -n 1)
		[ -n "$line" ] || continue
		opkg_verified "$list" || continue
		echo "$line"
		return 0
	done
	return 1
}

opkg_holds() { # FILE URL SHA256: is this file that package, whole?
	[ "$(sha256sum "$1" 2>/dev/null | cut -d ' ' -f 1)" = "$3" ]
}

# The file is there only as a whole, and on flash.
opkg_fetch() { # FILE SIZE URL SHA256
	case $3 in
	file:*) cp "${3#file:}" "$1.new" 2>/dev/null ;;
	*) wget -q -T "$FETCH_S" -O "$1.new" "$3" 2>/dev/null ;;
	esac
	if [ "$(wc -c 2>/dev/null <"$1.new")" = "$2" ] && opkg_holds "$1.new" "$3" "$4"; then
		sync && mv "$1.new" "$1" && sync && return 0
	fi
	rm -f "$1.new"
	return 1
}

opkg_installed() { # PACKAGE
	opkg status "$1" 2>/dev/null | sed -n 's/^Version: *//p' | head -n 1
}

opkg_version_of() { # FILE
	tar -xzOf "$1" ./control.tar.gz | tar -xzO ./control | sed -n 's/^Version: *//p'
}

# Says whether each file of this package is on the router as it is in the package. Configuration may
# differ, and defaults vanish once they were sourced.
opkg_intact() { # FILE
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

opkg_save() {
	put "$DATABASE" <"$OPKG/status"
}

# A power cut can leave opkg's list of what is installed torn, and scripts that fail because they
# are empty.
opkg_mend() {
	local name there
	there=$(grep -c '^Package: ' "$OPKG/status" 2>/dev/null)
	if [ -s "$DATABASE" ] && [ "${there:-0}" -lt "$(grep -c '^Package: ' "$DATABASE")" ]; then
		cp "$DATABASE" "$OPKG/status.new" && sync && mv "$OPKG/status.new" "$OPKG/status" && sync
	fi
	for name in preinst postinst prerm postrm; do
		[ -s "$OPKG/info/$package.$name" ] || rm -f "$OPKG/info/$package.$name"
	done
}

opkg_install() { # FILE
	opkg_run install "$1"
}

# Brings an older package back, if need be over a torn one.
opkg_restore() { # FILE VERSION
	stands "$2" "$1" || opkg_run install --force-downgrade "$1"
	stands "$2" "$1" ||
		opkg_run install --force-downgrade --force-reinstall --force-remove "$1"
}

# The scripts of the packages stop and start the daemon; what they print is of use only if it fails.
opkg_run() {
	said=$(opkg "$@" 2>&1 </dev/null | grep -v pkg_hash_check_unresolved | tail -n 3 | tr '\n' ' ')
}
