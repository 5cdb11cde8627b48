# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by build.sh: fetches, checks and unpacks the sources of MicroPython and mbedtls, and the tools from PyPI.
# shellcheck shell=sh

MICROPYTHON_VERSION=1.25.0+ds-1
MICROPYTHON_TAR=micropython_1.25.0+ds.orig.tar.xz
MICROPYTHON_SHA256=7b25be99a502f070b2de81dafc08da7051d992325d6e67daa9045a918fffdbea
MBEDTLS_TAR=mbedtls_3.6.6.orig.tar.bz2
MBEDTLS_SHA256=8fb65fae8dcae5840f793c0a334860a411f884cc537ea290ce1c52bb64ca007a
SOURCE_SUITE=trixie
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

fail() {
	echo "build.sh: $*" >&2
	exit 1
}

# The archive is the one that this machine's own apt uses.
archive_uri() {
	# shellcheck disable=SC2016 # apt's own variable
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' | head -n 1
}

# write_archive KIND SUITE: lets isolated_apt read this part of it, deb or deb-src.
write_archive() {
	local uri
	uri=$(archive_uri)
	[ -n "$uri" ] || fail "apt is not set up on this machine: no source of main is known"
	[ -r "$KEYRING" ] || fail "$KEYRING is missing: install debian-archive-keyring"
	mkdir -p "$CACHE/apt/lists/partial"
	printf '%s [signed-by=%s] %s %s main\n' "$1" "$KEYRING" "$uri" "$2" >"$CACHE/apt/sources.list"
}

# isolated_apt PROGRAM ARGUMENTS...: apt-get or apt-cache with lists of its own.
isolated_apt() {
	local program
	program=$1
	shift
	"$program" -qq -oDir::State::Lists="$CACHE/apt/lists" -oDir::Etc::sourcelist="$CACHE/apt/sources.list" \
		-oDir::Etc::sourceparts=/dev/null -oAPT::Sandbox::User=root -oAcquire::Languages=none "$@"
}

have_sources() {
	printf '%s  %s\n' "$MICROPYTHON_SHA256" "$MICROPYTHON_TAR" "$MBEDTLS_SHA256" "$MBEDTLS_TAR" |
		(cd "$CACHE/downloads" && sha256sum --check --status --strict 2>/dev/null)
}

fetch_sources() {
	mkdir -p "$CACHE/downloads"
	have_sources && return
	write_archive deb-src "$SOURCE_SUITE"
	isolated_apt apt-get update
	(cd "$CACHE/downloads" && isolated_apt apt-get source --download-only --only-source \
		"micropython=$MICROPYTHON_VERSION" "mbedtls/$SOURCE_SUITE")
	have_sources || fail "the sources are not those that sources.sh pins by SHA-256; see $CACHE/downloads"
}

# One tree for all builds: Debian's MicroPython tarball lacks the libraries, so mbedtls is put back into its place.
unpack_sources() {
	TREE=$CACHE/tree-$(printf '%s' "$MICROPYTHON_SHA256$MBEDTLS_SHA256" | cut -c 1-8,65-72)
	[ -e "$TREE/.complete" ] && return
	fetch_sources
	rm -rf "$TREE"
	mkdir -p "$TREE"
	tar -xf "$CACHE/downloads/$MICROPYTHON_TAR" -C "$TREE" --strip-components=1
	mkdir -p "$TREE/lib/mbedtls"
	tar -xf "$CACHE/downloads/$MBEDTLS_TAR" -C "$TREE/lib/mbedtls" --strip-components=1 --exclude=*/tests --exclude=*/framework
	touch "$TREE/lib/micropython-lib/README.md" # the build looks for it before it freezes anything
	touch "$TREE/.complete"
}

# fetch_tools NAME REQUIREMENTS: installs from PyPI into a folder of its own, hashes checked.
fetch_tools() {
	local folder key
	folder=$CACHE/$1
	key=$(sha256sum <"$2")
	[ "$(cat "$folder/.key" 2>/dev/null)" = "$key" ] && return
	rm -rf "$folder"
	"$PYTHON" -m pip install -qq --disable-pip-version-check --no-deps --require-hashes --target "$folder" -r "$2" ||
		fail "pip could not install $2 (PYTHON=$PYTHON)"
	echo "$key" >"$folder/.key"
}

# write_cross_compiler ARCH: makes $OUT/cc, by zig: its `-E` of several files goes to plain clang, which would take this machine's headers.
write_cross_compiler() {
	local zig target
	target=$1
	fetch_tools zig "$ROOT/package/flukso-micropython/build-requirements-mips.txt"
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
