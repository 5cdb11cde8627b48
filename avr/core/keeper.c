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

/* Written by the main loop alone but for what is marked. */
static struct {
	volatile uint8_t dips; /* counted by the interrupt; wraps */
	volatile bool again;   /* a dip could not be saved at once; also set by the interrupts */
	uint8_t dips_seen;
	bool record_due;
	bool record_bad; /* a record did not read back since the last commit began */
	bool events;     /* watchdogs or brown-outs were counted since the settings were written */
	bool pending;    /* the master changed settings and has not committed them */
	bool was_low;
	uint8_t low_ticks;  /* the supply has been low for; stands still at KEEPER_STAYS_LOW */
	uint8_t record_min; /* since the last full record */
	uint8_t save_min;   /* since the last save, or since one was given back */
	uint8_t seconds;
} keeper;

static void saves_set(uint8_t count)
{
	saves = count;
	saves_check = (uint8_t)~count;
}

void keeper_boot(bool power_on)
{
	if (power_on || saves > KEEPER_SAVES || (saves ^ saves_check) != 0xff)
		saves_set(KEEPER_SAVES);
	keeper.record_due = journal.far;
}

/* Interrupts are off. */
static void save_now(void)
{
	if (!meter_unsaved || !saves)
		return;
	if (journal_begin(true))
		saves_set((uint8_t)(saves - 1));
	else
		keeper.again = true;
}

void keeper_dip(void)
{
	save_now();
	keeper.dips++;
}

void keeper_hang(void)
{
	save_now();
}

void keeper_record(void)
{
	keeper.record_due = true;
}

void keeper_changed(void)
{
	keeper.pending = true;
	store_touch();
}

void keeper_commit(void)
{
	keeper.record_bad = false;
	keeper.pending = false;
	keeper.events = false;
	if (meter_unsaved || journal.shorts)
		keeper.record_due = true;
	store_begin();
}

enum store_result keeper_committed(void)
{
	if (keeper.record_bad || store_state == STORE_FAILED)
		return STORE_FAILED;
	if (keeper.record_due || journal.phase != JOURNAL_FREE)
		return STORE_BUSY;
	return store_state;
}

static void book(void)
{
	bool sound;

	if (journal.displaced) {
		journal.displaced = false;
		keeper.record_due = true;
	}
	if (!journal_book(&sound))
		return;
	keeper.save_min = 0;
	if (!sound) {
		keeper.record_bad = true;
		meter_unsaved = true;
		if (!journal.brief)
			keeper.record_due = true;
	} else if (!journal.brief) {
		keeper.record_min = 0;
	}
}

static void begin(bool may_be_short)
{
	uint8_t guard = guard_enter();

	if (journal.phase == JOURNAL_FREE && journal_begin(may_be_short) && !may_be_short)
		keeper.record_due = false;
	guard_leave(guard);
}

/* A second dip, or one for which no save was left: if it is more than ripple, it is saved now. */
static void mind_supply(bool low, uint8_t ticks)
{
	if (!low) {
		keeper.low_ticks = 0;
		keeper.was_low = false;
		keeper.again = false;
		return;
	}
	if (!keeper.was_low)
		keeper.again = true;
	keeper.was_low = true;
	if (keeper.low_ticks < KEEPER_STAYS_LOW)
		keeper.low_ticks = (uint8_t)(keeper.low_ticks + ticks);
	if (!meter_unsaved)
		return;
	if (keeper.again && saves) {
		uint8_t guard = guard_enter();

		keeper.again = false;
		save_now();
		guard_leave(guard);
	} else if (keeper.save_min >= KEEPER_SAVE_MIN && keeper.low_ticks >= KEEPER_LOW_TICKS && keeper.low_ticks < KEEPER_STAYS_LOW) {
		begin(true);
	}
}

void keeper_run(bool low, uint8_t ticks)
{
	if (keeper.dips_seen != keeper.dips) {
		keeper.dips_seen++;
		settings.brownouts++;
		keeper.events = true;
		store_touch();
	}
	book();
	mind_supply(low, ticks);
	if (low && keeper.low_ticks < KEEPER_STAYS_LOW)
		return;
	if (keeper.record_due)
		begin(false);
	if (!keeper.record_due || !journal.historic) /* settings of ours end what a historic image is good for */
		store_run();
	journal_tidy();
}

static void minute(void)
{
	uint8_t guard;

	if (keeper.record_min < KEEPER_RECORD_MIN)
		keeper.record_min++;
	else if (keeper.events && !keeper.pending)
		keeper_commit();
	if (meter_unsaved && keeper.record_min >= KEEPER_RECORD_MIN)
		keeper.record_due = true;
	if (keeper.record_min >= KEEPER_FAR_MIN && (journal.distant || journal.shorts >= KEEPER_SHORTS))
		keeper.record_due = true;
	if (keeper.save_min < KEEPER_SAVE_MIN && ++keeper.save_min < KEEPER_SAVE_MIN)
		return;
	guard = guard_enter();
	if (saves < KEEPER_SAVES) {
		saves_set((uint8_t)(saves + 1));
		keeper.save_min = 0;
	}
	guard_leave(guard);
}

void keeper_second(void)
{
	if (++keeper.seconds < 60)
		return;
	keeper.seconds = 0;
	minute();
}
