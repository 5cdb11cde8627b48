/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Taking over the EEPROM of older firmware, with power cuts in between; built for either board. */
#include <stdio.h>
#include <string.h>

#include "../core/eeprom.h"
#include "../core/journal.h"
#include "../core/layout.h"
#include "../core/meter.h"
#include "../core/settings.h"
#include "bench.h"
#include "old_eeprom.h"

enum {
	TAKEN_TICKS = 5000, /* longer than any takeover */
	STAGES = 4,
	LAYOUT_1_RECORDS = FULL_SLOTS_1 + 4,
};

/* Checks that the board has the old counters and settings and reports no damage. */
static void check_taken(const struct old_eeprom *old, int line)
{
	for (int i = 0; i < SENSORS; i++)
		bench_check(sensor_counter[i] == old->counter[i], __FILE__, line,
			    "a counter differs");
	bench_check(!more.fallbacks && !more.age && !more.worn_full && !more.worn_short, __FILE__,
		    line, "damage is reported");
#ifdef BOARD_SPI
	bench_check(!memcmp(settings.constant, old->settings.constant, sizeof(settings.constant)),
		    __FILE__, line, "constants");
	bench_check(!memcmp(settings.map, old->settings.map, sizeof(settings.map)), __FILE__, line,
		    "map");
	bench_check(!memcmp(settings.enabled, old->settings.enabled, sizeof(settings.enabled)),
		    __FILE__, line, "enabled");
#else
	bench_check(!memcmp(settings.id, old->settings.id, sizeof(settings.id)), __FILE__, line,
		    "ids");
#endif
	bench_check(settings.watchdogs == old->settings.watchdogs, __FILE__, line, "watchdogs");
}

static void begin(const struct old_eeprom *old)
{
	bench_blank();
	memcpy(bench_cells, old->cells, sizeof(bench_cells));
}

/* Runs from power-on until this operation fails in this way. Returns false if there was none. */
static bool cut_at(uint32_t operation, int stage)
{
	bench_power_on();
	bench_cut_at = bench_ops + operation;
	bench_cut_stage = (enum bench_stage)stage;
	bench_cut_value = (uint8_t)bench_any(256);
	bench_run(TAKEN_TICKS);
	bench_cut_at = 0;
	return bench_dead;
}

static void check_start(const struct old_eeprom *old, int line)
{
	bench_power_on();
	check_taken(old, line);
	CHECK(more.form == FORM_SHORT && more.trial >= TRIAL_H - 1);
	bench_run(TAKEN_TICKS);
	check_taken(old, line);
	CHECK(!journal.historic);
	bench_power_on();
	check_taken(old, line);
}

/* Cuts at each operation in each way; with twice, a second time at a random operation. */
static void cut_everywhere(const struct old_eeprom *old, bool twice)
{
	bool more_operations = true;

	for (uint32_t operation = 1; more_operations; operation++) {
		for (int stage = 0; stage < STAGES; stage++) {
			begin(old);
			more_operations = cut_at(operation, stage);
			if (twice && more_operations)
				cut_at(1 + bench_any(operation + 30), (int)bench_any(STAGES));
			check_start(old, __LINE__);
		}
	}
}

/* Cuts 60 times in a row, early and late. */
static void cut_many_times(const struct old_eeprom *old)
{
	uint32_t reach = 1 + bench_any(150);

	begin(old);
	for (int k = 0; k < 60; k++) {
		cut_at(1 + bench_any(reach), (int)bench_any(STAGES));
		if (k % 10 == 0) {
			bench_power_on();
			check_taken(old, __LINE__);
		}
	}
	check_start(old, __LINE__);
}

static void older_eeproms_are_taken_over_wherever_they_are_cut(bool twice)
{
	static struct old_eeprom old;

	for (int kind = 0; kind < HISTORIC_KINDS; kind++) {
		old_eeprom_historic(&old, kind);
		cut_everywhere(&old, twice);
		cut_many_times(&old);
	}
	for (int records = 1 + twice; records < LAYOUT_1_RECORDS; records += 4) {
		old_eeprom_layout_1(&old, records, (int)bench_any(9));
		cut_everywhere(&old, twice);
		cut_many_times(&old);
	}
}

/*
 * If a cell of the first record's slot is stuck at 0, the next slot gets it and the takeover ends.
 */
