# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by build.sh: what a real tree of OpenWrt tells about a target without a download
# (docs/guide/openwrt.md). The tree itself is not changed.
# shellcheck shell=sh

# Folder with the feeds' own trees (packages, luci, …), and the kernel's sources, where they are not
# in the tree.
FLUKSO_FEEDS=${FLUKSO_FEEDS:-}
FLUKSO_KERNEL=${FLUKSO_KERNEL:-}

verify() { # TREE TARGET
	local copy
	copy=$WORK/verify/$2
	verify_commit "$1" "$2"
	verify_pins "$1" "$2"
	verify_sources "$1" "$2"
	rm -rf "$copy"
	mkdir -p "$copy"
	copy=$(cd "$copy" && pwd)
	tar -C "$1" --exclude=./.git --exclude=./build_dir --exclude=./staging_dir --exclude=./tmp --exclude=./bin --exclude=./feeds \
		--exclude=./package/feeds --exclude=./dl -cf - . | tar -C "$copy" -xf -
	lay "$2" "$copy"
	echo "patches: $(find "$HERE/$2/patches" -name '*.patch' 2>/dev/null | wc -l) apply, without fuzz"
	verify_feeds "$1" "$2" "$copy"
	configure "$2" "$copy" >"$copy/defconfig.log" 2>&1 || fail "make defconfig failed: $copy/defconfig.log"
	verify_symbols "$2" "$copy"
	seed_survives "$2" "$copy" || exit 1
	echo "configuration: all $(settings "$HERE/$2/seed.config" | wc -l) settings of the seed are in it"
	verify_device_tree "$2" "$copy"
	verify_kernel_patches "$2" "$copy"
	verify_packages "$2" "$copy"
	echo "$2: verified on $(value "$HERE/$2/tree")"
}

verify_commit() { # TREE TARGET
	local commit
	commit=$(value "$HERE/$2/tree")
	if [ -e "$1/.git" ]; then
		[ "$(git -C "$1" rev-parse HEAD)" = "$commit" ] || fail "$1 is not at commit $commit"
		echo "commit: $commit"
	else
		echo "commit: not known, as the tree is no git checkout; what it says of its feeds, and the excerpts, are compared"
	fi
}

# A release names the commits of its feeds itself.
verify_pins() { # TREE TARGET
	local kind name rest count
	count=0
	while read -r kind name rest; do
		[ "$kind" = src-git ] || continue
		grep -q "^src-git[^ ]* $name .*^${rest#*^}\$" "$1/feeds.conf.default" || fail "$1/feeds.conf.default has another commit of $name than $2/feeds.conf"
		count=$((count + 1))
	done <"$HERE/$2/feeds.conf"
	echo "pins: $count feeds are at the commits that the release names"
}

# Each excerpt is a part, line by line, of a file with the noted sum.
verify_sources() { # TREE TARGET
	local commit path sum file count
	[ -e "$HERE/$2/fragments/SOURCES" ] || return 0
	count=0
	while read -r commit path sum; do
		case $commit in
		'#'*) continue ;;
		linux-*)
			[ -n "$FLUKSO_KERNEL" ] || {
				echo "excerpts: $path not compared: FLUKSO_KERNEL names no sources of the kernel"
				continue
			}
			file=$FLUKSO_KERNEL/${path#kernel/}
			;;
		*) file=$1/$path ;;
		esac
		[ "$(sha256sum <"$file" | cut -d' ' -f1)" = "$sum" ] || fail "$file is not the file that $2/fragments/SOURCES noted"
		python3 -c 'import sys; sys.exit(open(sys.argv[1]).read() not in open(sys.argv[2]).read())' "$HERE/$2/fragments/$path" "$file" ||
			fail "$2/fragments/$path is no part of $file"
		count=$((count + 1))
	done <"$HERE/$2/fragments/SOURCES"
	echo "excerpts: $count are parts of the whole files with the noted SHA-256"
}

# The feeds that are there, at their pins; a Makefile of ours that the release does not take is a
# fault.
verify_feeds() { # TREE TARGET COPY
	local kind name rest folder
	folder=$(cd "${FLUKSO_FEEDS:-$1/feeds}" && pwd) || fail "no feeds: FLUKSO_FEEDS names no folder with them"
	while read -r kind name rest; do
		if [ "$kind" = src-link ]; then
			echo "$kind $name $rest"
		elif [ ! -d "$folder/$name" ]; then
			echo "feeds: $name is not in $folder" >&2
		elif [ -e "$folder/$name/.git" ] && [ "$(git -C "$folder/$name" rev-parse HEAD)" != "${rest#*^}" ]; then
			fail "$folder/$name is not at commit ${rest#*^}"
		else
			echo "src-link $name $folder/$name"
		fi
	done <"$3/feeds.conf" >"$3/feeds.conf.here"
	mv "$3/feeds.conf.here" "$3/feeds.conf"
	(cd "$3" && ./scripts/feeds update -a && ./scripts/feeds install -a -p flukso && ./scripts/feeds install avrdude umdns) >"$3/feeds.log" 2>&1 ||
		fail "the feeds cannot be read: $3/feeds.log"
	! grep 'ERROR: please fix feeds/flukso' "$3/feeds.log" || fail "this release does not take a Makefile of ours: $3/logs/feeds/flukso"
	echo "feeds: $(cut -d' ' -f2 "$3/feeds.conf" | paste -sd' '); $(find "$3/package/feeds/flukso/" -mindepth 1 -maxdepth 1 | wc -l) packages of ours are taken"
}

