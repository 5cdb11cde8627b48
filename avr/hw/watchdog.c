/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 125 ms of silence of the main loop save the counters, 125 ms more reset the board. */
#include "watchdog.h"

#include <avr/wdt.h>

#include "board.h"

/* Interrupt, then reset, after 125 ms each: 255 pulses at 2 kHz, what the inputs count on their own. */
#define ARMED (_BV(WDIE) | _BV(WDE) | _BV(WDP1) | _BV(WDP0))

uint8_t reset_reason NOINIT;

/* Before main: a watchdog that has bitten goes on running with its shortest period. */
__attribute__((naked, used, section(".init3"))) static void watchdog_stop(void)
{
	reset_reason = MCUSR;
	MCUSR = 0;
	wdt_reset();
	WDTCSR = _BV(WDCE) | _BV(WDE);
	WDTCSR = 0;
}

void watchdog_init(void)
{
	wdt_reset();
	WDTCSR = _BV(WDCE) | _BV(WDE);
	WDTCSR = ARMED;
}

void watchdog_kick(void)
{
	wdt_reset();
	WDTCSR = ARMED; /* it may have interrupted, yet the main loop came back */
}
