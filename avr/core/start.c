/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where settings and counters come from at start. */
#include "start.h"

#include "flags.h"
#include "history.h"
#include "journal.h"
#include "keeper.h"
#include "meter.h"
#include "settings.h"
#include "store.h"

/* An older record than the newest was taken. */
static void fell(uint8_t newer)
{
	more.falls++;
	more.age = newer;
}

/* The settings and what goes with them, or those of a historic image, whose counters it takes, or defaults. */
static enum store_found start_settings(uint32_t *counter)
{
	bool stored = store_load();
	enum store_found found;

	if (!stored)
		settings_default();
	found = store_load_more(stored);
	if (!stored && history_take(counter)) {
		journal.historic = true;
		more.littered = true;
	}
	if (more.littered)
		journal_respect_image();
	if (found == STORE_NO_MORE && (stored || journal.historic)) {
		more.trial = TRIAL_H;
		journal.historic =
			true; /* layout 1 ends when what lies in its slots has been taken over */
	}
	return found;
}

/* What pulses left of a Wh: out of the record, or out of RAM when it is sound and fits the settings. */
static void restore_parts(const uint16_t *part, uint8_t sound)
{
	for (uint8_t input = 0; input < PULSES; input++) {
		uint8_t sensor = settings_sensor((uint8_t)(FIRST_PULSE_PORT + input));

		if (sensor < SENSORS)
			meter_restore_part(sensor, part[input], sound & bit(sensor));
	}
}

/* RAM that survived wins over the EEPROM, sensor by sensor; then a historic image; then nothing. */
SHARED void start_restore(bool power_on, bool watchdog, uint8_t sound)
{
	uint32_t counter[SENSORS] = { 0 };
	uint16_t part[PULSES] = { 0 };
	enum store_found found = start_settings(counter);
	bool known = journal_restore(counter, part, sound);
	bool stored = found == STORE_OWN && !journal.historic;

	/* Older firmware's records have no tails, and it writes over what it does not know: that is no damage. */
	if (!journal.newer && found == STORE_DAMAGED && !journal.historic && !journal_broken)
		journal.newer = 1;
	if (journal.newer) {
		fell(journal.newer);
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
	/* A short record as the newest means that the supply failed. */
	if (power_on && journal.shorts) {
		settings.brownouts++;
		stored = false;
	}
	if (watchdog) {
		settings.watchdogs++;
		if (keeper_saves) { /* a hang at each start must not wear the settings' cells out */
			keeper_saves--;
			stored = false;
		}
	}
	if (!stored)
		keeper_commit();
}
