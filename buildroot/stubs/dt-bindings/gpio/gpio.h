/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stand-in for the names of the kernel's header that our device trees use. */
#define GPIO_ACTIVE_HIGH 0
#define GPIO_ACTIVE_LOW 1
