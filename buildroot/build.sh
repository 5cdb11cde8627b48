#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Builds a router's image from OpenWrt's sources, or checks without a network all that can be
# checked (docs/guide/openwrt.md).
set -eu

HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/.." && pwd)
OPENWRT=https://git.openwrt.org/openwrt/openwrt.git
WORK=${FLUKSO_BUILDROOT:-$ROOT/build/openwrt}
JOBS=${JOBS:-$(nproc)}

usage() {
	{
		echo "usage: build.sh TARGET      clones OpenWrt, pins, links the feed and builds; images in $WORK/TARGET/bin"
		echo "       build.sh --prepare TARGET   the same up to the configuration, without building"
		echo "       build.sh --network TARGET   what the image's /etc/config/network becomes"
		echo "       build.sh --check     seeds, feeds, patches, device trees and scripts, without a network and without OpenWrt"
		echo "       build.sh --verify TREE TARGET   all that a real tree of OpenWrt can tell without a download; TREE is not changed"
		echo "targets:"
		targets
	} >&2
	exit 2
}

fail() {
	echo "build.sh: $*" >&2
	exit 1
}

targets() {
	for folder in "$HERE"/*/seed.config; do
		basename "$(dirname "$folder")"
	done
}

# shellcheck source=package/flukso/files/flukso.router
ROUTERS=$ROOT/package/flukso/files/flukso.routers
. "$ROOT/package/flukso/files/flukso.router"
# shellcheck source=buildroot/verify.sh
. "$HERE/verify.sh"

# The value of a file whose comments are skipped.
value() {
	grep -v '^#' "$1"
}

# The symbols of a seed that it sets, with their values.
settings() {
	grep -E '^CONFIG_' "$1"
}

# One socket joins the household's network, as a client; a second one may lead elsewhere, and offers
# nothing there.
network() { # TARGET
	router_know "$(value "$HERE/$1/router")" || fail "$1/router: not in $ROUTERS"
	printf "config interface 'loopback'\n\toption device 'lo'\n\toption proto 'static'\n\toption ipaddr '127.0.0.1'\n\toption netmask '255.0.0.0'\n"
	printf "\nconfig interface 'lan'\n\toption device '%s'\n\toption proto 'dhcp'\n" "$router_lan"
	[ -z "$router_wan" ] || printf "\nconfig interface 'wan'\n\toption device '%s'\n\toption proto 'dhcp'\n\toption metric '10'\n" "$router_wan"
}

clone() { # TARGET TREE
	local commit
	commit=$(value "$HERE/$1/tree")
	mkdir -p "$2"
	[ -d "$2/.git" ] || git -C "$2" init -q
	[ "$(git -C "$2" rev-parse -q --verify HEAD 2>/dev/null)" = "$commit" ] || {
		git -C "$2" fetch -q --depth 1 "$OPENWRT" "$commit" || fail "OpenWrt's commit $commit cannot be fetched from $OPENWRT"
		git -C "$2" checkout -q --force FETCH_HEAD
	}
	git -C "$2" reset -q --hard && git -C "$2" clean -q -fd target package
}

lay() { # TARGET TREE: our patches, files and feeds on top of the release
	local patch
	for patch in "$HERE/$1"/patches/*.patch; do
		[ ! -e "$patch" ] || patch -s -F0 -p1 -d "$2" <"$patch" || fail "$patch does not apply to this release"
	done
	[ ! -d "$HERE/$1/add" ] || cp -RL "$HERE/$1/add/." "$2/"
	rm -rf "$2/files"
	mkdir -p "$2/files"
	cp -R "$HERE/files/." "$2/files/"
	network "$1" >"$2/files/etc/config/network"
	value "$HERE/$1/feeds.conf" | sed "s|@FLUKSO@|$ROOT|" >"$2/feeds.conf"
}

# After the feeds: while they are installed, a configuration that names what is not there yet would
# lose it.
configure() { # TARGET TREE
	settings "$HERE/$1/seed.config" >"$2/.config"
	make -s -C "$2" defconfig
}

# What the release made of the seed: a symbol that it dropped would be missing in the image without
# a word.
seed_survives() { # TARGET TREE
	settings "$HERE/$1/seed.config" | while IFS='=' read -r symbol wanted; do
		case $wanted in
		n) ! grep -q "^$symbol=[ym]" "$2/.config" || fail "$symbol is set although the seed says n" ;;
		*) grep -qxF "$symbol=$wanted" "$2/.config" || fail "$symbol=$wanted of the seed is not in the configuration" ;;
		esac
	done
}

prepare() { # TARGET
	local tree
	tree=$WORK/$1
	clone "$1" "$tree"
	lay "$1" "$tree"
	rm -f "$tree/.config"
	(cd "$tree" && ./scripts/feeds update -a && ./scripts/feeds install -a -p flukso && ./scripts/feeds install avrdude umdns)
	configure "$1" "$tree"
	seed_survives "$1" "$tree"
}

build() { # TARGET
	prepare "$1"
	make -C "$WORK/$1" -j"$JOBS" download
	make -C "$WORK/$1" -j"$JOBS" || fail "the build failed; for the reason: make -C $WORK/$1 -j1 V=s"
	ls -l "$WORK/$1"/bin/targets/*/*
}

