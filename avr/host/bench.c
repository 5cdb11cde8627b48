/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../core/crc.h"
#include "../core/dialogue.h"
#include "../core/eeprom.h"
#include "../core/flags.h"
#include "../core/journal.h"
#include "../core/keeper.h"
#include "../core/link.h"
#include "../core/meter.h"
#include "../core/pass.h"
#include "../core/start.h"
#include "../core/store.h"
#include "../core/version.h"

#define SPLIT_TICKS 4 /* 1.8 ms in ticks of 0.5 ms, rounded up */
#define BOTH_TICKS 7  /* 3.4 ms */
#define READY_TICKS 4000

uint8_t bench_cells[BENCH_CELLS];
uint32_t bench_wear[BENCH_CELLS];
uint32_t bench_ops;
uint32_t bench_cut_at;
enum bench_stage bench_cut_stage;
uint8_t bench_cut_value;
bool bench_stuck[BENCH_CELLS];
bool bench_dead;
bool bench_low;
bool bench_led;
uint32_t bench_seconds;
uint32_t bench_random = 1;

static uint32_t busy; /* ticks until the operation ends */
static bool calling;  /* journal_step() is called when the EEPROM is idle */
static uint32_t clock_ticks;

void bench_check(bool ok, const char *file, int line, const char *text)
{
	if (ok)
		return;
	fprintf(stderr, "%s:%d: failed: %s\n", file, line, text);
	abort();
}

uint8_t version_major(void)
{
	return 2;
}

uint8_t version_minor(void)
{
	return 1;
}

uint8_t eeprom_read(uint16_t at)
{
	CHECK(at < BENCH_CELLS);
	return bench_cells[at];
}

bool eeprom_idle(void)
{
	return !busy && !calling;
}

/* Changes a cell as the operation does, unless the power fails before. */
static void operate(uint16_t at, uint8_t value, enum eeprom_mode mode)
{
	bool cut = ++bench_ops == bench_cut_at;

	CHECK(at > 0 && at < BENCH_CELLS);
	bench_dead = cut;
	if (cut && bench_cut_stage == BENCH_BEFORE)
		return;
	if (cut && bench_cut_stage == BENCH_HALF) {
		if (mode == EEPROM_WRITE)
			bench_cells[at] &= (uint8_t)(value | bench_cut_value);
		else
			bench_cells[at] |= bench_cut_value;
		return;
	}
	if (mode != EEPROM_WRITE) {
		bench_cells[at] = EEPROM_BLANK;
		bench_wear[at]++;
	}
	if (cut && bench_cut_stage != BENCH_WRITTEN)
		return;
	if (mode != EEPROM_ERASE)
		bench_cells[at] &= value;
	if (bench_stuck[at])
		bench_cells[at] = 0;
	busy = mode == EEPROM_REPLACE ? BOTH_TICKS : SPLIT_TICKS;
}

bool eeprom_start(uint16_t at, uint8_t value, enum eeprom_mode mode)
{
	if (!eeprom_idle() || bench_dead)
		return false;
	operate(at, value, mode);
	return true;
}

void eeprom_poke(uint16_t at, uint8_t value)
{
	CHECK(!busy);
	operate(at, value, EEPROM_WRITE);
}

void eeprom_call_journal(void)
{
	calling = true;
}

void bench_blank(void)
{
	memset(bench_cells, EEPROM_BLANK, sizeof(bench_cells));
	memset(bench_wear, 0, sizeof(bench_wear));
	bench_ops = 0;
	bench_cut_at = 0;
}

static void start(bool power_on, bool watchdog)
{
	bench_dead = false;
	bench_low = false;
	busy = 0;
	calling = false;
	memset(&journal, 0, sizeof(journal));
	store_state = STORE_DONE;
#ifdef BOARD_SPI
	memset(&link, 0, sizeof(link));
#endif
	meter_fresh = 0;
	memset((void *)&flags, 0, sizeof(flags));
	start_restore(power_on, watchdog, meter_start(!power_on));
}

void bench_power_on(void)
{
	memset(&inputs, 0x5a, sizeof(inputs));
	memset(sensor_counter, 0xa5, sizeof(sensor_counter));
	start(true, false);
}

void bench_reset(void)
{
	start(false, false);
}

void bench_reset_by_watchdog(void)
{
	start(false, true);
}

void pass_led(uint8_t lit)
{
	bench_led = lit;
}

static void tick(void)
{
	uint8_t ticks;

	clock_ticks++;
	if (busy)
		busy--;
	if (calling && !busy)
		calling = journal_step();
#ifdef BOARD_SPI
	dialogue_run();
#endif
	ticks = (uint8_t)((uint8_t)clock_ticks - (uint8_t)meter_ticks);
	if (ticks >= PASS_TICKS)
		bench_seconds += pass_run((uint16_t)clock_ticks, ticks, bench_low);
}

void bench_run(uint32_t ticks)
{
	while (ticks-- && !bench_dead)
		tick();
}

void bench_dip(void)
{
	bench_low = true;
	keeper_dip();
}

void bench_ready(void)
{
	bench_blank();
	bench_power_on();
	bench_run(READY_TICKS);
}

void bench_set_counters(uint32_t value)
{
	for (uint8_t i = 0; i < SENSORS; i++)
		meter_set(i, value + i, 0);
}

bool bench_counters_are(uint32_t value)
{
	for (uint8_t i = 0; i < SENSORS; i++) {
		if (sensor_counter[i] != value + i)
			return false;
	}
	return true;
}

uint32_t bench_any(uint32_t below)
{
	bench_random ^= bench_random << 13;
	bench_random ^= bench_random >> 17;
	bench_random ^= bench_random << 5;
	return bench_random % below;
}

#ifdef BOARD_SPI
void dialogue_answer(uint8_t length, uint8_t epoch)
{
	if (link_waits(epoch))
		link_answer(length);
}

/*
 * Clocks one byte and returns what the master reads: the byte that the board loaded after the last
 * one.
 */
static uint8_t exchange(uint8_t out)
{
	static uint8_t loaded;
	uint8_t in = loaded;

	loaded = link_byte(out);
	return in;
}

bool bench_ask(const char *message, uint32_t wait, char *reply)
{
	char wire[2 * LINK_REPLY_MAX];
	uint8_t crc = 0;
	size_t length = 0;
	char digits[3];
	int c;

	for (const char *at = message; *at; at++)
		exchange((uint8_t)*at);
	exchange(0);
	exchange(0);
	bench_run(wait);
	do
		c = exchange(0);
	while (c == 0 && ++length < 1000);
	if (c != 'l')
		return false;
	for (length = 0; length < sizeof(wire) - 1 && (c = exchange(0)) != 0; length++)
		wire[length] = (char)c;
	exchange(0);
	wire[length] = '\0';
	if (length < 4 || strcmp(wire + length - 2, ".u") != 0)
		return false;
	for (size_t i = 0; i < length - 4; i++)
		crc = crc8_update(crc, (uint8_t)wire[i]);
	snprintf(digits, sizeof(digits), "%02x", crc);
	memcpy(reply, wire, length - 4);
	reply[length - 4] = '\0';
	return memcmp(wire + length - 4, digits, 2) == 0;
}
#endif
