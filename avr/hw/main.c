/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Start and main loop: one bounded piece of work after the other. */
#include <avr/interrupt.h>
#include <avr/sleep.h>

#include "../core/journal.h"
#include "../core/keeper.h"
#include "../core/meter.h"
#include "../core/start.h"
#include "board.h"
#include "serve.h"
#include "supply.h"
#include "tick.h"
#include "watchdog.h"

#define ACCOUNT_TICKS (TICKS_PER_S / 250) /* each input has its turn in 20 ms: at most 2 Wh of 378 kW wait */

/* One input after the other, each 4 ms one. The LED shines for a round when a counter has moved in the round before. */
static void account(uint8_t ticks, bool low)
{
	static uint8_t port, waited;
	static bool moved;

	waited = (uint8_t)(waited + ticks);
	if (waited < ACCOUNT_TICKS)
		return;
	waited = 0;
	if (meter_account(port))
		moved = true;
	if (++port < FIRST_PULSE_PORT + PULSES)
		return;
	port = 0;
	led_set(moved && !low);
	moved = false;
}

#define PASS_TICKS 4 /* 2 ms with SPI: often enough for every input, and the processor sleeps in between */

static void pass(uint16_t now)
{
	static uint16_t second; /* tick at which the last one began */
	uint8_t ticks = (uint8_t)(now - meter_ticks);
	bool low = supply_low();

	meter_tick(now);
	account(ticks, low);
	keeper_run(low, ticks);
	if (journal.historic && keeper_committed() == STORE_DONE)
		journal.historic = false;
	if ((uint16_t)(now - second) >= TICKS_PER_S) {
		second = (uint16_t)(second + TICKS_PER_S);
		meter_second();
		keeper_second();
		serve_second();
	}
	watchdog_kick();
}

__attribute__((OS_main)) int main(void)
{
	bool power_on = reset_reason & _BV(PORF);

	clock_init();
	led_set(0);
	DDRB |= _BV(LED_BIT);
	start_restore(power_on, reset_reason & _BV(WDRF));
	tick_init();
	supply_init();
	serve_init();
	watchdog_init();
	sleep_enable();
	sei();
	for (;;) {
		uint16_t now;

		serve_run();
		now = tick_now();
		if ((uint8_t)(now - meter_ticks) >= PASS_TICKS)
			pass(now);
		sleep_cpu();
	}
}
