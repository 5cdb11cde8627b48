/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records of the counters: finding, writing and checking them, and erasing ahead. */
#include "journal.h"

#include <string.h>

#include "copy.h"
#include "crc.h"
#include "eeprom.h"
#include "energy.h"
#include "flags.h"
#include "guard.h"
#include "meter.h"
#include "settings.h"
#include "store.h"

struct journal journal;
volatile bool journal_broken NOINIT;

/* The last byte written never looks erased: an erased one tells for certain that the record is incomplete. */
static uint8_t last_byte(uint8_t crc)
{
	return crc == EEPROM_BLANK ? 0 : crc;
}

SHARED static uint16_t full_place(uint8_t slot)
{
	return (uint16_t)(FULL_AT + slot * FULL_SIZE);
}

SHARED static uint16_t tail_place(uint8_t slot)
{
	return (uint16_t)(TAIL_AT + slot * TAIL_SIZE);
}

SHARED static uint16_t short_place(uint8_t slot)
{
	return (uint16_t)(SHORT_AT + slot * SHORT_SIZE);
}

static uint16_t pieces_place(uint8_t slot)
{
	return (uint16_t)(PIECES_AT + slot);
}

static bool worn(uint8_t slot)
{
	return more.worn_full & bit(slot);
}

static bool worn_short(uint8_t slot)
{
	return more.worn_short & bit(slot);
}

/* Which slot comes after which, those left out that are worn or not free yet. */
static void order_slots(struct journal *now)
{
	uint8_t next = 0;

	for (uint8_t k = 2 * FULL_SLOTS; k > 0; k--) {
		uint8_t slot = (uint8_t)(k - 1) & (FULL_SLOTS - 1);

		now->after[slot] = next;
		if (slot >= now->first && !worn(slot))
			next = slot;
	}
}

static uint16_t word(const uint8_t *at)
{
	return (uint16_t)((uint16_t)at[1] << 8 | at[0]);
}

/* Begins the segment of the buffer at that index: the record, or its tail. */
static void segment(struct journal *now, uint8_t at)
{
	now->at = at;
	if (at) {
		now->body = FULL_SIZE + TAIL_SIZE - 1;
		now->end = FULL_SIZE + TAIL_SIZE;
		now->crc = now->buffer[0];
		now->place = tail_place(now->slot);
	} else if (now->brief) {
		now->body = SHORT_SIZE - 1;
		now->end = SHORT_SIZE;
		now->crc = now->short_seed;
		now->place = short_place(now->slot);
	} else {
		now->body = FULL_SIZE - 2;
		now->end = FULL_SIZE;
		now->crc = CRC16_SEED;
		now->place = full_place(now->slot);
	}
}

/* Writes the CRC behind the body. */
static void seal(struct journal *now)
{
	uint8_t *end = now->buffer + now->body;

	if (now->body == FULL_SIZE - 2) {
		*end++ = (uint8_t)now->crc;
		now->crc >>= 8;
	}
	*end = last_byte((uint8_t)now->crc);
}

static void crc_more(struct journal *now, uint8_t byte)
{
	if (now->body == FULL_SIZE - 2)
		now->crc = crc16_update(now->crc, byte);
	else
		now->crc = crc8_update((uint8_t)now->crc, byte);
	if (++now->at == now->body)
		seal(now);
}

SHARED static bool cells_hold(uint16_t place, const uint8_t *what, uint8_t count)
{
	while (count--) {
		if (eeprom_read(place++) != *what++)
			return false;
	}
	return true;
}

/* True when the cells hold what is in the buffer. */
static bool reads_back(const struct journal *now)
{
	if (now->brief)
		return cells_hold(short_place(now->slot), now->buffer, SHORT_SIZE) &&
		       cells_hold(pieces_place(now->slot), now->buffer + SHORT_SIZE, 1);
	return cells_hold(full_place(now->slot), now->buffer, FULL_SIZE) &&
	       (now->bare || cells_hold(tail_place(now->slot), now->buffer + FULL_SIZE, TAIL_SIZE));
}

