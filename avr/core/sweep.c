/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Erases the journal's slots ahead of time, and retires those that are worn out. */
#include "sweep.h"

#include "eeprom.h"
#include "flags.h"
#include "guard.h"
#include "journal.h"
#include "settings.h"
#include "slots.h"
#include "store.h"

/*
 * Returns true when one more slot may be retired. While a historic image is taken over, two must
 * remain, one of which holds the record.
 */
static bool may_retire(const struct journal *now)
{
	uint8_t slots = (uint8_t)(FULL_SLOTS - now->first);

	for (uint8_t left_out = more.worn_full; left_out; left_out &= (uint8_t)(left_out - 1))
		slots--;
	return slots > (now->first ? JOURNAL_AHEAD : JOURNAL_AHEAD + 2);
}

/*
 * Stores at once that a slot is worn; or with the next commit, if the master has changed settings.
 */
static void store_worn(void)
{
	if (!flags.pending) {
		store_begin();
		return;
	}
	flags.events = true;
	store_touch();
}

void sweep_retire_full(struct journal *now, uint8_t slot)
{
	uint8_t guard;

	if (slots_worn_full(slot) || !may_retire(now))
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

/* Short slots may all be retired: saves then write full records. */
static void retire_short(uint8_t slot)
{
	more.worn_short |= bit(slot);
	store_worn();
}

enum erasure { ERASING, ERASED, WORN_OUT };

/*
 * Starts to erase the next cell of a slot: its cells at place, then more_cells elsewhere, at apart,
 * each group from its last cell down. Cells seen erased are not read again, because a pass that
 * reads for long would start its operation too late.
 */
SHARED static enum erasure erase(struct journal *now, uint16_t place, uint8_t cells, uint16_t apart,
				 uint8_t more_cells)
{
	uint8_t all = (uint8_t)(cells + more_cells);

	if (place != now->sweeping) {
		now->sweeping = place;
		now->swept = 0;
		now->tries = 0;
	}
	for (; now->swept < all; now->swept++) {
		uint16_t at = (uint16_t)((now->swept < cells ? place + cells : apart + all) - 1 -
					 now->swept);

		if (!eeprom_idle())
			return ERASING; /* a read would wait for the record, too */
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
	enum erasure done = erase(now, slots_full(slot), FULL_SIZE, slots_tail(slot),
				  now->historic ? 0 : TAIL_SIZE);
	uint8_t guard;

	if (done == WORN_OUT && !weak)
		sweep_retire_full(now, slot);
	if (done != ERASED)
		return;
	guard = guard_enter();
	now->full_ready++; /* right even if a record has just used the slot before this one */
	guard_leave(guard);
}

#define ALL_SHORTS ((1u << SHORT_SLOTS) - 1)

static uint8_t short_bit(uint8_t slot)
{
	return slot < SHORT_SLOTS ? bit(slot) : 0;
}

/*
 * Chooses the next erased slot after the newest short record for the next one, and erases the
 * others. A full slot is erased first; nothing is erased where a historic image lies. Returns true
 * when the EEPROM is busy.
 */
static bool tidy_shorts(struct journal *now, bool weak)
{
	uint8_t slot = now->short_live;

	if (now->short_ready &&
	    (now->short_clean | more.worn_short | short_bit(slot)) == ALL_SHORTS)
		return false; /* the usual case */
	for (uint8_t i = 0; i < SHORT_SLOTS; i++) {
		slot = (uint8_t)(slot + 1 < SHORT_SLOTS ? slot + 1 : 0);
		if (slot == now->short_live || slots_worn_short(slot))
			continue;
		if (!(now->short_clean & bit(slot))) {
			enum erasure done;

			if (!now->full_ready || now->historic)
				continue;
			done = erase(now, slots_short(slot), SHORT_SIZE, slots_pieces(slot), 1);
			if (done == ERASED)
				now->short_clean |= bit(slot);
			else if (done == WORN_OUT && !weak)
				retire_short(slot);
			return true;
		}
		/*
		 * A dip between the two stores finds short_ready false and leaves short_next alone.
		 */
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
	now->historic = false; /* lets journal_tidy() erase the short slots too */
	if ((now->short_clean | more.worn_short) != ALL_SHORTS)
		return false;
	for (uint8_t slot = 0; slot != FULL_FIRST; slot++) {
		if (erase(now, slots_full(slot), FULL_SIZE, 0, 0) == ERASING)
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
