# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by build.sh: builds the big-endian kernel of the emulated router from Debian's source
# package.
# shellcheck shell=sh

# Debian 12 has 6.1, Debian 13 has 6.12.
LINUX_PACKAGE=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' 'linux-source-6.*' 2>/dev/null | sed -n 's/^ii *//p' | sort -V | tail -n 1)
LINUX_SOURCE=/usr/src/$LINUX_PACKAGE.tar.xz

# What the kernel is made of; a Debian update of the source or the compiler makes another one.
kernel_key() {
	cat "$HERE/kernel.sh" "$HERE/kernel-mips.config"
	dpkg-query -W "$LINUX_PACKAGE" gcc-mips-linux-gnu
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
