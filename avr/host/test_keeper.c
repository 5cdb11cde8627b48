/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When records and settings are written, and how much that wears; built for either board. */
#include <stdio.h>
#include <string.h>

#include "../core/flags.h"
#include "../core/journal.h"
#include "../core/keeper.h"
#include "../core/layout.h"
#include "../core/meter.h"
#include "../core/settings.h"
#include "../core/store.h"
#include "bench.h"

enum { RUSH_TICKS = 4000, HOUR_S = 3600 };

static void pulse(void)
{
	inputs.pulse[0].count++;
}

static uint32_t pulses(void)
{
	return sensor_counter[FIRST_PULSE_PORT];
}

static uint32_t worst_wear(void)
{
	uint32_t worst = 0;

	for (int at = 0; at < BENCH_CELLS; at++)
		worst = bench_wear[at] > worst ? bench_wear[at] : worst;
	return worst;
}

static void dip_and_recover(uint32_t low_ticks)
{
	bench_dip();
	bench_run(low_ticks);
	bench_low = false;
}

static bool clean_slots_are_erased(void)
{
	for (int slot = 0; slot < SHORT_SLOTS; slot++) {
		if (!(journal.short_clean >> slot & 1))
			continue;
		for (int i = 0; i < SHORT_SIZE; i++) {
			if (bench_cells[SHORT_AT + slot * SHORT_SIZE + i] != 0xff)
				return false;
		}
	}
	return true;
}

/* Uses all slots, so that each has to be erased before it is written. */
static void use_all_slots(void)
{
	for (uint32_t k = 0; k < FULL_SLOTS + 3; k++) {
		bench_set_counters(0x10101 + 1000 * k);
		keeper_record();
		bench_run(1500);
	}
}

/*
 * Two dips while a full slot is being erased: the tries so far are not counted against other slots.
 */
static void erasing_begins_anew_after_a_save(void)
{
	for (uint8_t first = 1; first < FULL_SIZE; first++) {
		for (uint8_t second = first; second < FULL_SIZE; second = (uint8_t)(second + 5)) {
			bench_ready();
			use_all_slots();
			bench_set_counters(0x30303);
			keeper_record();
			for (int k = 0; k < 2; k++) {
				uint8_t tries = k ? second : first;

				for (int t = 0; t < RUSH_TICKS && journal.tries < tries; t++)
					bench_run(1);
				pulse();
				bench_run(6);
				dip_and_recover(80);
			}
			bench_run(RUSH_TICKS);
			CHECK(clean_slots_are_erased());
		}
	}
}

/* Brown-outs are stored within the hour, whether the board counts or not. */
static void events_are_stored_hourly(void)
{
	for (int counting = 0; counting < 2; counting++) {
		bench_ready();
		for (int k = 0; k < 5; k++) {
			pulse();
			bench_run(20);
			dip_and_recover(60);
			bench_run(2000);
		}
		CHECK(settings.brownouts == 5);
		for (int second = 0; second < 2 * HOUR_S; second++) {
			if (counting)
				pulse();
			bench_run(TICKS_PER_S / 10);
			keeper_second();
		}
		bench_power_on();
		CHECK(settings.brownouts >= 5);
	}
}

static void minutes(int n)
{
	for (int second = 0; second < 60 * n; second++) {
		bench_run(20);
		keeper_second();
	}
}

/* Without a dip, a pulse is stored after an hour, a distant counter within ten minutes. */
static void records_are_written_in_time(void)
{
	for (int far = 0; far < 2; far++) {
		bench_ready();
		bench_set_counters(1000);
		keeper_record();
		bench_run(RUSH_TICKS);
		minutes(1);
		bench_set_counters(far ? 1000 + 32769 : 1001);
		minutes(far ? KEEPER_FAR_MIN : KEEPER_RECORD_MIN);
		bench_run(RUSH_TICKS);
		bench_power_on();
		CHECK(sensor_counter[0] == (far ? 1000u + 32769 : 1001u));
	}
}

/* Without pulses, a dip each minute writes the settings each hour, not each minute. */
static void dips_do_not_write_settings_each_minute(void)
{
	bench_ready();
	for (int second = 0; second < 24 * HOUR_S; second++) {
		if (second % 60 == 0)
			dip_and_recover(10);
		bench_run(20);
		keeper_second();
	}
	CHECK(worst_wear() > 2 && worst_wear() < 30);
}

/* A ripple of 100 Hz for 20 s neither stops the writing of settings nor makes it begin again. */
static void ripple_does_not_restart_settings(void)
{
	for (uint32_t high = 8; high <= 18; high += 5) {
		bench_ready();
		memset(bench_wear, 0, sizeof(bench_wear));
		for (int k = 0; k < 2000; k++) {
			if (k == 100) {
				settings.watchdogs++;
				keeper_changed();
				keeper_commit();
			}
			dip_and_recover(20 - high);
			bench_run(high);
		}
		CHECK(store_state == STORE_DONE);
		CHECK(worst_wear() < 10);
	}
}

