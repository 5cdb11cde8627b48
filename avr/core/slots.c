/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "slots.h"

#include <string.h>

#include "crc.h"
#include "eeprom.h"
#include "settings.h"

/*
 * The last byte written never looks erased, so an erased one proves that the record is incomplete.
 */
static uint8_t last_byte(uint8_t crc)
{
	return crc == EEPROM_BLANK ? 0 : crc;
}

SHARED uint16_t slots_full(uint8_t slot)
{
	return (uint16_t)(FULL_AT + slot * FULL_SIZE);
}

SHARED uint16_t slots_tail(uint8_t slot)
{
	return (uint16_t)(TAIL_AT + slot * TAIL_SIZE);
}

SHARED uint16_t slots_short(uint8_t slot)
{
	return (uint16_t)(SHORT_AT + slot * SHORT_SIZE);
}

uint16_t slots_pieces(uint8_t slot)
{
	return (uint16_t)(PIECES_AT + slot);
}

bool slots_worn_full(uint8_t slot)
{
	return more.worn_full & bit(slot);
}

bool slots_worn_short(uint8_t slot)
{
	return more.worn_short & bit(slot);
}

void slots_order(struct journal *now)
{
	uint8_t next = 0;

	for (uint8_t k = 2 * FULL_SLOTS; k > 0; k--) {
		uint8_t slot = (uint8_t)(k - 1) & (FULL_SLOTS - 1);

		now->after[slot] = next;
		if (slot >= now->first && !slots_worn_full(slot))
			next = slot;
	}
}

uint16_t slots_word(const uint8_t *at)
{
	return (uint16_t)((uint16_t)at[1] << 8 | at[0]);
}

void slots_segment(struct journal *now, uint8_t at)
{
	now->at = at;
	if (at) {
		now->body = FULL_SIZE + TAIL_SIZE - 1;
		now->end = FULL_SIZE + TAIL_SIZE;
		now->crc = now->buffer[0];
		now->place = slots_tail(now->slot);
	} else if (now->brief) {
		now->body = SHORT_SIZE - 1;
		now->end = SHORT_SIZE;
		now->crc = now->short_seed;
		now->place = slots_short(now->slot);
	} else {
		now->body = FULL_SIZE - 2;
		now->end = FULL_SIZE;
		now->crc = CRC16_SEED;
		now->place = slots_full(now->slot);
	}
}

/* Appends the CRC to the body. */
static void seal(struct journal *now)
{
	uint8_t *end = now->buffer + now->body;

	if (now->body == FULL_SIZE - 2) {
		*end++ = (uint8_t)now->crc;
		now->crc >>= 8;
	}
	*end = last_byte((uint8_t)now->crc);
}

void slots_crc(struct journal *now, uint8_t byte)
{
	if (now->body == FULL_SIZE - 2)
		now->crc = crc16_update(now->crc, byte);
	else
		now->crc = crc8_update((uint8_t)now->crc, byte);
	if (++now->at == now->body)
		seal(now);
}

SHARED bool slots_hold(uint16_t place, const uint8_t *what, uint8_t count)
{
	while (count--) {
		if (eeprom_read(place++) != *what++)
			return false;
	}
	return true;
}

bool slots_load(struct journal *now, uint8_t at)
{
	uint16_t place;

	slots_segment(now, at);
	place = now->place;
	do {
		uint8_t byte = eeprom_read(place++);

		now->buffer[now->at] = byte;
		slots_crc(now, byte);
	} while (now->at < now->body);
	return slots_hold(now->place, now->buffer + at, (uint8_t)(now->end - at));
}

uint8_t slots_tag(const struct journal *now)
{
	return (uint8_t)((uint8_t)(now->sequence << 4) | now->shorts);
}

void slots_adopt(struct journal *now)
{
	now->sequence = now->attempt = slots_word(now->buffer);
	memcpy(now->base, now->buffer + 2, sizeof(now->base));
	now->short_seed = crc8_update(crc8_update(0, now->buffer[0]), now->buffer[1]);
	now->shorts = 0;
	now->short_live = JOURNAL_NO_SLOT;
	now->far = false;
	now->distant = false;
}

void slots_adopt_tail(struct journal *now)
{
	for (uint8_t input = 0; input < PULSES; input++)
		now->base_part[input] = slots_word(now->buffer + FULL_SIZE + 2 * input);
}