PROBLEMS=0

problem() {
	echo "build.sh: $*" >&2
	PROBLEMS=$((PROBLEMS + 1))
}

check_pins() { # TARGET
	local line
	value "$HERE/$1/tree" | grep -qxE '[0-9a-f]{40}' || problem "$1/tree: no commit of 40 hex digits"
	while read -r line; do
		case $line in
		'#'*) ;;
		"src-link flukso @FLUKSO@") ;;
		src-git\ *) echo "$line" | grep -qE '^src-git [a-z]+ https://[^ ^]+\^[0-9a-f]{40}$' || problem "$1/feeds.conf: not pinned: $line" ;;
		*) problem "$1/feeds.conf: not understood: $line" ;;
		esac
	done <"$HERE/$1/feeds.conf"
	grep -q '^src-link flukso ' "$HERE/$1/feeds.conf" || problem "$1/feeds.conf: our own feed is not in it"
}

# Says whether a symbol is one of our packages, or known to be one of OpenWrt's.
known() {
	case $1 in
	CONFIG_PACKAGE_*) grep -qs "call BuildPackage,${1#CONFIG_PACKAGE_})" "$ROOT"/package/*/Makefile && return ;;
	CONFIG_TARGET_*_DEVICE_*) grep -qsrF "define Device/${1#*_DEVICE_}" "$HERE"/*/patches && return ;;
	esac
	grep -q "^$1 " "$HERE/known-symbols"
}

check_seed() { # TARGET
	local line
	while read -r line; do
		case $line in
		'#'* | '') ;;
		CONFIG_*=*) known "${line%%=*}" || problem "$1/seed.config: ${line%%=*} is nobody's symbol" ;;
		*) problem "$1/seed.config: not understood: $line" ;;
		esac
	done <"$HERE/$1/seed.config"
	[ "$(settings "$HERE/$1/seed.config" | cut -d= -f1 | sort | uniq -d)" = "" ] || problem "$1/seed.config: a symbol stands there twice"
}

# Every package that ours depend on is ours, one that ours provide, or known.
check_depends() {
	local name
	sed -n 's/^  DEPENDS:=//p' "$ROOT"/package/*/Makefile | tr ' ' '\n' | sed 's/^+//' | sort -u | while read -r name; do
		case $name in '' | @*) continue ;; esac
		grep -qs "PROVIDES:=$name\$" "$ROOT"/package/*/Makefile || known "CONFIG_PACKAGE_$name" || echo "$name"
	done
}

# Each excerpt says of which file of which commit it is. That it really is, only --verify can tell.
check_sources() { # TARGET
	local name line commit
	[ -d "$HERE/$1/fragments" ] || return 0
	commit=$(value "$HERE/$1/tree")
	(cd "$HERE/$1/fragments" && find . -type f ! -name SOURCES | sed 's|^\./||' | sort) >"$LIST"
	while read -r name; do
		line=$(awk -v name="$name" '$2 == name' "$HERE/$1/fragments/SOURCES" 2>/dev/null)
		echo "$line" | grep -qxE "($commit|linux-[0-9.]+) [^ ]+ [0-9a-f]{64}" || problem "$1/fragments/$name: SOURCES names no commit of this target and no SHA-256 for it"
	done <"$LIST"
}

