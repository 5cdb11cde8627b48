#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Gets kernel and busybox of the emulated routers: Debian's for mipsel; for mips, which Debian has no more, both built from its sources.
set -eu

usage() {
	cat >&2 <<'TEXT'
usage: build.sh mips|mipsel...
Makes .cache/qemu/ARCH/: vmlinux, busybox and modules/, under a key of all that they depend on.
TEXT
	exit 2
}

HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
RUNTIME=$ROOT/package/flukso-micropython
CACHE=${FLUKSO_RUNTIME_CACHE:-$ROOT/.cache/micropython} # zig and apt's lists are shared with the runtime's build
QEMU_CACHE=${FLUKSO_QEMU_CACHE:-$ROOT/.cache/qemu}
PYTHON=${PYTHON:-python3}
[ -x "$ROOT/.venv/bin/python" ] && PYTHON=$ROOT/.venv/bin/python
JOBS=$(nproc)
LINUX_SOURCE=/usr/src/linux-source-6.1.tar.xz
BUSYBOX_TAR=busybox_1.35.0.orig.tar.bz2
BUSYBOX_SHA256=faeeb244c35a348a334f4a59e44626ee870fb07b6884d68c10ae8bc19f83a694
SUITE=bookworm # the last one that has mipsel

# shellcheck source=package/flukso-micropython/sources.sh
. "$RUNTIME/sources.sh"

# All that the result depends on; a Debian update of the kernel's source makes another key.
key_of() {
	{
		cat "$HERE/build.sh"
		[ "$1" != mips ] || {
			cat "$HERE/kernel-mips.config" "$HERE/busybox-mips.config" "$RUNTIME/cross.sh" "$RUNTIME/build-requirements-mips.txt"
			dpkg-query -W linux-source-6.1 gcc-mips-linux-gnu
		}
	} | sha256sum
}

run_logged() {
	nice -n 10 "$@" >"$OUT/make.log" 2>&1 </dev/null || {
		grep -v warning "$OUT/make.log" | tail -n 30 >&2
		fail "the build failed: $OUT/make.log"
	}
}

# A configuration that says y to what a file of ours lists must really have it: an option that Kconfig drops is an error.
check_options() {
	local line
	grep '^CONFIG_' "$1" | while read -r line; do
		grep -qxF "$line" "$2" || fail "$1: $line is not in $2"
	done
}

kernel_make() {
	run_logged make -C "$OUT/linux" ARCH=mips CROSS_COMPILE=mips-linux-gnu- "$@"
}

build_kernel() {
	rm -rf "$OUT/linux"
	mkdir -p "$OUT/linux"
	tar -xf "$LINUX_SOURCE" -C "$OUT/linux" --strip-components=1 --exclude='*/drivers/gpu/drm/*.[ch]' --exclude='*/tools/testing'
	kernel_make KCONFIG_ALLCONFIG="$HERE/kernel-mips.config" tinyconfig
	check_options "$HERE/kernel-mips.config" "$OUT/linux/.config"
	kernel_make -j"$JOBS" vmlinux
	cp "$OUT/linux/vmlinux" "$OUT/vmlinux"
	rm -rf "$OUT/linux"
}

busybox_make() {
	run_logged make -C "$OUT/busybox-source" HOSTCC=gcc CC="$OUT/busybox-cc" AR="$ZIG ar" LD="$ZIG ld.lld" STRIP=true \
		OBJCOPY=objcopy SKIP_STRIP=y LDLIBS= "$@"
}

# zig's driver, without the options of GNU ld that it does not know.
write_busybox_compiler() {
	cat >"$OUT/busybox-cc" <<CC
#!/bin/sh
for argument; do
	shift
	case \$argument in
	-Wl,--verbose | -Wl,--warn-common | -Wl,-Map,* | -Wl,--sort-section,* | -Wl,--sort-common) ;;
	*) set -- "\$@" "\$argument" ;;
	esac
done
exec $OUT/cc "\$@"
CC
	chmod +x "$OUT/busybox-cc"
}

# busybox's Kconfig takes no list of options: they are put into the empty configuration, and what depends on them gets its default.
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
	echo "$BUSYBOX_SHA256  $BUSYBOX_TAR" | (cd "$CACHE/downloads" && sha256sum --check --quiet --strict 2>/dev/null)
}

build_busybox() {
	mkdir -p "$CACHE/downloads"
	have_busybox_source || {
		set_archive "deb-src" "$SUITE"
		(cd "$CACHE/downloads" && isolated_apt source --download-only --only-source "busybox/$SUITE")
	}
	have_busybox_source || fail "busybox's source is not what build.sh pins by SHA-256"
	rm -rf "$OUT/busybox-source"
	mkdir -p "$OUT/busybox-source"
	tar -xf "$CACHE/downloads/$BUSYBOX_TAR" -C "$OUT/busybox-source" --strip-components=1
	write_cross_compiler mips
	ZIG=$CACHE/zig/ziglang/zig
	write_busybox_compiler
	configure_busybox
	busybox_make -j"$JOBS" busybox
	cp "$OUT/busybox-source/busybox" "$OUT/busybox"
	rm -rf "$OUT/busybox-source"
}

# fetch_mipsel PACKAGE: Debian's package, unpacked into $OUT/unpacked; apt checks its signature.
fetch_mipsel() {
	(cd "$OUT/debs" && isolated_apt "$@" download "$1")
}

fetch_binaries() {
	local release
	mkdir -p "$OUT/debs" "$OUT/modules" "$CACHE/apt/archives/partial"
	foreign="-oAPT::Architecture=mipsel -oAPT::Architectures=mipsel -oDir::State::status=/dev/null"
	set_archive "deb" "$SUITE" "$foreign"
	# shellcheck disable=SC2086 # a list of options
	release=$(apt-cache $(apt_options) $foreign show linux-image-4kc-malta | sed -n 's/^Depends: \(linux-image-[^ ]*\).*/\1/p' | head -n 1)
	[ -n "$release" ] || fail "$SUITE has no kernel for mipsel"
	# shellcheck disable=SC2086 # a list of options
	(cd "$OUT/debs" && isolated_apt $foreign download "$release" busybox-static)
	for deb in "$OUT"/debs/*.deb; do
		dpkg -x "$deb" "$OUT/debs/root"
	done
	cp "$OUT"/debs/root/boot/vmlinuz-* "$OUT/vmlinux"
	cp "$OUT/debs/root/bin/busybox" "$OUT/busybox"
	find "$OUT/debs/root" \( -name mii.ko -o -name pcnet32.ko \) -exec cp {} "$OUT/modules/" \;
	rm -rf "$OUT/debs"
}

[ $# -gt 0 ] || usage
for arch; do
	case $arch in mips | mipsel) ;; *) usage ;; esac
done
mkdir -p "$CACHE" "$QEMU_CACHE"
for arch; do
	OUT=$QEMU_CACHE/$arch
	KEY=$(key_of "$arch")
	[ "$(cat "$OUT/key" 2>/dev/null)" = "$KEY" ] && continue
	exec 9>"$CACHE/lock" # one build at a time: the tools are shared
	flock 9
	if [ "$(cat "$OUT/key" 2>/dev/null)" != "$KEY" ]; then
		rm -rf "$OUT"
		mkdir -p "$OUT"
		if [ "$arch" = mips ]; then
			build_busybox
			build_kernel
		else
			fetch_binaries
		fi
		echo "$KEY" >"$OUT/key"
	fi
	exec 9>&-
done
