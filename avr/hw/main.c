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

#define ACCOUNT_TICKS (TICKS_PER_S / 50) /* a clamp each 20 ms, in turn: at most 2 Wh of 378 kW wait */
#define LED_TICKS (TICKS_PER_S / 50)     /* the LED shines 20 ms a Wh */

static void mind_led(bool moved, uint8_t ticks, bool low)
{
	static uint8_t lit;

	lit = (uint8_t)(lit > ticks ? lit - ticks : 0);
	if (moved)
		lit = LED_TICKS;
	led_set(lit && !low);
}

static bool account(uint8_t ticks)
{
	static uint8_t port, waited;
	bool moved = false;

	waited = (uint8_t)(waited + ticks);
	if (waited >= ACCOUNT_TICKS) {
		waited = 0;
		moved = meter_account(port);
		port = (uint8_t)(port + 1 < FIRST_PULSE_PORT ? port + 1 : 0);
	}
	for (uint8_t k = FIRST_PULSE_PORT; k < FIRST_PULSE_PORT + PULSES; k++)
		moved |= meter_account(k);
	return moved;
}

static void pass(void)
{
	static uint16_t last_tick;
	static uint16_t second_ms;
	uint16_t now = tick_now();
	uint8_t ticks = (uint8_t)(now - last_tick);
	bool low = supply_low(ticks);

	last_tick = now;
	meter_tick(now);
	serve_run();
	mind_led(account(ticks), ticks, low);
	keeper_run(low, ticks);
	if (journal.historic && keeper_committed() == STORE_DONE)
		journal.historic = false;
	if ((uint16_t)((uint16_t)meter_ms - second_ms) >= 1000) {
		second_ms = (uint16_t)(second_ms + 1000);
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
	sei();
	for (;;) {
		pass();
		sleep_mode();
	}
}
