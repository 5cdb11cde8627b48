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

/* RAM that survived wins over the EEPROM, sensor by sensor; then a historic image; then nothing. */
SHARED void start_restore(bool power_on, bool watchdog, uint8_t sound)
{
	uint32_t counter[SENSORS] = { 0 };
	bool stored = store_load();
	bool known;

	if (!stored) {
		settings_default();
		journal.historic = history_take(counter);
	}
	known = journal_restore(counter);
	for (uint8_t i = 0; i < SENSORS; i++) {
		if (!(sound & bit(i)))
			meter_set(i, counter[i]);
	}
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
