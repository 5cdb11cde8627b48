/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Restores settings and counters at start. */
#include "start.h"

#include "flags.h"
#include "history.h"
#include "journal.h"
#include "keeper.h"
#include "meter.h"
#include "settings.h"
#include "store.h"

/* Counts that an older record was restored instead of a damaged newer one. */
static void count_fallback(uint8_t newer)
{
	more.fallbacks++;
	more.age = newer;
}

/* Loads the settings: our own, else those of a historic image with its counters, else defaults. */
static enum store_loaded load_settings(uint32_t *counter)
{
	bool stored = store_load();
	enum store_loaded loaded;

	if (!stored)
		settings_default();
	loaded = store_load_more(stored);
	if (!stored && history_load(counter)) {
		journal.historic = true;
		more.littered = true;
	}
	if (more.littered)
		journal_respect_image();
	if (loaded == STORE_NO_MORE && (stored || journal.historic)) {
		more.trial = TRIAL_H;
		journal.historic = true; /* until the records of layout 1 have been taken over */
	}
	return loaded;
}

/*
 * Restores the parts of a Wh from the record, or from RAM where it is sound and fits the settings.
 */
static void restore_parts(const uint16_t *part, uint8_t sound)
{
	for (uint8_t input = 0; input < PULSES; input++) {
		uint8_t sensor = settings_sensor((uint8_t)(FIRST_PULSE_PORT + input));

		if (sensor < SENSORS)
			meter_restore_part(sensor, part[input], sound & bit(sensor));
	}
}

/* For each sensor, sound RAM comes before the journal, a historic image after it. */
SHARED void start_restore(bool power_on, bool watchdog, uint8_t sound)
{
	uint32_t counter[SENSORS] = { 0 };
	uint16_t part[PULSES] = { 0 };
	enum store_loaded loaded = load_settings(counter);
	bool known = journal_restore(counter, part, sound);
	bool stored = loaded == STORE_OWN && !journal.historic;

	/*
	 * Older firmware writes records without tails, and over cells that it does not know. That
	 * is not damage.
	 */
	if (!journal.newer && loaded == STORE_DAMAGED && !journal.historic && !journal_broken)
		journal.newer = 1;
	if (journal.newer) {
		count_fallback(journal.newer);
		stored = false;
	}
	for (uint8_t i = 0; i < SENSORS; i++) {
		if (!(sound & bit(i)))
			meter_set(i, counter[i], 0);
	}
	restore_parts(part, sound);
	meter_follow_settings();
	journal_note_all();
	if (sound || !known)
		flags.unsaved = true;
	else
		flags.unsaved = false;
	keeper_boot(power_on);
	/* If the newest record is a short one, the supply failed. */
	if (power_on && journal.shorts) {
		settings.brownouts++;
		stored = false;
	}
	if (watchdog) {
		settings.watchdogs++;
		if (keeper_saves) { /* a hang at each start must not wear out the settings */
			keeper_saves--;
			stored = false;
		}
	}
	if (!stored)
		keeper_commit();
}
