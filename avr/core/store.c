/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Double-buffered settings. Serial number and CRC come last, so a copy half replaced is never the newer one. */
#include "store.h"

#include "eeprom.h"
#include "layout.h"
#include "settings.h"

#define TRIES_MAX 3 /* a cell that does not hold its byte after so many writes is worn out */

static uint8_t copy;   /* the one that holds the settings, 0 or 1 */
static uint8_t serial; /* its serial number */
static uint8_t at;     /* next byte to compare; those before it read back right */
static uint8_t tries;
enum store_result store_state;

SHARED static uint16_t place(uint8_t which)
{
	return (uint16_t)(SETTINGS_AT + (which ? SETTINGS_SIZE : 0));
}

static bool read_copy(uint8_t which)
{
	uint8_t *byte = (uint8_t *)&settings;
	uint16_t cell = place(which);

	for (uint8_t i = SETTINGS_SIZE; i > 0; i--)
		*byte++ = eeprom_read(cell++);
	return settings_valid(&settings);
}

bool store_load(void)
{
	bool any = read_copy(0);

	serial = settings.serial;
	copy = read_copy(1) && (!any || (int8_t)(settings.serial - serial) > 0);
	any = copy || read_copy(0);
	serial = settings.serial;
	return any;
}

void store_begin(void)
{
	settings.serial = (uint8_t)(serial + 1);
	settings.crc = settings_crc(&settings);
	at = 0;
	tries = 0;
	store_state = STORE_BUSY;
}

void store_touch(void)
{
	if (store_state == STORE_BUSY)
		store_begin();
}

void store_run(void)
{
	const uint8_t *byte = (const uint8_t *)&settings;
	uint16_t cell = place(copy ^ 1);

	if (store_state != STORE_BUSY || !eeprom_idle())
		return;
	for (; at < SETTINGS_SIZE; at++, tries = 0) {
		uint8_t want = byte[at];

		if (eeprom_read(cell + at) == want)
			continue;
		if (tries >= TRIES_MAX)
			store_state = STORE_FAILED;
		else if (eeprom_start(cell + at, want, EEPROM_REPLACE))
			tries++;
		return;
	}
	copy ^= 1;
	serial = settings.serial;
	store_state = STORE_DONE;
}
