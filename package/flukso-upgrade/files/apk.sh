# SPDX-License-Identifier: GPL-3.0-or-later
# apk (25.12 and later): its index, files and database.
# shellcheck shell=sh disable=SC2034,SC2153,SC2154 # a part of flukso-upgrade

APK_DB=/lib/apk/db
APK_WORLD=/etc/apk/world
# What goes on from where it was after a power cut, below /.
APK_PARTS="lib/apk/db/installed lib/apk/db/scripts.tar.gz lib/apk/db/triggers etc/apk/world"

# Fetches apk's indexes, and says whether this may be relied upon: apk update leaves with 0 after a
# wrong signature, too, and does not use that index.
apk_refresh() {
	local said stale
	if grep -qs allow-untrusted /etc/apk/config; then
		report err "not upgraded: apk does not check signatures here (/etc/apk/config)"
		return 1
	fi
	said=$(apk update 2>&1)
	case $said in
	*'BAD signature'* | *'UNTRUSTED signature'*) report err "the signature of a feed is wrong: it is not used" ;;
	esac
	stale=$(echo "$said" | sed -n 's/.* \([0-9]*\) stale;.*/\1/p') # fetched at an earlier time
	[ "$(echo "$said" | grep -c '^ \[')" -le "${stale:-0}" ] || [ -z "$(apk_offered flukso)" ] ||
		return 0
	say notice "not upgraded: no list of packages could be fetched"
	return 1
}

# Prints the latest version of a package that an index with a good signature has.
apk_offered() { # PACKAGE
	apk --network=no query --from repositories --fields version "$1" 2>/dev/null |
		sed -n 's/^Version: *//p'
}

# Says whether the keys that are installed are right for an index that is there, or none is.
apk_trusts() {
	case $(apk --network=no query --from repositories --fields version flukso 2>&1) in
	*'BAD signature'* | *'UNTRUSTED signature'*) [ -n "$(apk_offered flukso)" ] ;;
	esac
}

# Prints the installed version of a package and the newer one that there is. Nothing of a package
# that its owner holds: by a version, or by installing it from a file.
apk_newer() { # PACKAGE
	local old new
	old=$(apk_installed "$1") new=$(apk_offered "$1")
	[ -n "$old" ] && [ -n "$new" ] && [ "$(apk version -t "$new" "$old")" = '>' ] || return 0
	case "$(apk_wanted "$1")" in
	'' | "$1") echo "$old $new" ;;
	*) say notice "$1: not upgraded, as $APK_WORLD holds it (apk add $1 lets it go)" ;;
	esac
}

# Prints the line of what is wanted that is of this package: nothing if another one brought it.
apk_wanted() { # PACKAGE
	grep "^$1\([^a-z0-9.-]\|\$\)" "$APK_WORLD"
}

# Prints SIZE INSTALLED-SIZE NAME-VERSION - of a package, as an index with a good signature has them.
apk_entry() { # PACKAGE VERSION
	apk --network=no query --from repositories --match package \
		--fields file-size,installed-size "$1-$2" 2>/dev/null | awk -v name="$1-$2" '
			{ f[$1] = $2 }
			END { if (f["File-Size:"] != "") print f["File-Size:"], f["Installed-Size:"], name, "-" }'
}

apk_holds() { # FILE NAME-VERSION
	[ -s "$1" ] && [ "$package-$(apk_version_of "$1")" = "$2" ] &&
		apk verify --allow-untrusted "$1" >/dev/null 2>&1
}

# apk holds what it fetches against its index. The file is there only as a whole, and on flash.
apk_fetch() { # FILE SIZE NAME-VERSION
	local folder="$1.new"
	rm -rf "$folder" && mkdir -p "$folder" || return 1
	apk --timeout "$FETCH_S" fetch --match package --output "$folder" "$3" >/dev/null 2>&1 &&
		[ -s "$folder/$3.apk" ] && sync && mv "$folder/$3.apk" "$1" && sync
	rm -rf "$folder"
	apk_holds "$1" "$3"
}

apk_installed() { # PACKAGE
	apk --network=no query --installed --fields version "$1" 2>/dev/null |
		sed -n 's/^Version: *//p' | head -n 1
}

apk_version_of() { # FILE
	apk adbdump "$1" 2>/dev/null | sed -n 's/^  version: *//p' | head -n 1
}