static void a_worn_cell_does_not_stop_a_takeover(void)
{
	static struct old_eeprom old;

	for (int cell = 0; cell < FULL_SIZE; cell += 3) {
		int at = FULL_AT + FULL_FIRST * FULL_SIZE + cell;

		old_eeprom_historic(&old, 0);
		bench_stuck[at] = true;
		begin(&old);
		/* Erasing notices a 0; an erased look is noticed only by writing. */
		bench_cells[at] = cell % 2 ? 0 : EEPROM_BLANK;
		bench_power_on();
		bench_run(TAKEN_TICKS);
		CHECK(!journal.historic && !journal.littered);
		bench_power_on();
		for (int i = 0; i < SENSORS; i++)
			CHECK(sensor_counter[i] == old.counter[i]);
		CHECK(!more.fallbacks);
		bench_stuck[at] = false;
	}
}

#ifdef BOARD_SPI
static void put(uint8_t at, uint32_t value, int size)
{
	for (int i = 0; i < size; i++)
		bench_cells[at + i] = (uint8_t)(value >> 8 * i);
}

/*
 * Writes one of the four layouts of generation 2, at the addresses that the historic compilers
 * chose.
 */
static void put_historic(bool fractions, bool reversed)
{
	uint8_t size = fractions ? 8 : 6, end = (uint8_t)(6 * size);
	uint8_t sensors = reversed ? 0 : 0x11, map = reversed ? end : 0x0b,
		enabled = reversed ? (uint8_t)(end + 6) : 0x0a;
	uint8_t events = reversed ? (uint8_t)(end + 7) : 6,
		version = reversed ? (uint8_t)(end + 11) : 1;

	bench_cells[reversed ? end + 16 : 0] = 0xbe;
	put(version, 2, 2);
	put((uint8_t)(version + 2), fractions, 1);
	put((uint8_t)(version + 3), 0x0001, 2);
	put(events, 7, 2);
	put((uint8_t)(events + 2), 9, 2);
	put(enabled, 0x1b, 1);
	for (uint8_t i = 0; i < 6; i++) {
		put((uint8_t)(map + i), i == 5 ? 0xff : 5u - i, 1);
		put((uint8_t)(sensors + i * size), 0x01020300u + i, 4);
		put((uint8_t)(sensors + i * size + 4), 5000u + i, 2);
		if (fractions)
			put((uint8_t)(sensors + i * size + 6), 100u + i, 2);
	}
}

static bool taken_over(bool fractions)
{
	for (uint8_t i = 0; i < SENSORS; i++) {
		if (settings.constant[i].whole != 5000 + i ||
		    settings.constant[i].fraction != (fractions ? 100 + i : 0))
			return false;
		if (settings.enabled[i] != (0x1b >> i & 1) ||
		    settings.map[i] != (i == 5 ? UNMAPPED : 5 - i))
			return false;
	}
	return bench_counters_are(0x01020300) && settings.hardware[1] == 2 &&
	       settings.hardware[2] == fractions && settings.watchdogs == 7;
}

/* The power fails at each operation. */
static void historic_images_are_taken_over(void)
{
	for (int k = 0; k < 4; k++) {
		for (uint32_t at = 0; at < 100; at++) {
			bench_blank();
			put_historic(k & 1, k & 2);
			bench_cut_at = at;
			bench_cut_stage = BENCH_HALF;
			bench_cut_value = (uint8_t)(at * 29);
			bench_power_on();
			bench_run(3000);
			bench_cut_at = 0;
			bench_power_on();
			CHECK(taken_over(k & 1));
			bench_run(8000);
			bench_power_on();
			CHECK(taken_over(k & 1));
			CHECK(!journal.historic);
		}
	}
}
#else
static void historic_images_are_taken_over(void)
{
	bench_blank();
	for (uint32_t i = 0; i < SENSORS; i++) {
		memcpy(bench_cells + 37 * i, "0123456789abcdef0123456789abcde0", 33);
		bench_cells[37 * i + 31] = (uint8_t)('0' + i);
		bench_cells[37 * i + 33] = (uint8_t)(100 + i);
		memset(bench_cells + 37 * i + 34, 0, 3);
	}
	bench_power_on();
	CHECK(bench_counters_are(100) && settings.id[2][0] == 0x01 && settings.id[2][15] == 0xe2);
	bench_run(8000);
	bench_power_on();
	CHECK(bench_counters_are(100) && settings.id[3][15] == 0xe3);
}
#endif

int main(void)
{
	historic_images_are_taken_over();
	a_worn_cell_does_not_stop_a_takeover();
	older_eeproms_are_taken_over_wherever_they_are_cut(false);
	older_eeproms_are_taken_over_wherever_they_are_cut(true);
	puts("takeover: ok");
	return 0;
}
