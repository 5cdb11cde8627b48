/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records of the counters: finding, writing, checking and erasing ahead. */
#include "journal.h"

#include <string.h>

#include "crc.h"
#include "eeprom.h"
#include "guard.h"
#include "meter.h"

struct journal journal;

/* The last byte written never looks erased: an erased one tells for certain that the record is incomplete. */
static uint8_t last_byte(uint8_t crc)
{
	return crc == EEPROM_BLANK ? 0 : crc;
}

static uint16_t full_place(uint8_t slot)
{
	return (uint16_t)(FULL_AT + slot * FULL_SIZE);
}

static uint16_t short_place(uint8_t slot)
{
	return (uint16_t)(SHORT_AT + slot * SHORT_SIZE);
}

static void load(uint16_t at, uint8_t size)
{
	for (uint8_t i = 0; i < size; i++)
		journal.buffer[i] = eeprom_read((uint16_t)(at + i));
}

/* Sequence of the full record in buffer[]. */
static uint16_t buffer_sequence(void)
{
	return (uint16_t)(journal.buffer[0] | journal.buffer[1] << 8);
}

static bool full_sound(uint16_t at)
{
	uint16_t crc;

	load(at, FULL_SIZE);
	crc = crc16_block(CRC16_SEED, journal.buffer, FULL_SIZE - 2);
	return journal.buffer[FULL_SIZE - 2] == (uint8_t)crc && journal.buffer[FULL_SIZE - 1] == last_byte((uint8_t)(crc >> 8));
}

static bool short_sound(uint16_t at)
{
	uint8_t crc = journal.short_seed;

	load(at, SHORT_SIZE);
	if ((uint8_t)(journal.buffer[0] >> 4) != (uint8_t)(journal.sequence & 0x0f))
		return false;
	for (uint8_t i = 0; i < SHORT_SIZE - 1; i++)
		crc = crc8_update(crc, journal.buffer[i]);
	return journal.buffer[SHORT_SIZE - 1] == last_byte(crc);
}

/* Makes the full record in buffer[] the base of what follows. */
static void adopt(void)
{
	journal.sequence = buffer_sequence();
	memcpy(journal.base, journal.buffer + 2, sizeof(journal.base));
	journal.short_seed = crc8_update(crc8_update(0, journal.buffer[0]), journal.buffer[1]);
	journal.attempt = journal.sequence;
	journal.shorts = 0;
	journal.short_live = JOURNAL_NO_SLOT;
	journal.far = false;
}

static uint8_t after(uint8_t full_slot)
{
	return (uint8_t)(full_slot + 1 < FULL_SLOTS ? full_slot + 1 : 0);
}

static bool find_full(void)
{
	bool any = false;

	journal.short_live = JOURNAL_NO_SLOT;
	journal.full_next = FULL_FIRST;
	journal.far = true;
	for (uint8_t slot = 0; slot < FULL_SLOTS; slot++) {
		if (!full_sound(full_place(slot)))
			continue;
		if (any && (int16_t)(buffer_sequence() - journal.sequence) < 0)
			continue;
		any = true;
		adopt();
		journal.full_next = after(slot);
	}
	return any;
}

/* Puts the low halves of a short record in buffer[] onto the base. */
static void extend(uint32_t *counter)
{
	for (uint8_t i = 0; i < SENSORS; i++) {
		const uint8_t *low = journal.buffer + 1 + 2 * i;
		uint16_t value = (uint16_t)((uint16_t)low[1] << 8 | low[0]);
		uint16_t moved = (uint16_t)(value - (uint16_t)journal.base[i]);

		counter[i] = journal.base[i] + moved;
	}
}

bool journal_restore(uint32_t *counter)
{
	if (!find_full())
		return false;
	memcpy(counter, journal.base, sizeof(journal.base));
	for (uint8_t slot = 0; slot < SHORT_SLOTS; slot++) {
		uint8_t number;

		if (!short_sound(short_place(slot)))
			continue;
		number = journal.buffer[0] & 0x0f;
		if (number <= journal.shorts)
			continue;
		journal.shorts = number;
		journal.short_live = slot;
		extend(counter);
	}
	return true;
}

void journal_note(uint8_t sensor, uint32_t counter)
{
	if ((counter - journal.base[sensor]) >> 16)
		journal.far = true;
}

static void fill_short(void)
{
	uint8_t *at = journal.buffer;

	*at++ = (uint8_t)((uint8_t)(journal.sequence << 4) | (uint8_t)(journal.shorts + 1));
	for (uint8_t i = 0; i < SENSORS; i++) {
		uint16_t low = (uint16_t)sensor_counter[i];

		*at++ = (uint8_t)low;
		*at++ = (uint8_t)(low >> 8);
	}
	journal.crc = journal.short_seed;
	journal.body = SHORT_SIZE - 1;
	journal.place = journal.short_at;
	journal.short_at = 0;
}

static void fill_full(void)
{
	uint16_t sequence = ++journal.attempt;

	journal.buffer[0] = (uint8_t)sequence;
	journal.buffer[1] = (uint8_t)(sequence >> 8);
	memcpy(journal.buffer + 2, sensor_counter, sizeof(journal.base));
	journal.crc = CRC16_SEED;
	journal.body = FULL_SIZE - 2;
	journal.place = journal.full_at;
	journal.full_at = journal.full_spare;
	journal.full_spare = 0;
	journal.full_next = after(journal.full_next);
}

