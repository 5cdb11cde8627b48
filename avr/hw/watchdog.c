/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * If the main loop hangs for 125 ms, an interrupt saves the counters; 125 ms later the board is
 * reset.
 */
#include "watchdog.h"

#include <avr/wdt.h>

#include "board.h"

/*
 * Interrupt, then reset, after 125 ms each. In 125 ms an input counts 250 pulses at 2 kHz, and the
 * main loop can tell up to 255 apart.
 */
#define ARMED (_BV(WDIE) | _BV(WDE) | _BV(WDP1) | _BV(WDP0))

uint8_t reset_reason NOINIT;

/*
 * Runs before main(), because the watchdog goes on running after a reset, with its shortest period.
 */
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
	WDTCSR = ARMED; /* the interrupt clears WDIE; the main loop may have come back since */
}
