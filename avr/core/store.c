/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two copies of the settings. Serial number and CRC are written last, so a copy that is half
 * written never counts as the newer one.
 */
#include "store.h"

#include <stddef.h>
#include <string.h>

#include "eeprom.h"
#include "layout.h"
#include "settings.h"

#define TRIES_MAX 6 /* three erasures and three writes; a cell that still fails is worn out */

static uint8_t copy;   /* the copy that holds the settings, 0 or 1 */
static uint8_t serial; /* its serial number */
static uint8_t at; /* next byte to compare, of more and settings; those before it read back right */
static uint8_t tries;
enum store_result store_state;

SHARED static uint16_t place(uint8_t which)
{
	return (uint16_t)(SETTINGS_AT + (which ? SETTINGS_SIZE : 0));
}

SHARED static uint16_t more_place(uint8_t which)
{
	return (uint16_t)(MORE_AT + (which ? MORE_SIZE : 0));
}

SHARED static void read_cells(void *to, uint16_t cell, uint8_t size)
{
	uint8_t *byte = to;

	while (size--)
		*byte++ = eeprom_read(cell++);
}

static bool read_copy(uint8_t which)
{
	read_cells(&settings, place(which), SETTINGS_SIZE);
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

static bool read_more(uint8_t which)
{
	read_cells(&more, more_place(which), MORE_SIZE);
	return more_valid();
}

/*
 * Returns true when this copy of the settings was once written to its end: its last byte, of the
 * CRC, matches more.of.
 */
static bool complete(uint8_t which)
{
	uint8_t last = eeprom_read((uint16_t)(place(which) + SETTINGS_SIZE - 1));

	return read_more(which) && (uint8_t)(more.of >> 8) == last;
}

/*
 * Returns true when the copy that was not loaded is newer. It is damaged then, unless a power cut
 * ended its writing.
 */
static bool newer_is_damaged(bool stored)
{
	uint8_t other = copy ^ 1;
	uint8_t its = eeprom_read((uint16_t)(place(other) + offsetof(struct settings, serial)));

	return (!stored || (uint8_t)(serial - its) != 1) && complete(other);
}

/*
 * Loads a copy of more that belongs to other settings. The energy of a pulse is reset, because the
 * lost settings may have said something else.
 */
static enum store_loaded load_other(bool stored)
{
	enum store_loaded loaded = STORE_OTHER;

	if (!read_more(copy)) {
		if (!read_more(copy ^ 1)) {
			more_default();
			return STORE_NO_MORE;
		}
		if (complete(copy ^ 1))
			loaded = STORE_DAMAGED;
	} else if (!stored) {
		loaded = STORE_DAMAGED;
	}
	memset(more.exact, 0, sizeof(more.exact));
	more.littered = false; /* older firmware has erased those slots */
	return loaded;
}

enum store_loaded store_load_more(bool stored)
{
	bool damaged = newer_is_damaged(stored);
	enum store_loaded loaded = STORE_OWN;

	if (!stored || !read_more(copy) || more.of != settings.crc)
		loaded = load_other(stored);
	if (damaged && loaded == STORE_OWN)
		loaded = STORE_DAMAGED;
	if (more.image == FORM)
		return loaded;
	more.image = FORM;
	more.form = FORM;
	return loaded == STORE_OWN ? STORE_OTHER : loaded;
}

void store_begin(void)
{
	settings.serial = (uint8_t)(serial + 1);
	settings.crc = settings_crc(&settings);
	more.of = settings.crc;
	more.crc = more_crc();
	at = 0;
	tries = 0;
	store_state = STORE_BUSY;
}

void store_touch(void)
{
	if (store_state == STORE_BUSY)
		store_begin();
}

/* Returns the byte to store next and its cell: first those of more, then those of settings. */
static uint8_t wanted(uint8_t which, uint16_t *cell)
{
	if (at < MORE_SIZE) {
		*cell = (uint16_t)(more_place(which) + at);
		return ((const uint8_t *)&more)[at];
	}
	*cell = (uint16_t)(place(which) + at - MORE_SIZE);
	return ((const uint8_t *)&settings)[at - MORE_SIZE];
}

/* Erases and writes in two operations, so that a save waits for one of them only. */
void store_run(void)
{
	if (store_state != STORE_BUSY)
		return;
	for (; at < MORE_SIZE + SETTINGS_SIZE; at++, tries = 0) {
		uint16_t cell;
		uint8_t want = wanted(copy ^ 1, &cell);
		uint8_t have;

		if (!eeprom_idle())
			return; /* a read would also wait for the record that has just begun */
		have = eeprom_read(cell);
		if (have == want)
			continue;
		if (tries >= TRIES_MAX)
			store_state = STORE_FAILED;
		else if (eeprom_start(cell, want,
				      (have & want) == want ? EEPROM_WRITE : EEPROM_ERASE))
			tries++;
		return;
	}
	copy ^= 1;
	serial = settings.serial;
	store_state = STORE_DONE;
}
