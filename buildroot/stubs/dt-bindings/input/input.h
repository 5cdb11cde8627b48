/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stand-in for the kernel's header: the codes that our device trees use. */
#define BTN_0 0x100
#define KEY_RESTART 0x198
