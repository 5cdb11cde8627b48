# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2153,SC2154 # a part of flukso-upgrade

# The stages: fetch (nothing has changed yet), install, watch; back, backwatch. Each is noted before
# it begins.

upgrade_all() {
	mv "$DUE" "$BUSY"
	if [ "$enabled" != 1 ] || [ "$lan" != 1 ]; then
		report warning "not upgraded: without daemon and LAN API nobody could tell whether it works"
		return
	fi
	with refresh || return
	for package in $PACKAGES; do
		read -r old new <<-LINE
			$(with newer "$package")
		LINE
		[ -z "$new" ] || upgrade || return
	done
}

# Upgrades one package; 1 when no further one should be tried now.
upgrade() {
	local size installed url sum old_size old_url old_sum
	failures=$(failures_of "$package" "$new")
	if [ "$failures" -ge "$FAILURES" ]; then
		say info "$package $new came to nothing before: not tried again"
		return 0
	fi
	read -r old_size installed old_url old_sum <<-LINE
		$(with entry "$package" "$old")
	LINE
	read -r size installed url sum <<-LINE
		$(with entry "$package" "$new")
	LINE
	if [ -z "$old_sum" ] || [ -z "$sum" ]; then
		report warning "$package $new: not upgraded, as no signed feed has it and $old to go back to"
		return 0
	fi
	mkdir -p "$STATE" "$RUN"
	with holds "$(kept "$package")" "$old_url" "$old_sum" || rm -f "$(kept "$package")"
	if ! room; then
		report warning "$package $new: not upgraded, as there is no room for it"
		return 0
	fi
	if { [ ! -e "$(kept "$package")" ] &&
		! with fetch "$(kept "$package")" "$old_size" "$old_url" "$old_sum"; } ||
		! with fetch "$NEW" "$size" "$url" "$sum"; then
		report warning "$package $new: not upgraded, as it or $old could not be fetched whole"
		return 1
	fi
	note_what_works
	say notice "$package: $old becomes $new; working now:${was:+ }${was:- nothing}"
	if ! prepare || ! save install; then
		report warning "$package $new: not upgraded, as flash cannot be written"
		forget
		return 1
	fi
	install_new
}

# On flash the old package is kept while the new one is unpacked; the new one's own file is in RAM.
room() {
	local flash ram
	flash=$(free_kb "$STATE") ram=$(free_kb "$RUN")
	[ -e "$(kept "$package")" ] || flash=$((flash - old_size / 1024))
	[ $((flash - installed / 1024)) -ge "$FLASH_KB" ] && [ $((ram - 2 * size / 1024)) -ge "$RAM_KB" ]
}

# Keeps what going on after a cut needs, beside the old package.
prepare() {
	with save && put "$BEGUN" <"$0" && chmod 0755 "$BEGUN"
}

install_new() {
	with install "$NEW"
	if ! stands "$new" "$NEW"; then
		go_back "the installation failed: $said" $((failures + 1))
		return 1
	fi
	sync
	start_daemon
	keep_or_go_back
}

keep_or_go_back() {
	save watch
	if works_by_itself && watch; then
		report notice "$package: $old became $new${was:+; working: $was}$unjudged"
		forget
		return 0
	fi
	go_back "$why" "$FAILURES"
	return 1
}

# What the daemon cannot tell of: the keys must be those of the feed, and this program one that can
# be read. After a boot there is no list to try the keys on.
works_by_itself() {
	why=
	case $package in
	flukso-keyring) with trusts || why="no feed's signature is right any more" ;;
	flukso-upgrade) sh -n "$PROGRAM" 2>/dev/null || why="the new program cannot be read" ;;
	esac
	[ -z "$why" ]
}

go_back() { # WHY FAILURES
	why=$1 blame=$2
	save back
	say err "$package $new: going back to $old: $why"
	until restore; do
		say err "$package: $old could not be brought back yet: $said"
		sleep "$RETRY_S"
	done
	sync
	start_daemon
	restore_board
	watch_old
}

# The same ten minutes for the old package: where it fails too, the new one was not the reason.
watch_old() {
	local reason="$why"
	save backwatch
	if watch; then
		refuse "$package" "$new" "$blame"
		report err "$package: went back from $new to $old: $reason"
	else
		refuse "$package" "$new" $((failures + 1))
		report err "$package: went back from $new to $old: $reason; $old does not do better: $why"
	fi
	forget
}

# Goes on where a kill or a power cut has left an upgrade.
resume() {
	local installed
	load || return 1
	with mend
	installed=$(with installed "$package")
	case $installed in
	'' | "$old" | "$new") ;;
	*) # as after sysupgrade
		report warning "$package: $installed was installed meanwhile; the upgrade to $new has ended"
		forget
		return 0
		;;
	esac
	[ -e "$(kept "$package")" ] || {
		report err "$package: the old package is lost, nothing to go back to"
		forget
		return 0
	}
	case $stage in
	install)
		if [ -e "$NEW" ] && stands "$new" "$NEW"; then # only this program was killed
			sync
			start_daemon
			keep_or_go_back
		else
			go_back "the power was cut, or $manager killed, during the installation" $((failures + 1))
		fi
		;;
	watch)
		failures=$((failures + 1))
		if [ "$failures" -ge "$FAILURES" ]; then
			go_back "the router started $failures times while this was watched" "$FAILURES"
		else
			keep_or_go_back
		fi
		;;
	back) go_back "$why" "$blame" ;;
	backwatch) watch_old ;;
	esac
	return 0
}
