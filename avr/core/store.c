/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Double-buffered settings. Serial number and CRC come last, so a copy half replaced is never the newer one. */
#include "store.h"

#include "eeprom.h"
#include "layout.h"
#include "settings.h"

#define PASSES_MAX 4 /* three attempts and the look whether the last one held */

static uint8_t copy;   /* the one that holds the settings, 0 or 1 */
static uint8_t serial; /* its serial number */
static uint8_t at;     /* next byte to compare */
static uint8_t passes;
static bool wrote; /* in this pass */
static enum store_result result = STORE_DONE;

static uint16_t place(uint8_t which)
{
	return (uint16_t)(SETTINGS_AT + which * SETTINGS_SIZE);
}

static bool read_copy(uint8_t which, struct settings *block)
{
	uint8_t *byte = (uint8_t *)block;

	for (uint8_t i = 0; i < SETTINGS_SIZE; i++)
		byte[i] = eeprom_read((uint16_t)(place(which) + i));
	return settings_valid(block);
}

bool store_load(void)
{
	struct settings block;
	bool any = false;

	for (uint8_t which = 0; which < 2; which++) {
		if (!read_copy(which, &block))
			continue;
		if (any && (int8_t)(block.serial - serial) < 0)
			continue;
		settings = block;
		serial = block.serial;
		copy = which;
		any = true;
	}
	return any;
}

static void restart(void)
{
	at = 0;
	wrote = false;
}

void store_begin(void)
{
	settings.layout = SETTINGS_LAYOUT;
	settings.serial = (uint8_t)(serial + 1);
	settings.crc = settings_crc(&settings);
	passes = 0;
	restart();
	result = STORE_BUSY;
}

void store_touch(void)
{
	if (result == STORE_BUSY)
		store_begin();
}

static void pass_over(void)
{
	if (!wrote) {
		copy ^= 1;
		serial = settings.serial;
		result = STORE_DONE;
	} else if (++passes >= PASSES_MAX) {
		result = STORE_FAILED;
	} else {
		restart();
	}
}

enum store_result store_run(void)
{
	const uint8_t *byte = (const uint8_t *)&settings;

	if (result != STORE_BUSY || !eeprom_idle())
		return result;
	for (; at < SETTINGS_SIZE; at++) {
		uint16_t cell = (uint16_t)(place(copy ^ 1) + at);

		if (eeprom_read(cell) == byte[at])
			continue;
		if (eeprom_start(cell, byte[at], EEPROM_REPLACE)) {
			wrote = true;
			at++;
		}
		return STORE_BUSY;
	}
	pass_over();
	return result;
}
