/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The journal's slots, for those that find, write and erase records: where they lie and what stands in them. */
#ifndef CORE_SLOTS_H
#define CORE_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "journal.h"

/* Where a slot begins, and what goes with it elsewhere. */
uint16_t slots_full(uint8_t slot);
uint16_t slots_tail(uint8_t slot);
uint16_t slots_short(uint8_t slot);
uint16_t slots_pieces(uint8_t slot);

/* Whether a slot is left out for good. */
bool slots_worn_full(uint8_t slot);
bool slots_worn_short(uint8_t slot);

/* Which slot comes after which, those left out that are worn or not free yet. */
void slots_order(struct journal *now);

/* Two bytes, the low one first. */
uint16_t slots_word(const uint8_t *at);

/* The first byte of a short record: of which full one it is, and which of those on it. */
uint8_t slots_tag(const struct journal *now);

/* Begins the segment of the buffer at that index: the record, or its tail. */
void slots_segment(struct journal *now, uint8_t at);

/* Takes the segment's next byte into its CRC, which is written behind the last one. */
void slots_crc(struct journal *now, uint8_t byte);

/* True when the cells hold that. Main loop. */
bool slots_hold(uint16_t place, const uint8_t *what, uint8_t count);

/* Loads the segment of now->slot at that index of the buffer; true when it is sound. Main loop. */
bool slots_load(struct journal *now, uint8_t at);

/* Makes the full record in the buffer, or its tail, the base of what follows. */
void slots_adopt(struct journal *now);
void slots_adopt_tail(struct journal *now);

#endif
