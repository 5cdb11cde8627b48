# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by build.sh: builds busybox for big-endian MIPS from Debian's source package, with the
# kernel's compiler: built by clang, its awk crashes. Static glibc with floating point in hardware,
# which the kernel emulates.
# shellcheck shell=sh

BUSYBOX_TAR=busybox_1.35.0.orig.tar.bz2
BUSYBOX_SHA256=faeeb244c35a348a334f4a59e44626ee870fb07b6884d68c10ae8bc19f83a694

busybox_key() {
	cat "$HERE/busybox.sh" "$HERE/busybox-mips.config"
	dpkg-query -W gcc-mips-linux-gnu libc6-dev-mips-cross
}

busybox_make() {
	run_logged make -C "$OUT/busybox-source" HOSTCC=gcc CROSS_COMPILE=mips-linux-gnu- "$@"
}

# busybox's Kconfig takes no list of options: they are put into the empty configuration, and what
# depends on them gets its default.
configure_busybox() {
	local config
	config=$OUT/busybox-source/.config
	busybox_make allnoconfig
	awk -F '[= ]' 'NR == FNR { if (/^CONFIG/) listed[$1] = 1; next } !(listed[$1] || listed[$2])' "$HERE/busybox-mips.config" "$config" \
		>"$OUT/config.rest"
	cat "$HERE/busybox-mips.config" "$OUT/config.rest" >"$config"
	rm "$OUT/config.rest"
	yes '' | head -n 2000 | (make -C "$OUT/busybox-source" HOSTCC=gcc oldconfig >"$OUT/make.log" 2>&1) || fail "see $OUT/make.log"
	check_options "$HERE/busybox-mips.config" "$config"
}

have_busybox_source() {
	echo "$BUSYBOX_SHA256  $BUSYBOX_TAR" | (cd "$CACHE/downloads" && sha256sum --check --status --strict 2>/dev/null)
}

fetch_busybox() {
	mkdir -p "$CACHE/downloads"
	have_busybox_source || {
		write_archive deb-src "$SUITE"
		isolated_apt apt-get update
		(cd "$CACHE/downloads" && isolated_apt apt-get source --download-only --only-source "busybox/$SUITE")
	}
	have_busybox_source || fail "busybox's source is not what busybox.sh pins by SHA-256"
}

build_busybox() {
	shared fetch_busybox
	rm -rf "$OUT/busybox-source"
	mkdir -p "$OUT/busybox-source"
	tar -xf "$CACHE/downloads/$BUSYBOX_TAR" -C "$OUT/busybox-source" --strip-components=1
	configure_busybox
	busybox_make -j"$JOBS" busybox
	cp "$OUT/busybox-source/busybox" "$OUT/busybox"
	rm -rf "$OUT/busybox-source"
}
