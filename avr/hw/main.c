/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The main loop of the board with SPI: one bounded piece of work after the other. */
#include <avr/interrupt.h>
#include <avr/sleep.h>
#include <avr/wdt.h>

#include "../core/command.h"
#include "../core/link.h"
#include "../core/meter.h"
#include "../core/settings.h"
#include "board.h"
#include "spi.h"
#include "tick.h"

static void serve_bus(void)
{
	struct link_message message;
	uint8_t length;

	if (link.taken) {
		link.taken = false;
		command_taken();
	}
	if (!link_take(&message))
		return;
	if (command_run(message.text, message.length, link.reply, &length) == COMMAND_COMMIT)
		length = command_committed(true, link.reply);
	if (link_answer(length, message.epoch))
		spi_prime();
}

static void serve_inputs(void)
{
	static uint8_t port, last_tick, last_second;

	if ((uint8_t)(tick_count - last_tick) >= 40) { /* each port every 100 ms */
		last_tick = tick_count;
		meter_account(port);
		if (++port >= FIRST_PULSE_PORT)
			port = 0;
	}
	for (uint8_t k = FIRST_PULSE_PORT; k < FIRST_PULSE_PORT + PULSES; k++)
		meter_account(k);
	if (last_second != tick_seconds) {
		last_second++;
		meter_second();
	}
}

int main(void)
{
	settings_default();
	meter_clear();
	led_set(0);
	DDRB |= _BV(LED_BIT);
	tick_init();
	spi_init();
	sei();
	for (;;) {
		serve_bus();
		serve_inputs();
		sleep_mode();
	}
}
