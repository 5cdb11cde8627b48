#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs what is missing: the Debian packages of the groups named, and the project's virtual environment. Safe to repeat.
#   tools/setup.sh GROUP…       groups: the headings of tools/packages.apt
set -eu
cd "$(dirname "$0")/.."

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

# Prints the packages of one group.
group() {
	awk -v want="[$1]" '/^\[/ { on = ($0 == want); found = found || on; next } on && !/^#/ && NF
		END { exit !found }' tools/packages.apt || die "no group $1 in tools/packages.apt"
}

# Prints those of the packages given that are not installed.
missing() {
	for package; do
		dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' || echo "$package"
	done
}

install_packages() {
	local wanted
	command -v dpkg-query >/dev/null || die "this set-up is for Debian and what derives from it"
	# shellcheck disable=SC2086 # a list of words
	wanted=$(missing $1)
	[ -n "$wanted" ] || return 0
	echo "setup: installing $(echo "$wanted" | tr '\n' ' ')"
	as_root apt-get -qq update
	# shellcheck disable=SC2086 # a list of words
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $wanted >/dev/null
}

make_venv() {
	local key
	python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "Python 3.11 or newer is needed"
	key=$(cat requirements.txt pyproject.toml VERSION | sha256sum)
	[ "$(cat .venv/installed 2>/dev/null)" != "$key" ] || return 0
	echo "setup: making the virtual environment .venv"
	rm -rf .venv
	python3 -m venv .venv
	.venv/bin/pip -q --disable-pip-version-check install --require-hashes -r requirements.txt
	.venv/bin/pip -q --disable-pip-version-check install --no-deps --no-build-isolation -e .
	echo "$key" >.venv/installed
}

[ $# -gt 0 ] || die "usage: tools/setup.sh GROUP…"
packages=
for name; do
	listed=$(group "$name")
	packages="$packages $listed"
done
install_packages "$packages"
make_venv
