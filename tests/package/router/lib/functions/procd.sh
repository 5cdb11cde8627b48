# SPDX-License-Identifier: GPL-3.0-or-later
# Emulated procd: records the definition that an init script gives, a line for each thing said, and
# with PROCD_EXEC=1 does what it recorded.
# shellcheck shell=sh

PROCD_DIR=/var/run/procd # NAME: what was recorded; NAME.pid: of the supervisor

procd_say() {
	echo "$*" >>"$PROCD_NEW"
}

procd_open_instance() {
	procd_say "instance ${1:-instance1}"
}

procd_close_instance() { :; }

procd_set_param() {
	procd_say "$@"
	[ "$1" != file ] || procd_note_files "$@"
}

# What changes when a watched file changes.
procd_note_files() {
	local file
	shift
	for file; do
		procd_say "content $([ ! -e "$file" ] || sha256sum <"$file")"
	done
}

# What a service tells other programs through procd: a line for each value, with the names of the
# objects that it is in.
procd_open_data() { PROCD_PATH=data; }

procd_close_data() { :; }

json_add_object() { PROCD_PATH="$PROCD_PATH $1"; }

json_add_array() { PROCD_PATH="$PROCD_PATH $1"; }

json_close_object() { PROCD_PATH=${PROCD_PATH% *}; }

json_close_array() { PROCD_PATH=${PROCD_PATH% *}; }

json_add_string() { procd_say "$PROCD_PATH${1:+ $1}: $2"; }

json_add_int() { procd_say "$PROCD_PATH $1: $2"; }

procd_add_reload_trigger() {
	procd_say trigger config.change "$@"
}

procd_add_jail() {
	procd_say jail "$@"
}

procd_add_jail_mount() {
	procd_say jail reads "$@"
}

procd_add_jail_mount_rw() {
	procd_say jail writes "$@"
}

# procd_send_signal SERVICE INSTANCE SIGNAL
procd_send_signal() {
	echo "$3" >>"$PROCD_DIR/$1.signals"
	! procd_running "$1" || kill -"$3" "$(cat "$PROCD_DIR/$1.child")"
}

procd_running() {
	[ -e "$PROCD_DIR/$1.pid" ] && kill -0 "$(cat "$PROCD_DIR/$1.pid")" 2>/dev/null
}

# The value of a parameter in what was recorded.
procd_param() {
	sed -n "s/^$2 //p" "$PROCD_DIR/$1"
}

# Runs start_service, and brings the running instance in line with what it said, as procd does.
procd_start() {
	local before
	mkdir -p "$PROCD_DIR"
	PROCD_NEW=$PROCD_DIR/$1.new
	: >"$PROCD_NEW"
	start_service
	service_triggers
	before=$(grep -v '^data ' "$PROCD_DIR/$1" 2>/dev/null)
	mv "$PROCD_NEW" "$PROCD_DIR/$1"
	[ "${PROCD_EXEC:-0}" = 1 ] || return 0
	if ! grep -q '^command ' "$PROCD_DIR/$1"; then
		procd_kill "$1"
	elif ! procd_running "$1"; then
		procd_launch "$1"
	elif [ "$before" != "$(grep -v '^data ' "$PROCD_DIR/$1")" ]; then
		procd_changed "$1"
	fi
}

# In the background, with nothing open of whoever asked (9: the lock of flukso-upgrade).
procd_launch() {
	(
		exec </dev/null >/dev/null 2>&1 9>&-
		procd_supervise "$1"
	) &
	echo $! >"$PROCD_DIR/$1.pid"
}

procd_changed() {
	local signal
	signal=$(procd_param "$1" reload_signal)
	if [ -n "$signal" ]; then
		kill -"$signal" "$(cat "$PROCD_DIR/$1.child")"
	else
		procd_kill "$1"
		procd_launch "$1"
	fi
}

procd_stop() {
	procd_kill "$1"
	rm -f "$PROCD_DIR/$1"
	stop_service
}

# Ends the supervisor, then its child: politely, and after its term_timeout for good.
procd_kill() {
	local child left
	procd_running "$1" || return 0
	kill "$(cat "$PROCD_DIR/$1.pid")"
	child=$(cat "$PROCD_DIR/$1.child" 2>/dev/null)
	left=$(procd_param "$1" term_timeout)
	left=$((${left:-5} * 5))
	while [ -n "$child" ] && kill "$child" 2>/dev/null && [ "$left" -gt 0 ]; do
		sleep 0.2
		left=$((left - 1))
	done
	[ -z "$child" ] || kill -9 "$child" 2>/dev/null
	rm -f "$PROCD_DIR/$1.pid" "$PROCD_DIR/$1.child"
}

# Keeps the instance running: threshold, timeout, retry as its respawn says; what it prints goes to
# the log.
procd_supervise() {
	local threshold timeout retry quick began user
	read -r threshold timeout retry <<-LINE
		$(procd_param "$1" respawn)
	LINE
	user=$(procd_param "$1" user)
	quick=0
	while :; do
		began=$(date +%s)
		# shellcheck disable=SC2046 # a list of words
		set -- "$1" $(procd_param "$1" command)
		procd_child "$@"
		[ -n "$threshold" ] || return 0
		if [ $(($(date +%s) - began)) -lt "$threshold" ]; then quick=$((quick + 1)); else quick=0; fi
		[ "$retry" = 0 ] || [ "$quick" -le "$retry" ] || return 0
		sleep "$timeout"
	done
}

# Runs the command as the instance's user until it ends; leaves its pid. What it prints is info,
# what it prints to stderr an error.
procd_child() {
	local name out pid
	name=$1 out=$PROCD_DIR/$1.out.$$
	shift
	mkfifo -m 0600 "$out" "$out.err"
	su -s /bin/sh "${user:-root}" -c 'exec "$@"' -- sh "$@" >"$out" 2>"$out.err" &
	pid=$!
	echo "$pid" >"$PROCD_DIR/$name.child"
	logger -t "${name}[$pid]" -p daemon.info <"$out" &
	logger -t "${name}[$pid]" -p daemon.err <"$out.err" &
	wait "$pid"
	rm -f "$out" "$out.err" "$PROCD_DIR/$name.child"
}