/* A full record in the background gives way, unless it is only waiting for its last byte; a short one does not. */
static bool gives_way(void)
{
	if (journal.phase == JOURNAL_FREE)
		return true;
	if (journal.phase == JOURNAL_WRITTEN || journal.brief || journal.at >= FULL_SIZE)
		return false;
	journal.displaced = true;
	return true;
}

bool journal_begin(bool may_be_short)
{
	if (!gives_way())
		return false;
	if (may_be_short && !journal.far && journal.short_at && journal.shorts < JOURNAL_SHORTS_MAX) {
		journal.brief = true;
		fill_short();
	} else if (journal.full_at) {
		journal.brief = false;
		fill_full();
	} else {
		return false;
	}
	meter_unsaved = false;
	journal.at = 0;
	journal.phase = JOURNAL_WRITING;
	eeprom_call_journal();
	return true;
}

/* The byte is on its way when its CRC is computed. */
bool journal_step(void)
{
	uint8_t byte;

	if (journal.phase != JOURNAL_WRITING)
		return false;
	byte = journal.buffer[journal.at];
	if (journal.at >= (journal.brief ? SHORT_SIZE : FULL_SIZE)) {
		journal.phase = JOURNAL_WRITTEN;
		return false;
	}
	eeprom_poke(journal.place++, byte);
	journal.at++;
	if (journal.at > journal.body)
		return true;
	journal.crc = journal.brief ? crc8_update((uint8_t)journal.crc, byte) : crc16_update(journal.crc, byte);
	if (journal.at == journal.body) {
		if (journal.brief) {
			journal.buffer[journal.body] = last_byte((uint8_t)journal.crc);
		} else {
			journal.buffer[journal.body] = (uint8_t)journal.crc;
			journal.buffer[journal.body + 1] = last_byte((uint8_t)(journal.crc >> 8));
		}
	}
	return true;
}

static bool reads_back(void)
{
	uint16_t at = journal.place;

	for (uint8_t i = journal.brief ? SHORT_SIZE : FULL_SIZE; i-- > 0;) {
		if (eeprom_read(--at) != journal.buffer[i])
			return false;
	}
	return true;
}

bool journal_book(bool *sound)
{
	if (journal.phase != JOURNAL_WRITTEN)
		return false;
	*sound = reads_back();
	if (journal.brief) {
		uint8_t slot = (uint8_t)((journal.place - SHORT_AT) / SHORT_SIZE - 1);

		journal.short_clean = (uint8_t)(journal.short_clean & ~(1u << slot));
		journal.shorts++;
		if (*sound)
			journal.short_live = slot;
	} else if (*sound) {
		adopt();
		for (uint8_t i = 0; i < SENSORS; i++)
			journal_note(i, sensor_counter[i]);
	}
	journal.phase = JOURNAL_FREE;
	return true;
}

/* True when all cells are erased; else starts with the last one that is not. */
static bool erased(uint16_t place, uint8_t size)
{
	while (size--) {
		uint16_t at = (uint16_t)(place + size);

		if (eeprom_read(at) == EEPROM_BLANK)
			continue;
		if (eeprom_start(at, EEPROM_BLANK, EEPROM_ERASE))
			journal.tries++;
		return false;
	}
	journal.tries = 0;
	return true;
}

/* A slot that cannot be erased is worn out: pass it over. */
static bool worn_out(uint8_t size)
{
	if (journal.tries <= 2 * size)
		return false;
	journal.tries = 0;
	return true;
}

static void tidy_full(void)
{
	bool spare = journal.full_at != 0;
	uint16_t place = full_place(spare ? after(journal.full_next) : journal.full_next);
	uint8_t guard;

	if (!spare && worn_out(FULL_SIZE)) {
		journal.full_next = after(journal.full_next);
		return;
	}
	if (!erased(place, FULL_SIZE))
		return;
	guard = guard_enter();
	if (!spare)
		journal.full_at = place;
	else if (journal.full_at && journal.full_at != place)
		journal.full_spare = place;
	guard_leave(guard);
}

static void tidy_short(uint8_t slot)
{
	if (erased(short_place(slot), SHORT_SIZE) || worn_out(SHORT_SIZE))
		journal.short_clean = (uint8_t)(journal.short_clean | 1u << slot);
}

/* The slot for the next short record: the first erased one behind the newest. */
static void offer_short(void)
{
	uint8_t slot = journal.short_live;
	uint8_t guard;

	for (uint8_t i = 0; i < SHORT_SLOTS; i++) {
		slot = (uint8_t)(slot + 1 < SHORT_SLOTS ? slot + 1 : 0);
		if (slot == journal.short_live || !(journal.short_clean >> slot & 1))
			continue;
		guard = guard_enter();
		journal.short_at = short_place(slot);
		guard_leave(guard);
		return;
	}
}

static bool tidy_shorts(void)
{
	for (uint8_t slot = 0; slot < SHORT_SLOTS; slot++) {
		if (slot == journal.short_live || journal.short_clean >> slot & 1)
			continue;
		tidy_short(slot);
		return true;
	}
	return false;
}

void journal_tidy(void)
{
	if (journal.phase != JOURNAL_FREE || !eeprom_idle())
		return;
	if (!journal.full_at) {
		tidy_full();
		return;
	}
	if (!journal.short_at && !journal.historic)
		offer_short();
	if (!journal.historic && tidy_shorts())
		return;
	if (!journal.full_spare)
		tidy_full();
}