# Each gives its reason, and they apply to the excerpts, one after the other.
check_patches() { # TARGET
	local patch scratch
	scratch=$(mktemp -d)
	[ ! -d "$HERE/$1/fragments" ] || cp -R "$HERE/$1/fragments/." "$scratch"
	find "$HERE/$1" -name '*.patch' | sort >"$LIST"
	while read -r patch; do
		sed '/^--- /,$d' "$patch" | grep -q '^Reason: ' || problem "$patch: it gives no reason"
		case $patch in
		*/patches/*) patch -s -f -F0 -p1 -d "$scratch" <"$patch" >/dev/null 2>&1 ;;
		*) patch -s -f -F0 -p1 -d "$scratch/kernel" <"$patch" >/dev/null 2>&1 ;;
		esac || problem "$patch: it does not apply to the excerpts in $1/fragments"
	done <"$LIST"
	rm -rf "$scratch"
}

# Against stand-ins for OpenWrt's and the kernel's files: that the references are right, only
# --verify can tell.
check_trees() { # TARGET
	local source out
	find -L "$HERE/$1" -name '*.dts' >"$LIST"
	while read -r source; do
		out=$(device_tree "$source" "$HERE/stubs" "$HERE/stubs" /dev/null 2>&1) || problem "$source: $out"
	done <"$LIST"
}

device_tree() { # SOURCE DTSI_FOLDER HEADERS_FOLDER OUT
	cpp -nostdinc -undef -D__DTS__ -x assembler-with-cpp -I "$2" -I "$3" "$1" | dtc -q -I dts -O dtb -o "$4" -
}

# The bus in the device tree is on the pins by which the table of routers programs the board.
check_bus() { # TARGET
	local source wanted have
	router_know "$(value "$HERE/$1/router")" || problem "$1/router: not in package/flukso/files/flukso.routers"
	source=$(find -L "$HERE/$1" -name '*.dts')
	[ -n "$source" ] || return 0
	wanted=$(echo "$router_pins" | tr -d '~' | cut -d, -f2-4)
	have=$(for name in SCK MOSI MISO; do sed -n "s/^#define FLUKSO_GPIO_$name //p" "$source"; done | paste -sd,)
	[ "$have" = "$wanted" ] || problem "$source: the bus is on $have, the table of routers says $wanted"
}

check_scripts() { # FOLDER
	local script
	find "$1/etc/uci-defaults" -type f 2>/dev/null >"$LIST" || true
	while read -r script; do
		sh -n "$script" || problem "$script: not a shell script"
		shellcheck -s sh "$script" || problem "$script: shellcheck objects"
	done <"$LIST"
}

check_overlay() { # TARGET
	grep -qs "option Interface 'lan'" "$HERE/files/etc/config/dropbear" || problem "files/etc/config/dropbear: not bound to the LAN side"
	awk -v squote="'" '/^config/ { src = "" } $2 == "src" { src = $3 } $2 == "dest_port" && $3 ~ /(22|8080|5353)/ && src != squote "lan" squote { exit 1 }' \
		"$HERE/files/etc/config/firewall" || problem "files/etc/config/firewall: a hole that is not on the LAN side alone"
}

check() {
	local target name
	PATH=$ROOT/.venv/bin:$PATH # where set-up puts the scripts' linter
	for name in cpp dtc patch shellcheck; do
		command -v "$name" >/dev/null || fail "$name is missing on this machine"
	done
	LIST=$(mktemp)
	for target in $(targets); do
		check_pins "$target"
		check_seed "$target"
		check_sources "$target"
		check_patches "$target"
		check_trees "$target"
		check_bus "$target"
		check_overlay "$target"
		echo "$target: checked"
	done
	check_scripts "$HERE/files"
	for name in $(check_depends); do
		problem "package/: $name is needed, and neither ours nor known"
	done
	rm -f "$LIST"
	[ "$PROBLEMS" = 0 ] || fail "$PROBLEMS problems"
	echo "this says nothing of OpenWrt itself: build.sh --verify TREE TARGET does"
}

case ${1:-} in
--check) check ;;
--verify)
	[ -e "$HERE/${3:-none}/seed.config" ] && [ -e "$2/rules.mk" ] || usage
	verify "$2" "$3"
	;;
--network)
	[ -e "$HERE/${2:-none}/seed.config" ] || usage
	network "$2"
	;;
--prepare)
	[ -e "$HERE/${2:-none}/seed.config" ] || usage
	prepare "$2"
	;;
'' | -*) usage ;;
*)
	[ -e "$HERE/$1/seed.config" ] || usage
	build "$1"
	;;
esac