# A symbol that a seed sets to n is in no configuration; that there is such a symbol at all stands
# in what Kconfig reads.
verify_symbols() { # TARGET COPY
	local symbol name
	settings "$HERE/$1/seed.config" | cut -d= -f1 | while read -r symbol; do
		name=${symbol#CONFIG_}
		grep -rqsE "^[[:space:]]*(menu)?config $name\$" "$2/config" "$2/tmp"/.config-*.in "$2/target" "$2/tmp/.config-target.in" "$2/toolchain" ||
			fail "$symbol of the seed is no symbol of this release"
	done || exit 1
}

verify_device_tree() { # TARGET COPY
	local source headers
	headers=${FLUKSO_KERNEL:+$FLUKSO_KERNEL/include}
	for source in "$HERE/$1"/add/target/linux/*/dts/*.dts; do
		[ -e "$source" ] || continue
		device_tree "$2/${source#"$HERE/$1/add/"}" "$(dirname "$2/${source#"$HERE/$1/add/"}")" "${headers:-$HERE/stubs}" "$2/tmp/verified.dtb" ||
			fail "$source does not compile with the dtsi of this release"
		echo "device tree: $(basename "$source"), $(wc -c <"$2/tmp/verified.dtb") bytes, with this release's dtsi and the headers in ${headers:-$HERE/stubs}"
	done
}

# Ours on top of the release's own patches of the same files.
verify_kernel_patches() { # TARGET COPY
	local scratch patch folder path
	scratch=$2/tmp/kernel
	for patch in "$HERE/$1"/add/target/linux/*/patches-*/*.patch; do
		[ -e "$patch" ] || continue
		folder=$(dirname "$2/${patch#"$HERE/$1/add/"}")
		sed -n 's|^--- a/||p' "$patch" | while read -r path; do
			mkdir -p "$scratch/$(dirname "$path")"
			cp "${FLUKSO_KERNEL:-$HERE/$1/fragments/kernel}/$path" "$scratch/$path"
			verify_own_patches "$folder" "$(basename "$patch")" "$scratch" "$path"
		done || exit 1
		patch -s -f -F0 -p1 -d "$scratch" <"$patch" >/dev/null || fail "$patch does not apply after this release's own patches"
		echo "kernel patch: $(basename "$patch") applies after this release's own, on ${FLUKSO_KERNEL:-our excerpt}"
	done
}

# Applies what the release's patches do to this one file, those before ours.
verify_own_patches() { # FOLDER OURS SCRATCH FILE
	local patch
	for patch in "$1"/*.patch; do
		[ "$(basename "$patch")" != "$2" ] || return 0
		awk -v file="$4" '/^--- / { take = ($2 == "a/" file) } take' "$patch" >"$3/hunks"
		[ ! -s "$3/hunks" ] || patch -s -f -p1 -d "$3" <"$3/hunks" >/dev/null || fail "$(basename "$patch") of the release does not apply to $4"
	done
}

# The packages for all architectures need no compiler of the router's: they are made by this
# release's own rules, up to what is packed.
verify_packages() { # TARGET COPY
	local name made log status
	stand_in_tools "$2"
	mkdir -p "$2/logs"
	for name in flukso flukso-python3 flukso-firmware flukso-upgrade; do
		log=$2/logs/$name.log
		status=0
		make -C "$2/package/feeds/flukso/$name" TOPDIR="$2" "CONFIG_PACKAGE_$name=m" compile V=s >"$log" 2>&1 || status=$?
		made=$(find "$2/bin" -name "${name}[_-][0-9]*" 2>/dev/null | head -n 1)
		if [ "$status" = 0 ] && [ -n "$made" ]; then
			echo "package: $(basename "$made"), $(wc -c <"$made") bytes"
		elif find "$2/build_dir" -path "*/.pkgdir/$name.installed" | grep -q .; then
			echo "package: $name is laid out, $(find "$2/build_dir" -path "*/.pkgdir/$name/*" -type f | wc -l) files; packing it needs the release's own apk in PATH"
		else
			fail "$name is not made by this release: $log"
		fi
	done
}

# What the release would build first for its own use, from this machine: enough for scripts and
# files.
stand_in_tools() { # COPY
	local bin tool
	bin=$1/staging_dir/host/bin
	mkdir -p "$bin" "$1/dl"
	for tool in gzip find xargs tar sed grep patch python3 perl bash apk; do
		[ -e "$bin/$tool" ] || ! command -v "$tool" >/dev/null || ln -s "$(command -v "$tool")" "$bin/$tool"
	done
	[ -x "$bin/mkhash" ] || cc -O2 -o "$bin/mkhash" "$1/scripts/mkhash.c"
	printf '#!/bin/sh\nexec "$@"\n' >"$bin/fakeroot"
	chmod +x "$bin/fakeroot"
}
