/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Restores the newest state from the journal at start, and counts damaged records. */
#include <string.h>

#include "eeprom.h"
#include "energy.h"
#include "journal.h"
#include "settings.h"
#include "slots.h"

/*
 * Returns the slot of the newest full record, or JOURNAL_NO_SLOT. It may lie in a slot of layout 1
 * that layout 2 uses for other data. Such data may look like a record by chance, so a record there
 * counts only if its number closely follows the numbers of the others.
 */
static uint8_t find_full(struct journal *now)
{
	uint8_t newest = JOURNAL_NO_SLOT;

	now->brief = false;
	now->short_live = JOURNAL_NO_SLOT;
	now->far = true;
	for (now->slot = 0; now->slot < FULL_SLOTS_1; now->slot++) {
		uint16_t ahead;

		if (now->slot < now->first ||
		    (now->slot < FULL_SLOTS && slots_worn_full(now->slot)))
			continue; /* worn: its old record would seem newest when the numbers wrap */
		if (!slots_load(now, 0))
			continue;
		ahead = (uint16_t)(slots_word(now->buffer) - now->sequence);
		if (!now->far && ahead >= (now->slot < FULL_SLOTS ? 0x8000u : FULL_SLOTS_1))
			continue;
		slots_adopt(now);
		newest = now->slot;
	}
	return newest;
}

/* Advances the counters to the low halves in the short record in buffer[]. */
static void extend(const struct journal *now, uint32_t *counter)
{
	const uint8_t *low = now->buffer + 1;

	for (uint8_t i = SENSORS; i > 0; i--, low += 2, counter++)
		*counter += (uint16_t)(slots_word(low) - (uint16_t)*counter);
}

/*
 * Returns true when now->slot holds a complete but damaged record. A record that a power cut ended
 * does not count: its last byte is still erased or, in a full record, lacks some of its zeros. Nor
 * does an erased slot in which a single bit changed.
 */
static bool damaged(struct journal *now, bool brief)
{
	const uint8_t *last;
	uint16_t place;
	uint8_t stored;

	now->brief = brief;
	if (slots_load(now, 0) || (now->buffer[0] & now->buffer[1]) == EEPROM_BLANK)
		return false;
	last = now->buffer + now->end - 1; /* as it should be */
	place = (uint16_t)(now->place + now->end - 1);
	stored = eeprom_read(place);
	if (stored == EEPROM_BLANK)
		return false;
	return brief || (stored & *last) != *last || eeprom_read((uint16_t)(place - 1)) != last[-1];
}

/*
 * Counts damaged records that are newer than the one in the slot base. The slots behind base were
 * erased before its record was written, so a complete record there is newer. The search ends at the
 * first slot that is erased or sound. A number among those of the last FULL_SLOTS_1 records marks
 * an old record whose erasure had only begun.
 */
static void count_newer(struct journal *now, uint8_t base)
{
	for (now->slot = now->after[base]; now->slot != base; now->slot = now->after[now->slot]) {
		if (now->historic && now->slot < base)
			return; /* layout 1 had more slots in between */
		now->brief = false;
		if (slots_load(now, 0) || (now->buffer[0] & now->buffer[1]) == EEPROM_BLANK)
			return;
		if (damaged(now, false) &&
		    (uint16_t)(now->sequence - slots_word(now->buffer) - 1u) >= FULL_SLOTS_1)
			now->newer++;
	}
}

static void load_tail(struct journal *now, uint8_t base)
{
	now->slot = base;
	now->brief = false;
	slots_load(now, 0); /* the tail's CRC starts from the record's number */
	if (!now->historic && slots_load(now, FULL_SIZE)) {
		slots_adopt_tail(now);
		return;
	}
	journal_broken = true;
}

/* Computes the parts of a Wh that belong to a short record's counters. */
static void extend_parts(const struct journal *now, const uint32_t *counter, uint16_t *part)
{
	uint8_t pieces = eeprom_read(slots_pieces(now->slot));

	if (now->historic)
		return;
	for (uint8_t input = 0; input < PULSES; input++, pieces >>= 4) {
		uint8_t sensor = settings_sensor((uint8_t)(FIRST_PULSE_PORT + input));
		struct step step;

		if (sensor >= SENSORS)
			continue;
		settings_step(sensor, &step);
		part[input] = energy_part_ahead((uint16_t)(counter[sensor] - now->base[sensor]),
						now->base_part[input], pieces & 0x0f, &step);
	}
}

static void find_shorts(struct journal *now, uint32_t *counter, uint16_t *part)
{
	now->brief = true;
	for (now->slot = 0; now->slot < SHORT_SLOTS; now->slot++) {
		if (slots_worn_short(now->slot) || !slots_load(now, 0))
			continue;
		/* Skips records on another full record, and older ones. */
		if ((now->buffer[0] ^ slots_tag(now)) >> 4 || now->buffer[0] <= slots_tag(now))
			continue;
		now->shorts = now->buffer[0] & 0x0f;
		now->short_live = now->slot;
		extend(now, counter);
		extend_parts(now, counter, part);
	}
	for (now->slot = 0; now->slot < SHORT_SLOTS; now->slot++) {
		if (!slots_worn_short(now->slot) && damaged(now, true) &&
		    !((now->buffer[0] ^ slots_tag(now)) >> 4) && now->buffer[0] > slots_tag(now))
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
	slots_order(now);
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
