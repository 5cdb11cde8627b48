#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs what is missing: the Debian packages of the groups named, and the project's virtual
# environment. It says what it installs before it does, and is quick when nothing is missing.
#   tools/setup.sh [GROUP…]     groups: the headings of tools/packages.apt; `python` is always one
# A group with a file requirements-GROUP.txt has Python packages of its own.
set -eu
cd "$(dirname "$0")/.."

LOG=.cache/setup.log     # all that the last step's programs said
STATUS=.cache/setup.exit # and how they ended
LOG_END=20               # lines of it that a failure shows
COLUMNS=0                # of the terminal that we speak to, 0 for none
[ ! -t 1 ] || COLUMNS=$(stty size 2>/dev/null | cut -d ' ' -f 2)

die() {
	echo "setup: $*" >&2
	exit 1
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		command -v sudo >/dev/null || die "not root, and no sudo: run as root once: $*"
		sudo "$@"
	fi
}

# Copies what apt and pip say to the log. On a terminal, the line that $1 begins also shows what
# they are at.
show_progress() {
	awk -v what="$1" -v log_file="$LOG" -v columns="${COLUMNS:-0}" '
		{ print >log_file; fflush(log_file) }
		columns && /^(Get:|Unpacking |Setting up |Collecting |Downloading |Building wheel|Installing )/ {
			printf "\r%s\033[K", substr(what ": " $1 " " $2 " " $3, 1, columns - 1); fflush()
		}
		END { if (columns) printf "\r%s\033[K", what }'
}

# step WHAT ADVICE COMMAND…: runs the command and says how long it took. If it fails, shows the end
# of its log and the advice.
step() {
	local what advice begin
	what="setup: $1"
	advice=$2
	shift 2
	begin=$(date +%s)
	printf '%s' "$what"
	rm -f "$STATUS"
	{ "$@" 2>&1 </dev/null && echo ended >"$STATUS"; } | show_progress "$what"
	if [ ! -e "$STATUS" ]; then
		printf ' … failed\n'
		tail -n "$LOG_END" "$LOG" >&2
		die "$advice (the whole log: $LOG)"
	fi
	printf ' … %s s\n' "$(($(date +%s) - begin))"
}

# Prints the packages of one group, one a line.
group() {
	awk -v want="[$1]" '/^\[/ { on = ($0 == want); found = found || on; next } on && !/^#/ && NF
		END { exit !found }' tools/packages.apt || die "no group $1 in tools/packages.apt"
}

is_installed() {
	dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null | grep -q '^ii'
}

# Of lines `package` or `package | package`: prints those of which nothing is installed.
missing() {
	local found
	sort -u | while read -r line; do
		found=
		for package in $(echo "$line" | tr '|' ' '); do
			! is_installed "$package" || found=1
		done
		[ -n "$found" ] || echo "$line"
	done
}

# Of the same lines: prints the first package of each that this release has.
known() {
	while read -r line; do
		for package in $(echo "$line" | tr '|' ' '); do
			if apt-cache show "$package" >/dev/null 2>&1; then
				echo "$package"
				continue 2
			fi
		done
		die "no Debian package here is named $line: tools/packages.apt knows Debian 12 and 13"
	done
}

# Says what will be installed and how much that is.
announce() {
	local size
	# shellcheck disable=SC2086 # a list of words
	size=$(LC_ALL=C apt-get --assume-no --no-install-recommends install $1 2>/dev/null |
		sed -n 's/^[0-9]* upgraded, \([0-9]*\) newly.*/\1 packages with what they need/p; s/^Need to get \(.*\) of archives\./\1 to get/p
			s/^After this operation, \(.*\) of additional.*/\1 on the disk/p' | paste -sd ';' | sed 's/;/, /g')
	echo "setup: Debian packages to install: $(echo "$1" | tr '\n' ' ')"
	[ -z "$size" ] || echo "setup: that is $size"
}

install_packages() {
	local lines wanted
	command -v dpkg-query >/dev/null || die "this set-up is for Debian and what derives from it"
	lines=$(echo "$1" | missing)
	[ -n "$lines" ] || return 0
	step "reading Debian's lists of packages" "no lists of packages: \`apt-get update\` must work here" as_root apt-get update
	wanted=$(echo "$lines" | known)
	announce "$wanted"
	# shellcheck disable=SC2086 # a list of words
	step "installing them" "Debian's packages are not installed: \`dpkg --configure -a\` and \`apt-get -f install\` mend a set-up that was cut" \
		as_root env DEBIAN_FRONTEND=noninteractive apt-get -y --no-install-recommends install $wanted
}

pip_install() {
	PYTHONUNBUFFERED=1 .venv/bin/pip --disable-pip-version-check install --progress-bar off --no-build-isolation "$@"
}

# install_python FILE: the packages that a file of requirements pins.
install_python() {
	local count
	count=$(grep -c '^[a-z]' "$1")
	step "installing the $count Python packages of $1" "not installed: pip must reach its index, see \`pip config list\`" \
		pip_install --require-hashes -r "$1"
}

# make_venv GROUP…: .venv with what requirements.txt pins and what those of the groups do. When a
# pin of the first changes, it is made anew with the groups that it had.
make_venv() {
	local key groups
	python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "Python 3.11 or newer is needed"
	key=$({
		python3 -V
		cat requirements.txt pyproject.toml VERSION
	} | sha256sum)
	groups=$({
		printf "%s\n" "$@"
		ls .venv/groups 2>/dev/null
	} | sort -u)
	if [ "$(cat .venv/installed 2>/dev/null)" != "$key" ]; then
		rm -rf .venv
		step "making the virtual environment .venv" "it is not made: python3-venv must be installed" python3 -m venv .venv
		install_python requirements.txt
		step "adding this project to .venv" "it is not added" pip_install --no-deps -e .
		mkdir .venv/groups
		echo "$key" >.venv/installed
	fi
	for group in $groups; do
		[ -e "requirements-$group.txt" ] || continue
		! cmp -s "requirements-$group.txt" ".venv/groups/$group" || continue
		install_python "requirements-$group.txt"
		cp "requirements-$group.txt" ".venv/groups/$group"
	done
}

mkdir -p .cache
packages=$(group python)
for name; do
	packages="$packages
$(group "$name")"
done
install_packages "$packages"
make_venv "$@"
