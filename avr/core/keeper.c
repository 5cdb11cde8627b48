/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When to save: each hour, when asked, when the supply falls; with a budget for a supply that ripples. */
#include "keeper.h"

#include "guard.h"
#include "journal.h"
#include "meter.h"
#include "settings.h"

/*
 * Saves that a dip may still begin at once, and their complement: a hang that resets the board for ever must not wear the
 * EEPROM out, so they outlive a reset. Interrupts take, the main loop gives with interrupts off.
 */
static uint8_t saves NOINIT;
static uint8_t saves_check NOINIT;

static volatile uint8_t dips; /* counted by the interrupt, read by the main loop; wraps */
static volatile bool again;   /* a dip could not be saved at once */

/* Main loop only, from here on. */
static uint8_t dips_seen;
static bool record_due;
static bool record_bad; /* a record did not read back since the last commit began */
static bool events;     /* watchdogs or brown-outs were counted since the settings were written */
static bool pending;    /* the master changed settings and has not committed them */
static bool was_low;
static uint16_t low_ticks;
static uint8_t record_min; /* since the last full record */
static uint8_t save_min;   /* since the last save, or since one was given back */

SHARED static void saves_set(uint8_t count)
{
	saves = count;
	saves_check = (uint8_t)~count;
}

void keeper_boot(bool power_on)
{
	if (power_on || saves > KEEPER_SAVES || (saves ^ saves_check) != 0xff)
		saves_set(KEEPER_SAVES);
	record_due = journal.far;
}

/* Interrupts are off. */
static void save_now(void)
{
	if (!meter_unsaved || !saves)
		return;
	if (journal_begin(true))
		saves_set((uint8_t)(saves - 1));
	else
		again = true;
}

void keeper_dip(void)
{
	save_now();
	dips++;
}

void keeper_hang(void)
{
	save_now();
}

void keeper_record(void)
{
	record_due = true;
}

void keeper_changed(void)
{
	pending = true;
	store_touch();
}

void keeper_commit(void)
{
	record_bad = false;
	pending = false;
	events = false;
	if (meter_unsaved || journal.shorts)
		record_due = true;
	store_begin();
}

enum store_result keeper_committed(void)
{
	if (record_bad || store_state == STORE_FAILED)
		return STORE_FAILED;
	if (record_due || journal.phase != JOURNAL_FREE)
		return STORE_BUSY;
	return store_state;
}

static void book(void)
{
	bool sound;

	if (journal.displaced) {
		journal.displaced = false;
		record_due = true;
	}
	if (!journal_book(&sound))
		return;
	save_min = 0;
	if (!sound) {
		record_bad = true;
		meter_unsaved = true;
		if (!journal.brief)
			record_due = true;
	} else if (!journal.brief) {
		record_min = 0;
	}
}

static void begin(bool may_be_short)
{
	uint8_t guard = guard_enter();

	if (journal.phase == JOURNAL_FREE && journal_begin(may_be_short) && !may_be_short)
		record_due = false;
	guard_leave(guard);
}

/* A second dip, or one for which no save was left: if it is more than ripple, it is saved now. */
static void mind_supply(bool low, uint8_t ticks)
{
	if (!low) {
		low_ticks = 0;
		was_low = false;
		again = false;
		return;
	}
	if (!was_low)
		again = true;
	was_low = true;
	if (low_ticks < TICKS_PER_S)
		low_ticks = (uint16_t)(low_ticks + ticks);
	if (!meter_unsaved)
		return;
	if (again && saves) {
		uint8_t guard = guard_enter();

		again = false;
		save_now();
		guard_leave(guard);
	} else if (save_min >= KEEPER_SAVE_MIN && low_ticks >= KEEPER_LOW_TICKS && low_ticks < TICKS_PER_S) {
		begin(true);
	}
}

void keeper_run(bool low, uint8_t ticks)
{
	if (dips_seen != dips) {
		dips_seen++;
		settings.brownouts++;
		events = true;
		store_touch();
	}
	book();
	mind_supply(low, ticks);
	if (low && low_ticks < TICKS_PER_S)
		return;
	if (record_due)
		begin(false);
	if (!record_due || !journal.historic) /* settings of ours end what a historic image is good for */
		store_run();
	journal_tidy();
}

static void minute(void)
{
	uint8_t guard;

	if (record_min < KEEPER_RECORD_MIN)
		record_min++;
	else if (events && !pending)
		keeper_commit();
	if (meter_unsaved && record_min >= KEEPER_RECORD_MIN)
		record_due = true;
	if (record_min >= KEEPER_FAR_MIN && (journal.distant || journal.shorts >= KEEPER_SHORTS))
		record_due = true;
	if (save_min < KEEPER_SAVE_MIN && ++save_min < KEEPER_SAVE_MIN)
		return;
	guard = guard_enter();
	if (saves < KEEPER_SAVES) {
		saves_set((uint8_t)(saves + 1));
		save_min = 0;
	}
	guard_leave(guard);
}

void keeper_second(void)
{
	static uint8_t seconds;

	if (++seconds < 60)
		return;
	seconds = 0;
	minute();
}
