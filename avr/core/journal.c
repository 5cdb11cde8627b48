/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records of the counters: finding, writing and checking them, and erasing ahead. */
#include "journal.h"

#include <string.h>

#include "copy.h"
#include "crc.h"
#include "eeprom.h"
#include "flags.h"
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

SHARED static uint16_t short_place(uint8_t slot)
{
	return (uint16_t)(SHORT_AT + slot * SHORT_SIZE);
}

SHARED static uint8_t after(uint8_t full_slot)
{
	return (uint8_t)(full_slot + 1 < FULL_SLOTS ? full_slot + 1 : 0);
}

static uint16_t word(const uint8_t *at)
{
	return (uint16_t)((uint16_t)at[1] << 8 | at[0]);
}

/* Writes the CRC behind the body. */
static void seal(struct journal *now)
{
	uint8_t *end = now->buffer + now->body;

	if (!now->brief) {
		*end++ = (uint8_t)now->crc;
		now->crc >>= 8;
	}
	*end = last_byte((uint8_t)now->crc);
}

static void crc_more(struct journal *now, uint8_t byte)
{
	now->crc = now->brief ? crc8_update((uint8_t)now->crc, byte) : crc16_update(now->crc, byte);
	if (++now->at == now->body)
		seal(now);
}

SHARED static void crc_start(struct journal *now)
{
	now->at = 0;
	now->body = now->brief ? SHORT_SIZE - 1 : FULL_SIZE - 2;
	now->crc = now->brief ? now->short_seed : CRC16_SEED;
}

SHARED static uint8_t size(const struct journal *now)
{
	return now->brief ? SHORT_SIZE : FULL_SIZE;
}

/* True when the cells before now->place hold what is in the buffer. */
static bool reads_back(const struct journal *now)
{
	uint16_t at = now->place;

	for (uint8_t i = size(now); i-- > 0;) {
		if (eeprom_read(--at) != now->buffer[i])
			return false;
	}
	return true;
}

/* Loads the record at now->place and goes on to the next place; true when the record is sound. */
static bool load(struct journal *now, bool brief)
{
	uint16_t place = now->place;

	now->brief = brief;
	crc_start(now);
	do {
		uint8_t byte = eeprom_read(place++);

		now->buffer[now->at] = byte;
		crc_more(now, byte);
	} while (now->at < now->body);
	now->place += size(now);
	return reads_back(now);
}

/* Makes the full record in buffer[] the base of what follows. */
static void adopt(struct journal *now)
{
	now->sequence = now->attempt = word(now->buffer);
	memcpy(now->base, now->buffer + 2, sizeof(now->base));
	now->short_seed = crc8_update(crc8_update(0, now->buffer[0]), now->buffer[1]);
	now->shorts = 0;
	now->short_live = JOURNAL_NO_SLOT;
	now->far = false;
	now->distant = false;
}

static bool find_full(struct journal *now)
{
	now->short_live = JOURNAL_NO_SLOT;
	now->full_next = FULL_FIRST;
	now->far = true;
	now->place = FULL_AT;
	for (uint8_t slot = 0; slot < FULL_SLOTS; slot++) {
		if (!load(now, false))
			continue;
		if (!now->far && (int16_t)(word(now->buffer) - now->sequence) < 0)
			continue;
		adopt(now);
		now->full_next = after(slot);
	}
	return !now->far;
}

static uint8_t tag(const struct journal *now)
{
	return (uint8_t)((uint8_t)(now->sequence << 4) | now->shorts);
}

/* Brings counters up to the low halves in the short record in buffer[]. */
static void extend(const struct journal *now, uint32_t *counter)
{
	const uint8_t *low = now->buffer + 1;

	for (uint8_t i = SENSORS; i > 0; i--, low += 2, counter++)
		*counter += (uint16_t)(word(low) - (uint16_t)*counter);
}

bool journal_restore(uint32_t *counter)
{
	struct journal *now = &journal;

	BASE(now);
	if (!find_full(now))
		return false;
	memcpy(counter, now->base, sizeof(now->base));
	now->place = SHORT_AT;
	for (uint8_t slot = 0; slot < SHORT_SLOTS; slot++) {
		if (!load(now, true))
			continue;
		/* Of another base, or older than the one found. */
		if ((now->buffer[0] ^ tag(now)) >> 4 || now->buffer[0] <= tag(now))
			continue;
		now->shorts = now->buffer[0] & 0x0f;
		now->short_live = slot;
		extend(now, counter);
	}
	return true;
}

SHARED void journal_note(uint8_t sensor, uint32_t counter)
{
	uint32_t ahead = counter - journal.base[sensor];

	if (ahead >> 16)
		journal.far = true;
	if (ahead >> JOURNAL_DISTANT_BIT)
		journal.distant = true;
}

SHARED void journal_note_all(void)
{
	for (uint8_t i = 0; i < SENSORS; i++)
		journal_note(i, sensor_counter[i]);
}

static void fill_short(struct journal *now)
{
	now->buffer[0] = (uint8_t)(tag(now) + 1);
	copy_low(now->buffer + 1, sensor_counter, SENSORS);
	now->place = short_place(now->short_next);
	now->short_ready = false;
}

