# SPDX-License-Identifier: GPL-3.0-or-later
# What works before an upgrade, and whether it still does after it.
# shellcheck shell=sh disable=SC2034,SC2153,SC2154 # a part of flukso-upgrade

# Fetches the daemon's own account into document; "" and 1 if the LAN API does not answer.
look() {
	document=$(wget -q -T 10 -O - "http://127.0.0.1:$port/status" 2>/dev/null) || document=
	case $document in
	'{'*'"version"'*'}') ;;
	*)
		document=
		return 1
		;;
	esac
}

number() { # NAME: this number of the document, "" when it is null or not there
	echo "$document" | sed -n "s/.*\"$1\": *\([0-9]\{1,\}\)[^0-9].*/\1/p"
}

board_works() {
	local age
	age=$(number last_poll_age)
	[ -n "$age" ] && [ "$age" -le "$POLL_S" ]
}

upload_works() {
	local age interval
	age=$(number last_ok_age) interval=$(number interval)
	[ -n "$age" ] && [ "$age" -le $((${interval:-300} + GRACE_S)) ]
}

# Says whether the server can be reached without the daemon. Any answer of HTTP but a 5xx will do; a
# wrong certificate will not.
server_answers() {
	local said
	case $server in
	https:*) said=$(wget -T 20 --ca-certificate="$cacert" -O /dev/null "$server" 2>&1) && return 0 ;;
	*) said=$(wget -T 20 -O /dev/null "$server" 2>&1) && return 0 ;;
	esac
	case $said in *'HTTP error 4'[0-9][0-9]*) return 0 ;; esac
	return 1
}

counters_now() {
	echo "$document" | tr '{' '\n' |
		sed -n 's/.*"id": *"\([0-9a-f]*\)".*"counter": *\([0-9]\{1,\}\),.*/\1:\2/p' | tr '\n' ' '
}

# Says whether no counter fell, modulo 2^32. A sensor that is not told of any more is none that
# fell.
counters_stand() {
	local pair now rest
	now=$(counters_now)
	for pair in $counters; do
		case " $now" in *" ${pair%:*}:"*) ;; *) continue ;; esac
		rest=${now#*"${pair%:*}:"}
		[ $(((${rest%% *} - ${pair#*:} + 4294967296) % 4294967296)) -lt 2147483648 ] || return 1
	done
}

# A daemon that has just been started gets a minute.
look_patiently() {
	local tries=1
	until look; do
		[ "$tries" -le 3 ] || return 1
		tries=$((tries + 1))
		sleep "$LOOK_S"
	done
}

# Sets was, killed, firmware and counters. The upload is judged later only if the server can be
# asked without the daemon, too. A daemon that does not answer does not work now, and an upgrade can
# only help it.
note_what_works() {
	was='' killed='' firmware='' counters=''
	look_patiently || return 0
	was=lan
	board_works && was="$was board"
	upload_works && server_answers && was="$was upload"
	killed=$(number killed)
	firmware=$(board_firmware)
	counters=$(counters_now)
}

board_firmware() {
	echo "$document" | sed -n 's/.*"firmware": *"\([0-9.]*\)".*/\1/p'
}

# Watches what worked before for ten minutes. Leaves in why what failed, "" if nothing did; in
# unjudged that the server was dead.
watch() {
	local begun now lan_at board_at upload_at dead=
	begun=$(uptime_s) lan_at=$begun board_at=$begun upload_at=$begun
	why='' unjudged=''
	while [ -z "$why" ]; do
		sleep "$LOOK_S"
		now=$(uptime_s)
		if look; then
			lan_at=$now
			! board_works || board_at=$now
			if upload_works; then upload_at=$now dead=''; fi
		fi
		! worked upload || judge_upload
		! worked board || [ $((now - board_at)) -lt "$GRACE_S" ] || why="the board is not read"
		! worked lan || [ $((now - lan_at)) -lt "$GRACE_S" ] || why="the LAN API does not answer"
		[ -z "$document" ] || judge_daemon
		[ $((now - begun)) -lt "$WATCH_S" ] || break
	done
	[ -z "$dead" ] || unjudged=", the upload was not judged: the server did not answer"
	[ -z "$why" ]
}

worked() { # lan, board or upload
	case " $was " in *" $1 "*) ;; *) return 1 ;; esac
}

# The server is asked from the first look at which an upload is missing: a daemon that met a dead
# server waits ever longer before it tries again.
judge_upload() {
	[ "$upload_at" = "$now" ] || [ -n "$dead" ] || server_answers || dead=1
	[ -n "$dead" ] || [ $((now - upload_at)) -lt "$GRACE_S" ] ||
		why="no upload, though the server answers"
}

judge_daemon() {
	local deaths
	deaths=$(number killed)
	[ -z "$killed" ] || [ $((${deaths:-0} - killed)) -lt "$DEATHS" ] ||
		why="the daemon died $((deaths - killed)) times"
	counters_stand || why="a counter fell"
}
