# SPDX-License-Identifier: GPL-3.0-or-later
# Emulated OpenWrt: reading of UCI files, and what the packages' maintainer scripts call. Written
# for the tests, not OpenWrt's code.
# shellcheck shell=sh

CONFIG_SECTIONS=

# Takes the next word off LINE into WORD: 0, 1 when there is none, 2 when a quote has no end. Chunk
# by chunk and in the shell itself: awk reckons in floating point, which takes seconds where the
# kernel emulates that.
uci_word() {
	local chunk
	WORD=
	LINE=${LINE#"${LINE%%[!	 ]*}"}
	case $LINE in '' | '#'*) return 1 ;; esac
	while :; do
		case $LINE in
		'' | [\	\ #]*) return 0 ;;
		\'*) uci_quoted "'" || return 2 ;;
		\"*) uci_quoted '"' || return 2 ;;
		\\*)
			LINE=${LINE#?}
			WORD=$WORD${LINE%"${LINE#?}"}
			LINE=${LINE#?}
			;;
		*)
			chunk=${LINE%%[\	\ #\'\"\\]*}
			WORD=$WORD$chunk
			LINE=${LINE#"$chunk"}
			;;
		esac
	done
}

# Takes what stands between two quotes off LINE, and adds it to WORD; a backslash counts between
# double ones only.
uci_quoted() { # QUOTE
	local chunk
	LINE=${LINE#?}
	while :; do
		if [ "$1" = "'" ]; then chunk=${LINE%%\'*}; else chunk=${LINE%%[\"\\]*}; fi
		if [ "$chunk" = "$LINE" ]; then # the value goes on in the next line
			IFS= read -r chunk || return 1
			LINE="$LINE
$chunk"
			continue
		fi
		WORD=$WORD$chunk
		LINE=${LINE#"$chunk"}
		case $LINE in
		\\?*)
			LINE=${LINE#?}
			WORD=$WORD${LINE%"${LINE#?}"}
			LINE=${LINE#?}
			;;
		\\) return 1 ;;
		*)
			LINE=${LINE#?}
			return 0
			;;
		esac
	done
}

uci_is_name() {
	case $1 in *[!A-Za-z0-9_]*) return 1 ;; esac
}

shell_quoted() {
	case $1 in
	*\'*) echo "'$(echo "$1" | sed "s/'/'\\\\''/g")'" ;;
	*) echo "'$1'" ;;
	esac
}

# Prints a UCI file as shell commands; nothing when it is damaged, as libuci does.
uci_as_shell() {
	local LINE WORD file out kind type name anonymous
	file=${UCI_CONFIG_DIR:-/etc/config}/$1
	[ -r "$file" ] || return
	out='' type='' anonymous=0
	while read -r LINE || [ -n "$LINE" ]; do
		uci_word
		case $? in 1) continue ;; 2) return ;; esac
		kind=$WORD
		case $kind in
		package) continue ;;
		config)
			uci_word || return
			type=$(shell_quoted "$WORD")
			uci_word
			case $? in
			0) uci_is_name "$WORD" || return ;;
			1) anonymous=$((anonymous + 1)) WORD=cfg$anonymous ;;
			*) return ;;
			esac
			out="${out}config $type '$WORD'
"
			;;
		option | list)
			[ -n "$type" ] && uci_word && uci_is_name "$WORD" || return
			name=$WORD
			uci_word || return
			out="$out$kind '$name' $(shell_quoted "$WORD")
"
			;;
		*) return ;;
		esac
		uci_word
		[ $? = 1 ] || return
	done <"$file"
	echo "$out"
}

config() {
	CONFIG_SECTION=$2
	CONFIG_SECTIONS="$CONFIG_SECTIONS $2"
	eval "CONFIG_${2}_TYPE=\$1"
}

option() {
	eval "CONFIG_${CONFIG_SECTION}_$1=\$2"
}

list() {
	eval "CONFIG_${CONFIG_SECTION}_$1=\"\${CONFIG_${CONFIG_SECTION}_$1:+\$CONFIG_${CONFIG_SECTION}_$1 }\$2\""
}

config_load() {
	CONFIG_SECTIONS=
	eval "$(uci_as_shell "$1")"
}

# config_get VARIABLE SECTION OPTION [DEFAULT]
config_get() {
	eval "$1=\${CONFIG_${2}_$3:-\$4}"
}