/*
 * If a reset keeps the RAM of another program, counters come from the EEPROM and no pulse from RAM.
 */
static void foreign_ram_counts_nothing(void)
{
	for (int filling = 1; filling < 256; filling += 50) {
		bench_ready();
		bench_set_counters(1000);
		keeper_record();
		bench_run(RUSH_TICKS);
		memset(&inputs, filling, sizeof(inputs));
		memset(sensor_counter, filling ^ 0x0f, sizeof(sensor_counter));
		bench_reset();
		bench_run(200);
		for (uint8_t i = 0; i < SENSORS; i++)
			CHECK(sensor_counter[i] == 1000u + i);
		pulse();
		bench_run(200);
		CHECK(pulses() == 1000u + FIRST_PULSE_PORT + 1);
	}
}

/* A supply that ripples for four hours costs each cell only a few erasures. */
static void ripple_wears_nothing_out(void)
{
	bench_ready();
	for (uint32_t second = 0; second < 14400; second++) {
		pulse();
		meter_account(FIRST_PULSE_PORT);
		for (int k = 0; k < 5; k++) {
			dip_and_recover(10);
			bench_run(10);
		}
		keeper_second();
	}
	/* KEEPER_SAVES and 48 more in four hours, in 6 slots. */
	CHECK(worst_wear() > 0 && worst_wear() < 30);
}

/* A board that hangs after each start stops writing when its saves are used up. */
static void hanging_for_ever_wears_nothing_out(void)
{
	bench_ready();
	for (int k = 0; k < 400; k++) {
		pulse();
		bench_run(250);
		keeper_hang();
		bench_run(250);
		bench_reset_by_watchdog();
	}
	CHECK(settings.watchdogs > 0);
	CHECK(worst_wear() <= KEEPER_SAVES);
	CHECK(pulses() == 400);
}

/* Uses each slot at least twice. */
static void use_slots_again(void)
{
	use_all_slots();
	use_all_slots();
}

/* A slot with a cell that no longer erases is retired, and nothing is lost with it. */
static void worn_full_slots_are_retired(void)
{
	for (int cell = 0; cell < FULL_SIZE + TAIL_SIZE; cell += 4) {
		bench_ready();
		use_slots_again();
		bench_stuck[cell < FULL_SIZE ? FULL_AT + 3 * FULL_SIZE + cell
					     : TAIL_AT + 3 * TAIL_SIZE + cell - FULL_SIZE] = true;
		use_slots_again();
		CHECK(more.worn_full == 1 << 3);
		bench_set_counters(0x51515);
		keeper_record();
		keeper_commit();
		bench_run(RUSH_TICKS);
		bench_power_on();
		CHECK(more.worn_full == 1 << 3 && more.fallbacks == 0);
		use_slots_again();
		CHECK(sensor_counter[0] == 0x10101 + 1000 * (FULL_SLOTS + 2));
		bench_power_on();
		CHECK(sensor_counter[0] == 0x10101 + 1000 * (FULL_SLOTS + 2));
		memset(bench_stuck, 0, sizeof(bench_stuck));
	}
}

static void worn_short_slots_are_retired(void)
{
	bench_ready();
	bench_stuck[SHORT_AT + 2 * SHORT_SIZE + 5] = true;
	for (uint32_t n = 1; n < 60; n++) {
		pulse();
		bench_run(20);
		dip_and_recover(120);
		bench_run(RUSH_TICKS);
		if (more.worn_short)
			CHECK(more.worn_short == 1 << 2);
	}
	CHECK(more.worn_short == 1 << 2);
	bench_dip();
	bench_run(120);
	bench_power_on();
	CHECK(pulses() == 59);
	memset(bench_stuck, 0, sizeof(bench_stuck));
}

/* As many slots stay in use as a save needs, even if all are worn. */
static void some_slots_are_never_retired(void)
{
	bench_ready();
	for (int slot = 0; slot < FULL_SLOTS; slot++) {
		use_slots_again();
		memset(bench_stuck, 0, sizeof(bench_stuck));
		bench_stuck[FULL_AT + slot * FULL_SIZE] = true;
		use_slots_again();
	}
	memset(bench_stuck, 0, sizeof(bench_stuck));
	use_slots_again();
	bench_power_on();
	CHECK(sensor_counter[0] == 0x10101 + 1000 * (FULL_SLOTS + 2));
}

int main(void)
{
	erasing_begins_anew_after_a_save();
	worn_full_slots_are_retired();
	worn_short_slots_are_retired();
	some_slots_are_never_retired();
	records_are_written_in_time();
	events_are_stored_hourly();
	dips_do_not_write_settings_each_minute();
	ripple_does_not_restart_settings();
	foreign_ram_counts_nothing();
	ripple_wears_nothing_out();
	hanging_for_ever_wears_nothing_out();
	puts("keeper: ok");
	return 0;
}
