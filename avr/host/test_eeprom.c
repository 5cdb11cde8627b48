/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the board makes of EEPROMs that it finds: older firmware's, cut off again and again, and
 * damaged ones; built for either board.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../core/crc.h"
#include "../core/eeprom.h"
#include "../core/energy.h"
#include "../core/flags.h"
#include "../core/journal.h"
#include "../core/keeper.h"
#include "../core/layout.h"
#include "../core/meter.h"
#include "../core/settings.h"
#include "bench.h"

enum {
	TAKEN_TICKS = 5000, /* longer than to take any EEPROM over */
	STATES = 4096,
	STAGES = 4,
	LAYOUT_1_RECORDS = FULL_SLOTS_1 + 4,
};

static uint32_t random_state = 1;

static uint32_t any(uint32_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state % below;
}

/* An EEPROM of older firmware, and what it says. */
struct old {
	uint8_t cells[BENCH_CELLS];
	uint32_t counter[SENSORS];
	struct settings settings;
};

static void put(uint8_t *at, uint32_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

static void any_counters(struct old *old)
{
	for (int i = 0; i < SENSORS; i++)
		old->counter[i] = any(3) ? any(0xfffffffe) : any(70000);
}

#ifdef BOARD_SPI
#define HISTORIC_KINDS 4

/*
 * Hardware 2.0 or 2.1, its fields in the order of their declaration or in the reversed one
 * (docs/design/protocols.md §1).
 */
static void make_historic(struct old *old, int kind)
{
	bool fractions = kind & 1, reversed = kind & 2;
	int size = fractions ? 8 : 6, guard = reversed ? 6 * size + 16 : 0;
	uint8_t *sensors = old->cells + (reversed ? 0 : 17),
		*map = old->cells + (reversed ? 6 * size : 11);
	uint8_t *enabled = old->cells + (reversed ? 6 * size + 6 : 10),
		*events = enabled + (reversed ? 1 : -4);
	uint8_t *version = events + (reversed ? 4 : -5);
	struct settings *want = &old->settings;

	memset(old->cells, EEPROM_BLANK, sizeof(old->cells));
	settings_default();
	*want = settings;
	any_counters(old);
	old->cells[guard] = 0xbe;
	put(version, 2, 2);
	version[2] = fractions;
	put(version + 3, 1, 2);
	want->hardware[2] = fractions;
	want->watchdogs = (uint16_t)any(100);
	want->brownouts = (uint16_t)any(1000);
	put(events, want->watchdogs, 2);
	put(events + 2, want->brownouts, 2);
	*enabled = 0;
	for (int i = 0; i < SENSORS; i++, sensors += size) {
		want->map[i] = map[i] = (uint8_t)any(SENSORS);
		want->enabled[i] = (uint8_t)any(2);
		*enabled |= (uint8_t)(want->enabled[i] << i);
		want->constant[i].whole = (uint16_t)any(0x10000);
		want->constant[i].fraction = fractions ? (uint16_t)any(1000) : 0;
		put(sensors, old->counter[i], 4);
		put(sensors + 4, want->constant[i].whole, 2);
		if (fractions)
			put(sensors + 6, want->constant[i].fraction, 2);
	}
}
#else
#define HISTORIC_KINDS 1

static void make_historic(struct old *old, int kind)
{
	uint8_t *at = old->cells;

	(void)kind;
	memset(old->cells, EEPROM_BLANK, sizeof(old->cells));
	settings_default();
	old->settings = settings;
	any_counters(old);
	for (int i = 0; i < SENSORS; i++, at += 37) {
		for (int k = 0; k < 16; k++) {
			char text[3];

			old->settings.id[i][k] = (uint8_t)any(256);
			snprintf(text, sizeof(text), "%02x", old->settings.id[i][k]);
			memcpy(at + 2 * k, text, 2);
		}
		at[32] = 0;
		put(at + 33, old->counter[i], 4);
	}
}
#endif

static uint8_t never_blank(uint8_t crc)
{
	return crc == EEPROM_BLANK ? 0 : crc;
}

static void put_full(struct old *old, int slot, uint16_t sequence)
{
	uint8_t *at = old->cells + FULL_AT + slot * FULL_SIZE;
	uint16_t crc;

	put(at, sequence, 2);
	for (int i = 0; i < SENSORS; i++)
		put(at + 2 + 4 * i, old->counter[i], 4);
	crc = crc16_block(CRC16_SEED, at, FULL_SIZE - 2);
	put(at + FULL_SIZE - 2, crc, 1);
	at[FULL_SIZE - 1] = never_blank((uint8_t)(crc >> 8));
}

static void put_short(struct old *old, int slot, uint16_t sequence, int number)
{
	uint8_t *at = old->cells + SHORT_AT + slot * SHORT_SIZE;
	uint8_t crc = crc8_update(crc8_update(0, (uint8_t)sequence), (uint8_t)(sequence >> 8));

	at[0] = (uint8_t)(sequence << 4 | number);
	for (int i = 0; i < SENSORS; i++)
		put(at + 1 + 2 * i, old->counter[i], 2);
	for (int i = 0; i < SHORT_SIZE - 1; i++)
		crc = crc8_update(crc, at[i]);
	at[SHORT_SIZE - 1] = never_blank(crc);
}

static void put_settings(struct old *old, int which, uint8_t serial)
{
	old->settings.serial = serial;
	old->settings.crc = settings_crc(&old->settings);
	memcpy(old->cells + SETTINGS_AT + (size_t)which * SETTINGS_SIZE, &old->settings,
	       SETTINGS_SIZE);
}

static void count_on(struct old *old)
{
	for (int i = 0; i < SENSORS; i++)
		old->counter[i] += any(3000);
}

/* Firmware 2.0 after so many full records, and short ones on the last. */
static void make_layout_1(struct old *old, int records, int shorts)
{
	uint16_t sequence = (uint16_t)any(0x10000);
	int slot = (int)any(FULL_SLOTS_1), copies = 1 + (int)any(2);
	uint8_t serial = (uint8_t)any(256);

	memset(old->cells, EEPROM_BLANK, sizeof(old->cells));
	settings_default();
	old->settings = settings;
	any_counters(old);
	for (int k = 0; k < records; k++) {
		slot = (slot + 1) % FULL_SLOTS_1;
		count_on(old);
		put_full(old, slot, ++sequence);
	}
	for (int k = 1; k <= 2; k++)
		memset(old->cells + FULL_AT + (slot + k) % FULL_SLOTS_1 * FULL_SIZE, EEPROM_BLANK,
		       FULL_SIZE);
	for (int k = 1; k <= shorts; k++) {
		count_on(old);
		put_short(old, k % SHORT_SLOTS, sequence, k);
	}
	for (int k = 0; k < copies; k++) {
		old->settings.watchdogs = (uint16_t)any(100);
		put_settings(old, k, serial++);
	}
	old->settings.brownouts = (uint16_t)(old->settings.brownouts + (shorts > 0));
}

static void check_taken(const struct old *old, int line)
{
	for (int i = 0; i < SENSORS; i++)
		bench_check(sensor_counter[i] == old->counter[i], __FILE__, line,
			    "a counter is another one");
	bench_check(!more.fallbacks && !more.age && !more.worn_full && !more.worn_short, __FILE__,
		    line, "damage is told");
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

static void begin(const struct old *old)
{
	bench_blank();
	memcpy(bench_cells, old->cells, sizeof(bench_cells));
}

/* Power-on until the operation of that number fails in that way; false when there was none. */
static bool cut_at(uint32_t operation, int stage)
{
	bench_power_on();
	bench_cut_at = bench_ops + operation;
	bench_cut_stage = (enum bench_stage)stage;
	bench_cut_value = (uint8_t)any(256);
	bench_run(TAKEN_TICKS);
	bench_cut_at = 0;
	return bench_dead;
}

static void check_start(const struct old *old, int line)
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

/* One cut at each operation and in each way, or one after that somewhere else. */
static void cut_everywhere(const struct old *old, bool twice)
{
	bool more_operations = true;

	for (uint32_t operation = 1; more_operations; operation++) {
		for (int stage = 0; stage < STAGES; stage++) {
			begin(old);
			more_operations = cut_at(operation, stage);
			if (twice && more_operations)
				cut_at(1 + any(operation + 30), (int)any(STAGES));
			check_start(old, __LINE__);
		}
	}
}

/* Cuts without end, early and late ones. */
static void cut_for_ever(const struct old *old)
{
	uint32_t reach = 1 + any(150);

	begin(old);
	for (int k = 0; k < 60; k++) {
		cut_at(1 + any(reach), (int)any(STAGES));
		if (k % 10 == 0) {
			bench_power_on();
			check_taken(old, __LINE__);
		}
	}
	check_start(old, __LINE__);
}

static void older_eeproms_are_taken_over_wherever_they_are_cut(bool twice)
{
	static struct old old;

	for (int kind = 0; kind < HISTORIC_KINDS; kind++) {
		make_historic(&old, kind);
		cut_everywhere(&old, twice);
		cut_for_ever(&old);
	}
	for (int records = 1 + twice; records < LAYOUT_1_RECORDS; records += 4) {
		make_layout_1(&old, records, (int)any(9));
		cut_everywhere(&old, twice);
		cut_for_ever(&old);
	}
}

/*
 * A cell in which the first record would lie holds zeros for ever: the next slot gets it, and the
 * takeover comes to its end.
 */
static void a_worn_cell_does_not_stop_a_takeover(void)
{
	static struct old old;

	for (int cell = 0; cell < FULL_SIZE; cell += 3) {
		int at = FULL_AT + FULL_FIRST * FULL_SIZE + cell;

		make_historic(&old, 0);
		bench_stuck[at] = true;
		begin(&old);
		bench_cells[at] =
			cell % 2 ? 0
				 : EEPROM_BLANK; /* known by erasing, or not before it is written */
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

/* The states of a life, newest last; older ones than the EEPROM can hold are forgotten. */
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

static bool was_ever(const uint32_t *counter)
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
		if (!any(30))
			inputs.pulse[any(PULSES)].count++;
		if (!any(20))
			inputs.sum[any(ANALOGS)] += any(ENERGY_SUM_MAX);
		bench_run(1);
		note_state();
	}
}

static void change_settings(void)
{
	more.hold[any(PULSES)] = (uint16_t)(HOLD_MIN + any(1000));
	settings.watchdogs++;
	keeper_changed();
	keeper_commit();
}

static void act(void)
{
	switch (any(6)) {
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
		live(40 + any(100));
		bench_low = false;
	}
}

/* A board lives for a while; its power fails in a dip, or without one. */
static void live_and_die(void)
{
	bench_blank();
	for (int at = 0; at < BENCH_CELLS; at++) {
		if (bench_stuck[at])
			bench_cells[at] = 0;
	}
	bench_power_on();
	state_count = 0;
	live(TAKEN_TICKS);
	for (uint32_t k = any(25); k > 0; k--) {
		act();
		live(200 + any(2000));
		keeper_saves = KEEPER_SAVES;
	}
	live(1000);
	if (any(2)) {
		bench_dip();
		live(120);
	}
}

#define BITS (8 * BENCH_CELLS)

/* What a start found: that, or something older. */
struct found {
	uint32_t counter[SENSORS];
	uint16_t hold[PULSES];
	uint8_t settings[offsetof(struct settings, layout)];
};

static struct found start_and_look(void)
{
	struct found found;

	memset(&found, 0, sizeof(found));
	bench_power_on();
	memcpy(found.counter, sensor_counter, sizeof(found.counter));
	memcpy(found.hold, more.hold, sizeof(found.hold));
	memcpy(found.settings, &settings, sizeof(found.settings));
	return found;
}

/*
 * Each bit of the EEPROM in turn is another one: what comes back was once so, and if it is older
 * that is told.
 */
static void a_bit_that_fell_over_is_told(void)
{
	uint8_t cells[BENCH_CELLS];
	struct found whole;
	int silent = 0, false_alarms = 0;

	live_and_die();
	memcpy(cells, bench_cells, sizeof(cells));
	whole = start_and_look();
	CHECK(!more.fallbacks);
	for (int at = 8; at < BITS; at++) {
		bool older;
		struct found found;

		memcpy(bench_cells, cells, sizeof(cells));
		bench_cells[at / 8] ^= (uint8_t)(1 << at % 8);
		found = start_and_look();
		CHECK(was_ever(found.counter));
		CHECK(more.fallbacks < 2 && (more.age > 0) == (more.fallbacks > 0));
		older = memcmp(&found, &whole, sizeof(found));
		silent += older && !more.fallbacks;
		false_alarms += !older && more.fallbacks && at / 8 < MORE_AT;
	}
	CHECK(silent <
	      BITS / 100); /* the numbers that tell what is newer, and what looks like a record cut off */
	CHECK(false_alarms <= 16); /* numbers again, and the mark that an unfinished record lacks */
}

/* Fills an area with anything, zeros or ones. */
static void spoil(int at, size_t size)
{
	uint32_t how = any(3);

	for (size_t i = 0; i < size; i++)
		bench_cells[(size_t)at + i] = (uint8_t)(how == 2 ? any(256)
							: how    ? 0
								 : EEPROM_BLANK);
}

static void spoil_something(void)
{
	switch (any(5)) {
	case 0:
		spoil(FULL_AT + (int)any(FULL_SLOTS) * FULL_SIZE, FULL_SIZE);
		break;
	case 1:
		spoil(SHORT_AT + (int)any(SHORT_SLOTS) * SHORT_SIZE, SHORT_SIZE);
		break;
	case 2:
		spoil((int)(SETTINGS_AT + any(2) * SETTINGS_SIZE), SETTINGS_SIZE);
		break;
	case 3:
		spoil((int)(MORE_AT + any(2) * MORE_SIZE), MORE_SIZE);
		break;
	default:
		for (uint32_t k = 1 + any(8); k > 0; k--)
			bench_cells[1 + any(BENCH_CELLS - 1)] ^= bit((uint8_t)any(8));
	}
}

/*
 * Whole records and copies are gone: no counter comes up that never was, and the board goes on and
 * saves.
 */
static void what_was_spoilt_is_never_believed(void)
{
	uint8_t cells[BENCH_CELLS];

	live_and_die();
	memcpy(cells, bench_cells, sizeof(cells));
	for (int k = 0; k < 100; k++) {
		uint32_t counter[SENSORS];

		memcpy(bench_cells, cells, sizeof(cells));
		for (uint32_t n = 1 + any(3); n > 0; n--)
			spoil_something();
		bench_power_on();
		CHECK(was_ever(sensor_counter));
		inputs.pulse[0].count++;
		bench_run(TAKEN_TICKS);
		memcpy(counter, sensor_counter, sizeof(counter));
		bench_dip();
		bench_run(120);
		bench_power_on();
		CHECK(!memcmp(counter, sensor_counter, sizeof(counter)));
	}
}

/* Some cells hold zeros for ever: a save in the dip before the end holds all the same. */
static void worn_cells_lose_nothing(void)
{
	uint32_t counter[SENSORS];
	uint32_t life = random_state;

	for (uint32_t worn = 1; worn < 5; worn++) {
		random_state = life + worn;
		memset(bench_stuck, 0, sizeof(bench_stuck));
		for (uint32_t k = 0; k < worn; k++)
			bench_stuck[1 + any(TAIL_AT - 1)] = true;
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

/* With a number: so many rounds, each with other figures. */
int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 1;

	for (int round = 0; round < rounds; round++) {
		a_bit_that_fell_over_is_told();
		what_was_spoilt_is_never_believed();
		worn_cells_lose_nothing();
		a_worn_cell_does_not_stop_a_takeover();
		older_eeproms_are_taken_over_wherever_they_are_cut(false);
		older_eeproms_are_taken_over_wherever_they_are_cut(true);
	}
	puts("eeprom: ok");
	return 0;
}
