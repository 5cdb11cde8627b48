# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by build.sh: builds the big-endian kernel of the emulated router from Debian's source package.
# shellcheck shell=sh

LINUX_SOURCE=/usr/src/linux-source-6.1.tar.xz

# What the kernel is made of; a Debian update of the source or the compiler makes another one.
kernel_key() {
	cat "$HERE/kernel.sh" "$HERE/kernel-mips.config"
	dpkg-query -W linux-source-6.1 gcc-mips-linux-gnu
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
