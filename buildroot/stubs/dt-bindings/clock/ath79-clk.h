/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stand-in for the kernel's header: the clocks that OpenWrt's ar9330.dtsi uses. */
#define ATH79_CLK_CPU 0
#define ATH79_CLK_DDR 1
#define ATH79_CLK_AHB 2
#define ATH79_CLK_REF 3
#define ATH79_CLK_MDIO 4