# Prints each file of this package that is not on the router as it is in the package. Configuration
# may differ, and defaults vanish once they were sourced.
apk_torn() { # FILE
	local sum name sums conffiles list="/lib/apk/packages/$package.conffiles"
	sums=$(apk manifest --allow-untrusted "$1" 2>/dev/null)
	[ -n "$sums" ] || echo "$1"
	conffiles=$(cat "$list" 2>/dev/null)
	echo "$sums" | sed 's|^sha256:\([0-9a-f]*\) *|\1 /|' | sort -k 2 | while read -r sum name; do
		case $name in '' | /etc/uci-defaults/*) continue ;; esac
		case "
$conffiles
" in *"
$name
"*) continue ;; esac
		echo "$sum  $name" | sha256sum -c >/dev/null 2>&1 || echo "$name"
	done
}

apk_intact() { # FILE
	[ -z "$(apk_torn "$1")" ]
}

apk_save() {
	wanted=$(apk_wanted "$package")
	# shellcheck disable=SC2086 # several words
	(cd / && tar -c $APK_PARTS) | put "$DATABASE"
}

# A power cut can leave apk's database torn: it then counts fewer packages than before. And what is
# wanted: apk takes away what is on no line of it.
apk_mend() {
	local there before name
	[ -s "$DATABASE" ] || return 0
	there=$(grep -c '^P:' "$APK_DB/installed" 2>/dev/null)
	before=$(apk_saved lib/apk/db/installed | grep -c '^P:')
	if [ "${there:-0}" -lt "$before" ] || ! gzip -t "$APK_DB/scripts.tar.gz" 2>/dev/null; then
		for name in installed scripts.tar.gz triggers; do
			apk_saved "lib/apk/db/$name" >"$APK_DB/$name.saved" &&
				mv "$APK_DB/$name.saved" "$APK_DB/$name"
		done
		sync
	fi
	apk_mend_world
	apk_want
}

# What was wanted before the upgrade and what is wanted now, without what is in one of both alone and
# not installed: a torn line, or a package that its owner has removed since.
apk_mend_world() {
	local count line name
	{ apk_saved etc/apk/world && cat "$APK_WORLD" && echo; } | sort | uniq -c |
		while read -r count line; do
			name=${line%%[<>=~@]*}
			[ "$count" = 1 ] && ! grep -q "^P:$name\$" "$APK_DB/installed" || echo "$line"
		done | grep . >"$APK_WORLD.new"
	if cmp -s "$APK_WORLD.new" "$APK_WORLD"; then
		rm -f "$APK_WORLD.new"
	else
		sync && mv "$APK_WORLD.new" "$APK_WORLD" && sync
	fi
}

apk_saved() { # NAME
	tar -xOf "$DATABASE" "$1" 2>/dev/null
}

# A package that is installed from a file is held at that file. Takes that back.
apk_want() {
	local line
	line=$(apk_wanted "$package")
	[ "$line" != "$wanted" ] || return 0
	{
		grep -vxF "$line" "$APK_WORLD"
		[ -z "$wanted" ] || echo "$wanted"
	} >"$APK_WORLD.new" && sync && mv "$APK_WORLD.new" "$APK_WORLD" && sync
}

apk_install() { # FILE
	apk_run --timeout "$FETCH_S" add --allow-untrusted "$1"
	apk_replace "$1"
}

# Brings an older package back, if need be over a torn one.
apk_restore() { # FILE VERSION
	stands "$2" "$1" && return
	apk_run --network=no add --allow-untrusted --force-reinstall "$1"
	apk_replace "$1"
}

# apk leaves any file below /etc that was changed, or torn, and puts the package's own beside it. That
# is right for configuration alone, of which there must be a whole list.
apk_replace() { # FILE
	local name torn
	torn=$(apk_torn "$1")
	case $torn in *"/lib/apk/packages/$package.conffiles"*) return ;; esac
	for name in $torn; do
		[ ! -e "$name.apk-new" ] || mv "$name.apk-new" "$name"
	done
	sync
}

# The scripts of the packages stop and start the daemon; what they print is of use only if it fails.
# The file was held against the signed index when it was fetched: it bears no signature of its own.
apk_run() {
	said=$(apk "$@" 2>&1 </dev/null | tail -n 3 | tr '\n' ' ')
	apk_want
}
