#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Gets kernel and busybox of the emulated routers: Debian's for mipsel; for mips, which Debian has
# no more, both built from its sources.
set -eu

usage() {
	cat >&2 <<'TEXT'
usage: build.sh mips|mipsel...
Makes .cache/qemu/ARCH/: vmlinux, busybox and modules/, each kept under a key of all that it depends on.
TEXT
	exit 2
}

HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
RUNTIME=$ROOT/package/flukso-micropython
CACHE=${FLUKSO_RUNTIME_CACHE:-$ROOT/.cache/micropython} # apt's lists are shared with the runtime's build
QEMU_CACHE=${FLUKSO_QEMU_CACHE:-$ROOT/.cache/qemu}
PYTHON=${PYTHON:-python3}
[ -x "$ROOT/.venv/bin/python" ] && PYTHON=$ROOT/.venv/bin/python
export JOBS
JOBS=$(nproc)
SUITE=bookworm # the last one that has mipsel

# shellcheck source=package/flukso-micropython/sources.sh
. "$RUNTIME/sources.sh"
# shellcheck source=tools/qemu/kernel.sh
. "$HERE/kernel.sh"
# shellcheck source=tools/qemu/busybox.sh
. "$HERE/busybox.sh"

run_logged() {
	nice -n 10 "$@" >"$OUT/make.log" 2>&1 </dev/null || {
		grep -v warning "$OUT/make.log" | tail -n 30 >&2
		fail "the build failed: $OUT/make.log"
	}
}

# What the runtime's build uses too is changed by one of us at a time.
shared() {
	(
		flock 8
		"$@"
	) 8>"$CACHE/lock"
}

# A configuration that says y to what a file of ours lists must really have it: an option that
# Kconfig drops is an error.
check_options() {
	local line
	grep '^CONFIG_' "$1" | while read -r line; do
		grep -qxF "$line" "$2" || fail "$1: $line is not in $2"
	done
}

# apt for packages of the other architecture, which know nothing of what is installed here.
mipsel_apt() {
	isolated_apt "$@" -oAPT::Architecture=mipsel -oAPT::Architectures=mipsel -oDir::State::status=/dev/null -oDir::Cache="$CACHE/apt"
}

fetch_binaries() {
	local release
	mkdir -p "$CACHE/apt/archives/partial"
	write_archive deb "$SUITE"
	mipsel_apt apt-get update
	release=$(mipsel_apt apt-cache show linux-image-4kc-malta | sed -n 's/^Depends: \(linux-image-[^ ]*\).*/\1/p' | head -n 1)
	[ -n "$release" ] || fail "$SUITE has no kernel for mipsel"
	(cd "$OUT/debs" && mipsel_apt apt-get download "$release" busybox-static)
}

build_binaries() {
	rm -rf "$OUT/debs"
	mkdir -p "$OUT/debs" "$OUT/modules"
	shared fetch_binaries
	for deb in "$OUT"/debs/*.deb; do
		dpkg -x "$deb" "$OUT/debs/root"
	done
	cp "$OUT"/debs/root/boot/vmlinuz-* "$OUT/vmlinux"
	cp "$OUT/debs/root/bin/busybox" "$OUT/busybox"
	find "$OUT/debs/root" \( -name mii.ko -o -name pcnet32.ko \) -exec cp {} "$OUT/modules/" \;
	rm -rf "$OUT/debs"
}

binaries_key() {
	cat "$HERE/build.sh"
}

# keep PART: makes it (build_PART) unless what is there was made from what is here now (PART_key).
keep() {
	local key
	key=$("$1_key" | sha256sum)
	[ "$(cat "$OUT/$1.key" 2>/dev/null)" = "$key" ] && return
	mkdir -p "$OUT"
	exec 9>"$OUT/lock"
	flock 9
	if [ "$(cat "$OUT/$1.key" 2>/dev/null)" != "$key" ]; then
		rm -f "$OUT/$1.key"
		"build_$1"
		echo "$key" >"$OUT/$1.key"
	fi
	exec 9>&-
}

[ $# -gt 0 ] || usage
for arch; do
	case $arch in mips | mipsel) ;; *) usage ;; esac
done
mkdir -p "$CACHE"
for arch; do
	OUT=$QEMU_CACHE/$arch
	if [ "$arch" = mips ]; then
		keep busybox
		keep kernel
	else
		keep binaries
	fi
done
