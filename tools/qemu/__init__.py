# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole router under QEMU's Malta: kernel, busybox, our packages, and the daemon on MIPS with
little memory (docs/design/runtime.md).
"""
