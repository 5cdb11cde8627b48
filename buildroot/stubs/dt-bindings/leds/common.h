/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stand-in for the kernel's header: the names that our device trees use. */
#define LED_COLOR_ID_RED 1
#define LED_FUNCTION_LAN "lan"
#define LED_FUNCTION_STATUS "status"
#define LED_FUNCTION_WAN "wan"
#define LED_FUNCTION_WLAN "wlan"
