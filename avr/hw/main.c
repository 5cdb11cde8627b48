/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Start and main loop: one bounded piece of work after the other. */
#include <avr/interrupt.h>
#include <avr/sleep.h>

#include "../core/history.h"
#include "../core/journal.h"
#include "../core/keeper.h"
#include "../core/meter.h"
#include "../core/settings.h"
#include "board.h"
#include "serve.h"
#include "supply.h"
#include "tick.h"
#include "watchdog.h"

#define ACCOUNT_TICKS (TICKS_PER_S / 50) /* a clamp each 20 ms, in turn: at most 2 Wh of 378 kW wait */
#define LED_TICKS (TICKS_PER_S / 50)     /* the LED shines 20 ms a Wh */

/* RAM that survived wins over the EEPROM, sensor by sensor; then a historic image; then nothing. */
static void restore_counters(bool power_on)
{
	uint32_t counter[SENSORS] = { 0 };
	uint8_t sound = 0;
	bool known, stored = store_load();

	if (power_on)
		meter_clear();
	else
		sound = meter_resume();
	known = journal_restore(counter);
	if (!stored) {
		uint32_t old[SENSORS];

		settings_default();
		journal.historic = history_take(known ? old : counter);
	}
	for (uint8_t i = 0; i < SENSORS; i++) {
		if (sound >> i & 1)
			journal_note(i, sensor_counter[i]);
		else
			meter_set(i, counter[i]);
	}
	meter_unsaved = sound != 0 || journal.historic;
	keeper_boot(power_on);
	if (!stored || journal.historic)
		keeper_commit();
}

/* Counts what led here; a short record as the newest means that the supply failed. */
static void count_events(bool power_on)
{
	if (reset_reason & _BV(WDRF))
		settings.watchdogs++;
	if (power_on && journal.shorts) {
		settings.brownouts++;
		keeper_record();
	}
	if ((reset_reason & _BV(WDRF)) || (power_on && journal.shorts))
		keeper_save_events();
}

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
	static uint8_t last_tick, last_second;
	uint8_t ticks = (uint8_t)(tick_count - last_tick);
	bool low = supply_low(ticks);

	last_tick = (uint8_t)(last_tick + ticks);
	serve_run();
	mind_led(account(ticks), ticks, low);
	keeper_run(low, ticks);
	if (journal.historic && keeper_committed() == STORE_DONE)
		journal.historic = false;
	if (last_second != tick_seconds) {
		last_second++;
		meter_second();
		keeper_second();
		serve_second();
	}
	watchdog_kick();
}

int main(void)
{
	bool power_on = reset_reason & _BV(PORF);

	led_set(0);
	DDRB |= _BV(LED_BIT);
	restore_counters(power_on);
	count_events(power_on);
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
