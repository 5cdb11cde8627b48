/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Damaged and worn EEPROMs after a board's random life; built for either board. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../core/eeprom.h"
#include "../core/energy.h"
#include "../core/keeper.h"
#include "../core/layout.h"
#include "../core/meter.h"
#include "../core/settings.h"
#include "bench.h"

enum { SETTLE_TICKS = 5000, STATES = 4096 };

/* The counters' states, newest last. Only as many are kept as the EEPROM may hold. */
static uint32_t states[STATES][SENSORS];
static uint32_t state_count;

static uint32_t *state(uint32_t age)
{
	return states[(state_count - 1 - age) % STATES];
}

static void note_state(void)
{
	if (state_count && !memcmp(state(0), sensor_counter, sizeof(sensor_counter)))
		return;
	state_count++;
	memcpy(state(0), sensor_counter, sizeof(sensor_counter));
}

static bool was_a_state(const uint32_t *counter)
{
	for (uint32_t age = 0; age < STATES && age < state_count; age++) {
		if (!memcmp(state(age), counter, sizeof(sensor_counter)))
			return true;
	}
	return false;
}

static void live(uint32_t ticks)
{
	while (ticks-- && !bench_dead) {
		if (!bench_any(30))
			inputs.pulse[bench_any(PULSES)].count++;
		if (!bench_any(20))
			inputs.sum[bench_any(ANALOGS)] += bench_any(ENERGY_SUM_MAX);
		bench_run(1);
		note_state();
	}
}

static void change_settings(void)
{
	more.hold[bench_any(PULSES)] = (uint16_t)(HOLD_MIN + bench_any(1000));
	settings.watchdogs++;
	keeper_changed();
	keeper_commit();
}

static void act(void)
{
	switch (bench_any(6)) {
	case 0:
		change_settings();
		break;
	case 1:
		keeper_record();
		break;
	case 2:
		bench_reset_by_watchdog();
		break;
	default:
		bench_dip();
		live(40 + bench_any(100));
		bench_low = false;
	}
}

/* Runs a board for a while. Its power fails in a dip, or without one. */
static void live_and_die(void)
{
	bench_blank();
	for (int at = 0; at < BENCH_CELLS; at++) {
		if (bench_stuck[at])
			bench_cells[at] = 0;
	}
	bench_power_on();
	state_count = 0;
	live(SETTLE_TICKS);
	for (uint32_t k = bench_any(25); k > 0; k--) {
		act();
		live(200 + bench_any(2000));
		keeper_saves = KEEPER_SAVES;
	}
	live(1000);
	if (bench_any(2)) {
		bench_dip();
		live(120);
	}
}

#define BITS (8 * BENCH_CELLS)

/* What a start restored. */
struct restored {
	uint32_t counter[SENSORS];
	uint16_t hold[PULSES];
	uint8_t settings[offsetof(struct settings, layout)];
};

static struct restored start_and_look(void)
{
	struct restored restored;

	memset(&restored, 0, sizeof(restored));
	bench_power_on();
	memcpy(restored.counter, sensor_counter, sizeof(restored.counter));
	memcpy(restored.hold, more.hold, sizeof(restored.hold));
	memcpy(restored.settings, &settings, sizeof(restored.settings));
	return restored;
}

/*
 * Flips each bit of the EEPROM in turn. What comes back was once true, and if it is older, that is
 * counted.
 */
