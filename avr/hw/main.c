/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Start and main loop: one bounded piece of work after the other. */
#include <avr/interrupt.h>
#include <avr/sleep.h>

#include "../core/keeper.h"
#include "../core/meter.h"
#include "../core/start.h"
#include "board.h"
#include "serve.h"
#include "supply.h"
#include "tick.h"
#include "watchdog.h"

#define COUNTED_PORTS (FIRST_PULSE_PORT + PULSES)

/*
 * One input after the other, each has its turn in 10 ms: what a failing supply may miss, 0.4 Wh of a clamp of 500 A. The
 * LED shines for two such rounds when a counter has moved in the two before.
 */
static void account(bool low)
{
	static uint8_t turn;
	static bool moved;

	if (meter_account(turn < COUNTED_PORTS ? turn : (uint8_t)(turn - COUNTED_PORTS)))
		moved = true;
	if (++turn < 2 * COUNTED_PORTS)
		return;
	turn = 0;
	led_set(moved && !low);
	moved = false;
}

#define PASS_TICKS \
	4 /* 2 ms with SPI: often enough for every input, and the processor sleeps in between */

static void pass(uint16_t now)
{
	static uint16_t second; /* tick at which the last one began */
	uint8_t ticks = (uint8_t)(now - meter_ticks);
	bool low = supply_low();

	meter_tick(now);
	account(low);
	keeper_run(low, ticks);
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
	uint8_t sound;

	clock_init();
	led_set(0);
	DDRB |= _BV(LED_BIT);
	sound = meter_start(!power_on);
	tick_init();
	sei(); /* the inputs count again after 3 ms; to read the EEPROM takes ten times as long */
	start_restore(power_on, reset_reason & _BV(WDRF), sound);
	supply_init();
	serve_init();
	watchdog_init();
	sleep_enable();
	for (;;) {
		uint16_t now;

		serve_run();
		now = tick_now();
		if ((uint8_t)(now - meter_ticks) >= PASS_TICKS)
			pass(now);
		sleep_cpu();
	}
}