static void fill_full(struct journal *now)
{
	uint16_t sequence = ++now->attempt;

	now->buffer[0] = (uint8_t)sequence;
	now->buffer[1] = (uint8_t)(sequence >> 8);
	copy_whole(now->buffer + 2, sensor_counter, SENSORS);
	now->place = full_place(now->full_next);
	now->full_next = after(now->full_next);
	now->full_ready--;
}

/*
 * A full record gives way, unless it is complete, or about to be and good enough to put a short one on; a short one does
 * not.
 */
static bool gives_way(struct journal *now)
{
	uint8_t phase = now->phase;

	if (phase == JOURNAL_FREE)
		return true;
	if (phase == JOURNAL_WRITTEN || now->brief || (now->at >= FULL_SIZE && !now->far))
		return false;
	now->displaced = true;
	return true;
}

static bool short_fits(const struct journal *now)
{
	return now->short_ready && !now->far && now->shorts < JOURNAL_SHORTS_MAX;
}

/* In the background a full record leaves another erased slot behind, so that a falling supply finds one at any time. */
SHARED bool journal_begin(bool may_be_short)
{
	struct journal *now = &journal;
	uint8_t needed = JOURNAL_AHEAD;

	BASE(now);
	if (may_be_short)
		needed = !short_fits(now);
	if (now->full_ready < needed || !gives_way(now))
		return false;
	now->brief = may_be_short;
	now->at = 0;
	now->phase = JOURNAL_ASKED;
	eeprom_call_journal();
	return true;
}

/* Takes the counters as they are now. */
static bool fill(struct journal *now)
{
	if (now->brief && short_fits(now)) {
		fill_short(now);
	} else if (now->full_ready) {
		now->brief = false;
		fill_full(now);
	} else {
		now->phase = JOURNAL_FREE;
		flags.again = true;
		return false;
	}
	crc_start(now);
	flags.unsaved = false;
	now->phase = JOURNAL_WRITING;
	return true;
}

/* The byte is on its way when its CRC is computed. */
bool journal_step(void)
{
	struct journal *now = &journal;
	uint8_t byte;

	BASE(now);
	if (now->phase == JOURNAL_ASKED)
		return fill(now);
	if (now->at >= size(now)) {
		now->phase = JOURNAL_WRITTEN;
		return false;
	}
	byte = now->buffer[now->at];
	eeprom_poke(now->place++, byte);
	if (now->at < now->body)
		crc_more(now, byte);
	else
		now->at++;
	return true;
}

bool journal_book(bool *sound)
{
	struct journal *now = &journal;

	BASE(now);
	if (now->phase != JOURNAL_WRITTEN)
		return false;
	*sound = reads_back(now);
	if (now->brief) {
		now->short_clean &= (uint8_t)~bit(now->short_next);
		now->shorts++;
		if (*sound)
			now->short_live = now->short_next;
	} else if (*sound) {
		adopt(now);
		journal_note_all();
	}
	now->tries = 0; /* other cells may be the next to be erased */
	now->phase = JOURNAL_FREE;
	return true;
}

/* True when all cells are erased, or too worn out to be; else starts with the last one that is not. */
SHARED static bool erase(struct journal *now, uint16_t place, uint8_t cells)
{
	uint8_t limit = (uint8_t)(2 * cells);

	while (cells--) {
		uint16_t at = (uint16_t)(place + cells);

		if (eeprom_read(at) == EEPROM_BLANK)
			continue;
		if (now->tries > limit)
			break;
		if (eeprom_start(at, EEPROM_BLANK, EEPROM_ERASE))
			now->tries++;
		return false;
	}
	now->tries = 0;
	return true;
}

static void tidy_full(struct journal *now)
{
	uint8_t slot = now->full_ready ? after(now->full_next) : now->full_next;
	uint8_t guard;

	if (!erase(now, full_place(slot), FULL_SIZE))
		return;
	guard = guard_enter();
	now->full_ready++; /* also when a record has just taken the slot before this one */
	guard_leave(guard);
}

/*
 * The next erased slot behind the newest short record is for the next; the others are erased ahead, but not before the first
 * full slot, nor where a historic image lies. True when the EEPROM is busy.
 */
static bool tidy_shorts(struct journal *now)
{
	uint8_t slot = now->short_live;

	for (uint8_t i = 0; i < SHORT_SLOTS; i++) {
		slot = (uint8_t)(slot + 1 < SHORT_SLOTS ? slot + 1 : 0);
		if (slot == now->short_live)
			continue;
		if (!(now->short_clean & bit(slot))) {
			if (!now->full_ready || now->historic)
				continue;
			if (erase(now, short_place(slot), SHORT_SIZE))
				now->short_clean |= bit(slot);
			return true;
		}
		/* In this order: a dip after it finds no short slot ready and leaves short_next alone. */
		if (now->short_ready || now->phase != JOURNAL_FREE)
			continue;
		now->short_next = slot;
		ORDER();
		now->short_ready = true;
	}
	return false;
}

SHARED void journal_tidy(void)
{
	struct journal *now = &journal;

	BASE(now);
	if (now->phase != JOURNAL_FREE || !eeprom_idle())
		return;
	if (tidy_shorts(now))
		return;
	if (now->full_ready < JOURNAL_AHEAD)
		tidy_full(now);
}
