/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Saves each hour, on request and when the supply falls; a rippling supply gets a limited number of
 * saves.
 */
#include "keeper.h"

#include "flags.h"
#include "guard.h"
#include "journal.h"
#include "meter.h"
#include "settings.h"

uint8_t keeper_saves NOINIT;

/* Only the main loop writes it, except dips. */
static struct {
	volatile uint8_t dips; /* counted and written by the interrupt; wraps */
	uint8_t dips_seen;
	uint8_t low_ticks;  /* how long the supply has been low, up to KEEPER_STAYS_LOW */
	uint8_t record_min; /* since the last full record */
	uint8_t save_min;   /* since another save was allowed */
	uint8_t trial_min;  /* in the present hour of the trial */
	uint8_t seconds;
} keeper;

void keeper_boot(bool power_on)
{
	if (power_on || keeper_saves > KEEPER_SAVES)
		keeper_saves = KEEPER_SAVES;
	if (journal.far || (power_on && journal_broken))
		flags.record_due = true;
}

/* With interrupts off. */
static void save_now(void)
{
	if (!flags.unsaved || !keeper_saves)
		return;
	if (journal_begin(true))
		keeper_saves--;
	else
		flags.again = true;
}

void keeper_dip(void)
{
	journal_hurry();
	save_now();
	keeper.dips++;
}

void keeper_hang(void)
{
	save_now();
}

bool keeper_accepts_counter(void)
{
	return journal.full_ready && keeper.dips == keeper.dips_seen &&
	       (uint8_t)(keeper.low_ticks - 1) >= KEEPER_STAYS_LOW - 1;
}

void keeper_record(void)
{
	flags.record_due = true;
	flags.again = true;
}

void keeper_changed(void)
{
	flags.pending = true;
	store_touch();
}

void keeper_commit(void)
{
	flags.record_bad = false;
	flags.pending = false;
	flags.events = false;
	if (flags.unsaved || journal.shorts || journal_broken || journal.historic)
		flags.record_due = true;
	store_begin();
}

enum store_result keeper_committed(void)
{
	if (flags.record_bad || store_state == STORE_FAILED)
		return STORE_FAILED;
	if (flags.record_due || journal.phase != JOURNAL_FREE)
		return STORE_BUSY;
	return store_state;
}

/* Checks a record that was written and makes another one due if it is bad. */
static void check_record(bool weak)
{
	bool sound;

	if (journal.displaced) {
		journal.displaced = false;
		flags.record_due = true;
	}
	if (!journal_check(&sound, weak))
		return;
	if (!sound) {
		flags.record_bad = true;
		flags.unsaved = true;
		if (!journal.brief)
			flags.record_due = true;
	} else if (!journal.brief) {
		keeper.record_min = 0;
	}
}

static void begin(bool may_be_short)
{
	uint8_t guard = guard_enter();

	if (journal.phase == JOURNAL_FREE && journal_begin(may_be_short) && !may_be_short)
		flags.record_due = false;
	guard_leave(guard);
}

/* Saves as soon as possible after a dip that could not be saved at once. */
static void watch_supply(bool low, uint8_t ticks)
{
	if (!low) {
		keeper.low_ticks = 0;
		flags.again = false;
		return;
	}
	if (!keeper.low_ticks)
		flags.again = true; /* the interrupt misses it at start */
	if (ticks < KEEPER_STAYS_LOW - keeper.low_ticks)
		keeper.low_ticks = (uint8_t)(keeper.low_ticks + ticks);
	else
		keeper.low_ticks = KEEPER_STAYS_LOW;
	if (!flags.unsaved) {
		flags.again = false; /* saves the charge: nothing is erased for a save either */
		return;
	}
	if (flags.again && keeper_saves) {
		uint8_t guard = guard_enter();

		flags.again = false;
		save_now();
		guard_leave(guard);
	}
}

/*
 * Ends the use of older firmware's EEPROM: when the settings are stored, erases its image, stores
 * that, and then writes the first record with a tail.
 */
static void end_takeover(void)
{
	if (flags.record_due || journal.phase != JOURNAL_FREE || store_state != STORE_DONE)
		return; /* this also waits until a bad record has been written again */
	if (!more.littered) {
		journal_release();
		flags.record_due = true;
	} else if (journal_clear_image()) {
		more.littered = false;
		store_begin();
	}
}

void keeper_run(bool low, uint8_t ticks)
{
	if (keeper.dips_seen != keeper.dips && store_state != STORE_BUSY) {
		keeper.dips_seen++;
		settings.brownouts++;
		flags.events = true;
	}
	check_record(low);
	watch_supply(low, ticks);
	if (!low || keeper.low_ticks >= KEEPER_STAYS_LOW) {
		if (flags.record_due)
			begin(false);
		/*
		 * Our settings mark the end of the older layout, so the counters and erased tails
		 * come before them.
		 */
		if (!journal.historic ||
		    (!flags.record_due && journal.phase == JOURNAL_FREE && journal_clear_tails()))
			store_run();
	} else if (!flags.again) {
		return;
	}
	journal_tidy(low);
	if (journal.historic || journal.littered)
		end_takeover();
}

/* Counts the hours down for which the former hold is compared. */
static void run_trial(void)
{
	if (!more.trial || ++keeper.trial_min < 60)
		return;
	keeper.trial_min = 0;
	more.trial--;
	flags.events = true;
	store_touch();
}

static void minute(void)
{
	uint8_t guard;

	run_trial();

	if (keeper.record_min < KEEPER_RECORD_MIN - 1) {
		keeper.record_min++;
	} else {
		if (flags.unsaved)
			flags.record_due = true;
		if (flags.events && !flags.pending) {
			keeper_commit();
			keeper.record_min = 0; /* or dips would write settings each minute */
		}
	}
	if (keeper.record_min >= KEEPER_FAR_MIN &&
	    (journal.distant || journal.shorts >= KEEPER_SHORTS))
		flags.record_due = true;
	if (++keeper.save_min < KEEPER_SAVE_MIN)
		return;
	keeper.save_min = 0;
	guard = guard_enter();
	if (keeper_saves < KEEPER_SAVES)
		keeper_saves++;
	guard_leave(guard);
}

void keeper_second(void)
{
	if (++keeper.seconds < 60)
		return;
	keeper.seconds = 0;
	minute();
}