static void a_flipped_bit_is_counted(void)
{
	uint8_t cells[BENCH_CELLS];
	struct restored intact;
	int silent = 0, false_alarms = 0;

	live_and_die();
	memcpy(cells, bench_cells, sizeof(cells));
	intact = start_and_look();
	CHECK(!more.fallbacks);
	for (int at = 8; at < BITS; at++) {
		bool older;
		struct restored restored;

		memcpy(bench_cells, cells, sizeof(cells));
		bench_cells[at / 8] ^= (uint8_t)(1 << at % 8);
		restored = start_and_look();
		CHECK(was_a_state(restored.counter));
		CHECK(more.fallbacks < 2 && (more.age > 0) == (more.fallbacks > 0));
		older = memcmp(&restored, &intact, sizeof(restored));
		silent += older && !more.fallbacks;
		false_alarms += !older && more.fallbacks && at / 8 < MORE_AT;
	}
	/* Not noticed: some bits of the numbers, and what makes a record look like a cut one. */
	CHECK(silent < BITS / 100);
	/* Noticed for nothing: numbers again, and the last byte of an unfinished record. */
	CHECK(false_alarms <= 16);
}

/* Fills an area with random bytes, zeros or ones. */
static void spoil(int at, size_t size)
{
	uint32_t how = bench_any(3);

	for (size_t i = 0; i < size; i++)
		bench_cells[(size_t)at + i] = (uint8_t)(how == 2 ? bench_any(256)
							: how    ? 0
								 : EEPROM_BLANK);
}

static void spoil_something(void)
{
	switch (bench_any(5)) {
	case 0:
		spoil(FULL_AT + (int)bench_any(FULL_SLOTS) * FULL_SIZE, FULL_SIZE);
		break;
	case 1:
		spoil(SHORT_AT + (int)bench_any(SHORT_SLOTS) * SHORT_SIZE, SHORT_SIZE);
		break;
	case 2:
		spoil((int)(SETTINGS_AT + bench_any(2) * SETTINGS_SIZE), SETTINGS_SIZE);
		break;
	case 3:
		spoil((int)(MORE_AT + bench_any(2) * MORE_SIZE), MORE_SIZE);
		break;
	default:
		for (uint32_t k = 1 + bench_any(8); k > 0; k--)
			bench_cells[1 + bench_any(BENCH_CELLS - 1)] ^= bit((uint8_t)bench_any(8));
	}
}

/*
 * If whole records and copies are damaged, no untrue counter comes back, and the board still saves.
 */
static void damaged_areas_are_never_believed(void)
{
	uint8_t cells[BENCH_CELLS];

	live_and_die();
	memcpy(cells, bench_cells, sizeof(cells));
	for (int k = 0; k < 100; k++) {
		uint32_t counter[SENSORS];

		memcpy(bench_cells, cells, sizeof(cells));
		for (uint32_t n = 1 + bench_any(3); n > 0; n--)
			spoil_something();
		bench_power_on();
		CHECK(was_a_state(sensor_counter));
		inputs.pulse[0].count++;
		bench_run(SETTLE_TICKS);
		memcpy(counter, sensor_counter, sizeof(counter));
		bench_dip();
		bench_run(120);
		bench_power_on();
		CHECK(!memcmp(counter, sensor_counter, sizeof(counter)));
	}
}

/* A save holds although some cells are stuck at 0. */
static void worn_cells_lose_nothing(void)
{
	uint32_t counter[SENSORS];
	uint32_t life = bench_random;

	for (uint32_t worn = 1; worn < 5; worn++) {
		bench_random = life + worn;
		memset(bench_stuck, 0, sizeof(bench_stuck));
		for (uint32_t k = 0; k < worn; k++)
			bench_stuck[1 + bench_any(TAIL_AT - 1)] = true;
		live_and_die();
		bench_low = false;
		for (int k = 0; k < 20; k++) {
			keeper_record();
			live(3000);
		}
		bench_run(100);
		memcpy(counter, sensor_counter, sizeof(counter));
		bench_dip();
		bench_run(120);
		bench_power_on();
		CHECK(!memcmp(counter, sensor_counter, sizeof(counter)));
	}
	memset(bench_stuck, 0, sizeof(bench_stuck));
}

/* The argument is the number of rounds, each with other random numbers. */
int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 1;

	for (int round = 0; round < rounds; round++) {
		a_flipped_bit_is_counted();
		damaged_areas_are_never_believed();
		worn_cells_lose_nothing();
	}
	puts("damage: ok");
	return 0;
}