/* Loads the segment of now->slot at that index of the buffer; true when it is sound. */
static bool load(struct journal *now, uint8_t at)
{
	uint16_t place;

	segment(now, at);
	place = now->place;
	do {
		uint8_t byte = eeprom_read(place++);

		now->buffer[now->at] = byte;
		crc_more(now, byte);
	} while (now->at < now->body);
	return cells_hold(now->place, now->buffer + at, (uint8_t)(now->end - at));
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

static void adopt_tail(struct journal *now)
{
	for (uint8_t input = 0; input < PULSES; input++)
		now->base_part[input] = word(now->buffer + FULL_SIZE + 2 * input);
}

/*
 * Finds the newest full record, and returns its slot. Slots of layout 1 that are none now may hold it: one that follows those of
 * the others closely, as what stands there now may by chance look like a record.
 */
static uint8_t find_full(struct journal *now)
{
	uint8_t found = JOURNAL_NO_SLOT;

	now->brief = false;
	now->short_live = JOURNAL_NO_SLOT;
	now->far = true;
	for (now->slot = 0; now->slot < FULL_SLOTS_1; now->slot++) {
		uint16_t ahead;

		if (now->slot < now->first || (now->slot < FULL_SLOTS && worn(now->slot)))
			continue; /* an old record that cannot be erased would be the newest one when numbers begin anew */
		if (!load(now, 0))
			continue;
		ahead = (uint16_t)(word(now->buffer) - now->sequence);
		if (!now->far && ahead >= (now->slot < FULL_SLOTS ? 0x8000u : FULL_SLOTS_1))
			continue;
		adopt(now);
		found = now->slot;
	}
	return found;
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

/*
 * Whether now->slot holds a complete record that is not sound. One that was cut off lacks its last byte or, a full one, has not
 * got all of its zeros; an erased slot in which a bit fell over is none.
 */
static bool damaged(struct journal *now, bool brief)
{
	const uint8_t *last;
	uint16_t place;
	uint8_t stands;

	now->brief = brief;
	if (load(now, 0) || (now->buffer[0] & now->buffer[1]) == EEPROM_BLANK)
		return false;
	last = now->buffer + now->end - 1; /* as they should be */
	place = (uint16_t)(now->place + now->end - 1);
	stands = eeprom_read(place);
	if (stands == EEPROM_BLANK)
		return false;
	return brief || (stands & *last) != *last || eeprom_read((uint16_t)(place - 1)) != last[-1];
}

/*
 * The slots behind the newest record were erased before it was written: what stands there complete is newer, unless its
 * number says that it is an old one whose erasure had only begun.
 */
static void count_newer(struct journal *now, uint8_t base)
{
	for (now->slot = now->after[base]; now->slot != base; now->slot = now->after[now->slot]) {
		if (now->historic && now->slot < base)
			return; /* layout 1 had other slots in between */
		if (!damaged(now, false) || (uint16_t)(now->sequence - word(now->buffer) - 1u) < FULL_SLOTS_1)
			return;
		now->newer++;
	}
}

static void load_tail(struct journal *now, uint8_t base)
{
	now->slot = base;
	now->brief = false;
	load(now, 0); /* its number is what the tail's CRC starts from */
	if (!now->historic && load(now, FULL_SIZE)) {
		adopt_tail(now);
		return;
	}
	journal_broken = true;
}

/* The parts of a Wh that go with a short record's counters. */
static void extend_parts(const struct journal *now, const uint32_t *counter, uint16_t *part)
{
	uint8_t pieces = eeprom_read(pieces_place(now->slot));

	if (now->historic)
		return;
	for (uint8_t input = 0; input < PULSES; input++, pieces >>= 4) {
		uint8_t sensor = settings_sensor((uint8_t)(FIRST_PULSE_PORT + input));
		struct step step;

		if (sensor >= SENSORS)
			continue;
		settings_step(sensor, &step);
		part[input] = energy_part_ahead((uint16_t)(counter[sensor] - now->base[sensor]), now->base_part[input],
						pieces & 0x0f, &step);
	}
}

static void find_shorts(struct journal *now, uint32_t *counter, uint16_t *part)
{
	now->brief = true;
	for (now->slot = 0; now->slot < SHORT_SLOTS; now->slot++) {
		if (worn_short(now->slot) || !load(now, 0))
			continue;
		/* Of another base, or older than the one found. */
		if ((now->buffer[0] ^ tag(now)) >> 4 || now->buffer[0] <= tag(now))
			continue;
		now->shorts = now->buffer[0] & 0x0f;
		now->short_live = now->slot;
		extend(now, counter);
		extend_parts(now, counter, part);
	}
	for (now->slot = 0; now->slot < SHORT_SLOTS; now->slot++) {
		if (!worn_short(now->slot) && damaged(now, true) && !((now->buffer[0] ^ tag(now)) >> 4) &&
		    now->buffer[0] > tag(now))
			now->newer++;
	}
}

bool journal_restore(uint32_t *counter, uint16_t *part, bool in_ram)
{
	struct journal *now = &journal;
	uint8_t base;

	BASE(now);
	if (!in_ram)
		journal_broken = false;
	order_slots(now);
	base = find_full(now);
	if (base == JOURNAL_NO_SLOT) {
		now->full_next = now->after[FULL_SLOTS - 1];
		if (!now->littered) {
			for (now->slot = 0; now->slot < FULL_SLOTS; now->slot++)
				now->newer = (uint8_t)(now->newer + damaged(now, false));
		}
		return false;
	}
	if (base < FULL_SLOTS) {
		now->full_next = now->after[base];
		count_newer(now, base);
		load_tail(now, base);
	} else {
		now->full_next = now->after[FULL_SLOTS - 1];
		now->historic = true;
	}
	memcpy(counter, now->base, sizeof(now->base));
	memcpy(part, now->base_part, sizeof(now->base_part));
	if (!now->littered)
		find_shorts(now, counter, part);
	return true;
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
	now->tries = 0; /* other slots may now be the next to be erased */
	now->sweeping = 0;
	now->first = 0;
	guard = guard_enter();
	if (now->full_ready > 1)
		now->full_ready = 1; /* another slot may come behind it */
	guard_leave(guard);
	order_slots(now);
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

/* The pieces are written at once, the record behind them. */
static void place_short(struct journal *now)
{
	now->buffer[0] = (uint8_t)(tag(now) + 1);
	now->slot = now->short_next;
	now->short_ready = false;
	now->left = SHORT_SIZE;
	now->next = 0;
	eeprom_poke(pieces_place(now->slot), now->buffer[SHORT_SIZE]);
}

/* A falling supply gets the counters first; else the tail comes first, so that a complete record has one. */
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
 * A full record gives way, unless it is complete, or about to be and good enough to put a short one on; a short one does
 * not.
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

/* Takes the counters as they are now. */
static bool take(struct journal *now)
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

/* Gives what was taken its slot. */
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

/* Another segment begins where one ended: the record after its tail, or the tail after the record. */
static bool turn(struct journal *now)
{
	segment(now, now->next);
	now->next = now->next ? 0 : FULL_SIZE;
	return true;
}

/* Some steps write nothing, so that no interrupt is long. A byte is on its way when its CRC is computed. */
bool journal_step(void)
{
	struct journal *now = &journal;
	uint8_t byte;

	BASE(now);
	if (now->phase == JOURNAL_ASKED)
		return take(now);
	if (now->phase == JOURNAL_TAKEN)
		return place(now);
	if (!now->left) {
		now->phase = JOURNAL_WRITTEN;
		return false;
	}
	if (now->at >= now->end)
		return turn(now);
	byte = now->buffer[now->at];
	eeprom_poke(now->place++, byte);
	now->left--;
	if (now->at < now->body)
		crc_more(now, byte);
	else
		now->at++;
	return true;
}

/* A slot may be left out as long as enough others are there. */
static bool enough(void)
{
	uint8_t slots = FULL_SLOTS;

	for (uint8_t left_out = more.worn_full; left_out; left_out &= (uint8_t)(left_out - 1))
		slots--;
	return slots > JOURNAL_AHEAD + 2;
}

/* That a slot is worn is stored at once, with the next commit if the master has changed settings. */
static void store_worn(void)
{
	if (!flags.pending) {
		store_begin();
		return;
	}
	flags.events = true;
	store_touch();
}

/* Leaves a worn slot of full records out for good. */
static void retire_full(struct journal *now, uint8_t slot)
{
	uint8_t guard;

	if (now->historic || worn(slot) || !enough())
		return;
	more.worn_full |= bit(slot);
	store_worn();
	guard = guard_enter();
	for (uint8_t i = 0; i < FULL_SLOTS; i++) {
		if (now->after[i] == slot)
			now->after[i] = now->after[slot];
	}
	if (now->full_next == slot)
		now->full_next = now->after[slot];
	guard_leave(guard);
}

/* Without any of them a falling supply gets full ones. */
static void retire_short(uint8_t slot)
{
	more.worn_short |= bit(slot);
	store_worn();
}

bool journal_book(bool *sound, bool weak)
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
		adopt(now);
		adopt_tail(now);
		if (now->mends)
			journal_broken = now->bare;
		journal_note_all();
	} else if (!weak && !now->urgent) {
		retire_full(now, now->slot);
	}
	now->tries = 0; /* other cells may be the next to be erased */
	now->sweeping = 0;
	now->phase = JOURNAL_FREE;
	return true;
}

enum erasure { ERASING, ERASED, WORN_OUT };

/*
 * Starts to erase one of the cells at place, then of those apart, from the last of each on. What was seen erased is not read
 * again: a pass that reads for long begins its operation so late that the next pass finds it under way.
 */
SHARED static enum erasure erase(struct journal *now, uint16_t place, uint8_t cells, uint16_t apart, uint8_t more_cells)
{
	uint8_t all = (uint8_t)(cells + more_cells);

	if (place != now->sweeping) {
		now->sweeping = place;
		now->swept = 0;
		now->tries = 0;
	}
	for (; now->swept < all; now->swept++) {
		uint16_t at = (uint16_t)((now->swept < cells ? place + cells : apart + all) - 1 - now->swept);

		if (!eeprom_idle())
			return ERASING; /* nor may it be read then: a record that has just begun would keep the main loop waiting */
		if (eeprom_read(at) == EEPROM_BLANK)
			continue;
		if (now->tries > 2 * all)
			break;
		if (eeprom_start(at, EEPROM_BLANK, EEPROM_ERASE))
			now->tries++;
		return ERASING;
	}
	now->sweeping = 0;
	return now->swept < all ? WORN_OUT : ERASED;
}

SHARED bool journal_clear_tails(void)
{
	return erase(&journal, TAIL_AT, TAILS_SIZE, 0, 0) != ERASING;
}

static void tidy_full(struct journal *now, bool weak)
{
	uint8_t slot = now->full_ready ? now->after[now->full_next] : now->full_next;
	enum erasure done = erase(now, full_place(slot), FULL_SIZE, tail_place(slot), now->historic ? 0 : TAIL_SIZE);
	uint8_t guard;

	if (done == WORN_OUT && !weak)
		retire_full(now, slot);
	if (done != ERASED)
		return;
	guard = guard_enter();
	now->full_ready++; /* also when a record has just taken the slot before this one */
	guard_leave(guard);
}

#define ALL_SHORTS ((1u << SHORT_SLOTS) - 1)

static uint8_t short_bit(uint8_t slot)
{
	return slot < SHORT_SLOTS ? bit(slot) : 0;
}

/*
 * The next erased slot behind the newest short record is for the next; the others are erased ahead, but not before the first
 * full slot, nor where a historic image lies. True when the EEPROM is busy.
 */
static bool tidy_shorts(struct journal *now, bool weak)
{
	uint8_t slot = now->short_live;

	if (now->short_ready && (now->short_clean | more.worn_short | short_bit(slot)) == ALL_SHORTS)
		return false; /* as most of the time */
	for (uint8_t i = 0; i < SHORT_SLOTS; i++) {
		slot = (uint8_t)(slot + 1 < SHORT_SLOTS ? slot + 1 : 0);
		if (slot == now->short_live || worn_short(slot))
			continue;
		if (!(now->short_clean & bit(slot))) {
			enum erasure done;

			if (!now->full_ready || now->historic)
				continue;
			done = erase(now, short_place(slot), SHORT_SIZE, pieces_place(slot), 1);
			if (done == ERASED)
				now->short_clean |= bit(slot);
			else if (done == WORN_OUT && !weak)
				retire_short(slot);
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

bool journal_clear_image(void)
{
	struct journal *now = &journal;

	BASE(now);
	now->historic = false; /* short slots are erased with the others from now on */
	if ((now->short_clean | more.worn_short) != ALL_SHORTS)
		return false;
	for (uint8_t slot = 0; slot != FULL_FIRST; slot++) {
		if (erase(now, full_place(slot), FULL_SIZE, 0, 0) == ERASING)
			return false;
	}
	return true;
}

SHARED void journal_tidy(bool weak)
{
	struct journal *now = &journal;

	BASE(now);
	if (now->phase != JOURNAL_FREE || !eeprom_idle())
		return;
	if (tidy_shorts(now, weak))
		return;
	if (now->full_ready < JOURNAL_AHEAD)
		tidy_full(now, weak);
}
