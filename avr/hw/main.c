/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Start and main loop. Each step of the loop does a bounded piece of work. */
#include <avr/interrupt.h>
#include <avr/sleep.h>

#include "../core/meter.h"
#include "../core/pass.h"
#include "../core/start.h"
#include "board.h"
#include "serve.h"
#include "supply.h"
#include "tick.h"
#include "watchdog.h"

void pass_led(uint8_t lit)
{
	led_set(lit);
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
	sei(); /* now, so that the inputs count again after 3 ms; reading the EEPROM takes 30 */
	start_restore(power_on, reset_reason & _BV(WDRF), sound);
	supply_init();
	serve_init();
	watchdog_init();
	sleep_enable();
	for (;;) {
		uint16_t now;
		uint8_t ticks;

		serve_run();
		now = tick_now();
		ticks = (uint8_t)(now - meter_ticks);
		if (ticks >= PASS_TICKS) {
			if (pass_run(now, ticks, supply_low()))
				serve_second();
			watchdog_kick();
		}
		sleep_cpu();
	}
}