config_get_bool() {
	local value
	config_get value "$2" "$3" "$4"
	case $value in
	1 | on | true | yes | enabled) value=1 ;;
	0 | off | false | no | disabled) value=0 ;;
	*) value=$4 ;;
	esac
	eval "$1=\$value"
}

config_foreach() {
	local function_ type_ section_ found_
	function_=$1 type_=$2
	for section_ in $CONFIG_SECTIONS; do
		eval "found_=\$CONFIG_${section_}_TYPE"
		[ "$found_" != "$type_" ] || "$function_" "$section_"
	done
}

# Says whether a value is of one of the types that our scripts name.
uci_valid() {
	case $1 in
	bool) case $2 in 0 | 1 | on | off | true | false | yes | no | enabled | disabled) ;; *) return 1 ;; esac ;;
	port | uinteger)
		case $2 in '' | *[!0-9]*) return 1 ;; esac
		[ "$1" = uinteger ] || [ "$2" -le 65535 ]
		;;
	string) ;;
	*) return 1 ;;
	esac
}

# Prints the options of a section as shell commands, those of a wrong type left out; ends with 1
# when there was one.
validated() { # PACKAGE SECTION OPTION:TYPE[:DEFAULT]...
	local section spec option kind default value result
	config_load "$1"
	section=$2 result=0
	shift 2
	for spec; do
		option=${spec%%:*} kind=${spec#*:} default=
		case $kind in *:*) default=${kind#*:} kind=${kind%%:*} ;; esac
		config_get value "$section" "$option" "$default"
		[ -n "$value" ] || continue
		uci_valid "$kind" "$value" || {
			result=1
			continue
		}
		[ "$kind" != bool ] || config_get_bool value "$section" "$option" "$default"
		echo "$option='$(echo "$value" | sed "s/'/'\\\\''/g")'"
	done
	return $result
}

# uci_load_validate PACKAGE TYPE SECTION FUNCTION OPTION:TYPE[:DEFAULT]...: calls FUNCTION SECTION
# RESULT with the options set.
uci_load_validate() {
	local package_ section_ function_ spec_ said_ result_
	package_=$1 section_=$3 function_=$4
	shift 4
	for spec_; do
		eval "local ${spec_%%:*}"
	done
	said_=$(validated "$package_" "$section_" "$@")
	result_=$?
	eval "$said_"
	"$function_" "$section_" "$result_"
}

user_and_group() {
	local name number gname gnumber
	name=${1%%=*} number=${1#*=} gname=${1#*:}
	number=${number%%:*} gnumber=${gname#*=} gname=${gname%%=*}
	grep -q "^$gname:" /etc/group || echo "$gname:x:$gnumber:" >>/etc/group
	grep -q "^$name:" /etc/passwd || echo "$name:x:$number:$gnumber:$name:/var/run/$name:/bin/false" >>/etc/passwd
}

# default_postinst /usr/lib/opkg/info/NAME.postinst, or with apk without a word, and NAME in pkgname: users, defaults, what the package
# itself has to do (a part of apk's own script), services.
default_postinst() {
	local name info wanted file list
	_package "${1:-}"
	[ ! -e "$info/$name.control" ] || sed -n 's/^Require-User: *//p' "$info/$name.control" | while read -r wanted; do
		user_and_group "$wanted"
	done
	grep '^/etc/uci-defaults/' "$list" | while read -r file; do
		# shellcheck source=/dev/null
		([ -f "$file" ] && cd /etc/uci-defaults && . "$file") && rm -f "$file"
	done
	if [ -f "$info/$name.postinst-pkg" ]; then
		# shellcheck source=/dev/null
		(. "$info/$name.postinst-pkg")
	fi
	grep '^/etc/init.d/' "$list" | while read -r file; do
		[ "$PKG_UPGRADE" = 1 ] || "$file" enable
		"$file" start
	done
	return 0
}

default_prerm() {
	local name info file list
	_package "${1:-}"
	grep '^/etc/init.d/' "$list" | while read -r file; do
		[ "$PKG_UPGRADE" = 1 ] || "$file" disable
		"$file" stop
	done
	return 0
}

_package() {
	name=${1##*/} name=${name%.*} info=/usr/lib/opkg/info list=$info/$name.list
	if [ -n "${pkgname:-}" ]; then name=$pkgname list=/lib/apk/packages/$pkgname.list; fi
}
