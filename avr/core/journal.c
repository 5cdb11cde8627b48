/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Begins records of the counters, writes them in the interrupt, and checks them. */
#include "journal.h"

#include "copy.h"
#include "eeprom.h"
#include "flags.h"
#include "guard.h"
#include "meter.h"
#include "slots.h"
#include "sweep.h"

struct journal journal;
volatile bool journal_broken NOINIT;

/* Returns true when the EEPROM holds what is in the buffer. */
static bool reads_back(const struct journal *now)
{
	if (now->brief)
		return slots_hold(slots_short(now->slot), now->buffer, SHORT_SIZE) &&
		       slots_hold(slots_pieces(now->slot), now->buffer + SHORT_SIZE, 1);
	return slots_hold(slots_full(now->slot), now->buffer, FULL_SIZE) &&
	       (now->bare || slots_hold(slots_tail(now->slot), now->buffer + FULL_SIZE, TAIL_SIZE));
}

void journal_respect_image(void)
{
	journal.littered = true;
	journal.first = FULL_FIRST;
}

void journal_release(void)
{
	struct journal *now = &journal;
	uint8_t guard;

	BASE(now);
	now->historic = false;
	now->littered = false;
	now->tries = 0; /* another slot may be the next to be erased */
	now->sweeping = 0;
	now->first = 0;
	guard = guard_enter();
	if (now->full_ready > 1)
		now->full_ready = 1; /* another slot may follow it now */
	guard_leave(guard);
	slots_order(now);
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

SHARED void journal_note_part(uint8_t input, uint16_t part, uint8_t pieces)
{
	struct journal *now = &journal;

	BASE(now);
	now->part[input] = part;
	if (input)
		now->pieces = (uint8_t)((now->pieces & 0x0f) | pieces << 4);
	else
		now->pieces = (uint8_t)((now->pieces & 0xf0) | pieces);
}

SHARED void journal_break(void)
{
	uint8_t guard = guard_enter();

	journal_broken = true;
	journal.mends = false;
	guard_leave(guard);
}

static void take_short(struct journal *now)
{
	copy_low(now->buffer + 1, sensor_counter, SENSORS);
	now->buffer[SHORT_SIZE] = now->pieces;
}

static void take_full(struct journal *now)
{
	uint8_t *tail = now->buffer + FULL_SIZE;

	copy_whole(now->buffer + 2, sensor_counter, SENSORS);
	tail[0] = (uint8_t)now->part[0];
	tail[1] = (uint8_t)(now->part[0] >> 8);
	tail[2] = (uint8_t)now->part[1];
	tail[3] = (uint8_t)(now->part[1] >> 8);
	now->mends = true;
}

/* Writes the pieces at once; journal_step() writes the record after them. */
static void place_short(struct journal *now)
{
	now->buffer[0] = (uint8_t)(slots_tag(now) + 1);
	now->slot = now->short_next;
	now->short_ready = false;
	now->left = SHORT_SIZE;
	now->next = 0;
	eeprom_poke(slots_pieces(now->slot), now->buffer[SHORT_SIZE]);
}

/*
 * Writes the tail first, so that a complete record always has one; but when the supply falls, the
 * counters come first.
 */
static void place_full(struct journal *now)
{
	uint16_t sequence = ++now->attempt;

	now->buffer[0] = (uint8_t)sequence;
	now->buffer[1] = (uint8_t)(sequence >> 8);
	now->slot = now->full_next;
	now->full_next = now->after[now->slot];
	now->full_ready--;
	now->bare = now->historic || now->littered;
	now->left = now->bare ? FULL_SIZE : FULL_SIZE + TAIL_SIZE;
	now->next = now->urgent || now->bare ? 0 : FULL_SIZE;
}

/*
 * Returns true when a new record may replace the one under way. A short record is always finished;
 * so is a full one that is complete, or nearly complete and able to carry a short record.
 */
static bool gives_way(struct journal *now)
{
	uint8_t phase = now->phase;

	if (phase == JOURNAL_FREE)
		return true;
	if (phase == JOURNAL_WRITTEN || now->brief)
		return false;
	if (phase == JOURNAL_WRITING && !now->far && now->left <= (now->urgent ? TAIL_SIZE : 0))
		return false;
	now->displaced = true;
	return true;
}

static bool short_fits(const struct journal *now)
{
	return now->short_ready && !now->far && !journal_broken && now->shorts < JOURNAL_SHORTS_MAX;
}

/* An hourly record needs two erased slots: it leaves one for a save, which may come at any time. */
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
	now->urgent = may_be_short;
	now->phase = JOURNAL_ASKED;
	eeprom_call_journal();
	return true;
}

void journal_hurry(void)
{
	struct journal *now = &journal;

	BASE(now);
	if (now->brief || now->urgent)
		return;
	if (now->phase == JOURNAL_WRITING) {
		if (now->left <= FULL_SIZE)
			return;
		now->left = FULL_SIZE + TAIL_SIZE;
		now->at = now->end = 0;
		now->next = 0;
	}
	now->urgent = true;
}

/* Copies the counters as they are now to the buffer. Returns false if no slot is left. */
static bool take_counters(struct journal *now)
{
	if (now->brief && short_fits(now)) {
		take_short(now);
	} else if (now->full_ready) {
		now->brief = false;
		take_full(now);
	} else {
		now->phase = JOURNAL_FREE;
		flags.again = true;
		return false;
	}
	flags.unsaved = false;
	now->phase = JOURNAL_TAKEN;
	return true;
}

/* Gives the record in the buffer its slot. */
static bool place(struct journal *now)
{
	if (now->brief)
		place_short(now);
	else
		place_full(now);
	now->at = now->end = 0;
	now->phase = JOURNAL_WRITING;
	return true;
}

/* Begins the other segment: the record after its tail, or the tail after the record. */
static bool begin_segment(struct journal *now)
{
	slots_segment(now, now->next);
	now->next = now->next ? 0 : FULL_SIZE;
	return true;
}

/*
 * Some steps write nothing, to keep each interrupt short. The CRC is updated after the byte's write
 * has begun.
 */
bool journal_step(void)
{
	struct journal *now = &journal;
	uint8_t byte;

	BASE(now);
	if (now->phase == JOURNAL_ASKED)
		return take_counters(now);
	if (now->phase == JOURNAL_TAKEN)
		return place(now);
	if (!now->left) {
		now->phase = JOURNAL_WRITTEN;
		return false;
	}
	if (now->at >= now->end)
		return begin_segment(now);
	byte = now->buffer[now->at];
	eeprom_poke(now->place++, byte);
	now->left--;
	if (now->at < now->body)
		slots_crc(now, byte);
	else
		now->at++;
	return true;
}

bool journal_check(bool *sound, bool weak)
{
	struct journal *now = &journal;

	BASE(now);
	if (now->phase != JOURNAL_WRITTEN)
		return false;
	*sound = reads_back(now);
	if (now->brief) {
		now->short_clean &= (uint8_t)~bit(now->slot);
		now->shorts++;
		if (*sound)
			now->short_live = now->slot;
	} else if (*sound) {
		slots_adopt(now);
		slots_adopt_tail(now);
		if (now->mends)
			journal_broken = now->bare;
		journal_note_all();
	} else if (!weak && !now->urgent) {
		sweep_retire_full(now, now->slot);
	}
	now->tries = 0; /* other cells may be the next to be erased */
	now->sweeping = 0;
	now->phase = JOURNAL_FREE;
	return true;
}
