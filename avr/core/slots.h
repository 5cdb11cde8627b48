/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The journal's slots: where they lie and what they hold, for the code that finds, writes and
 * erases records.
 */
#ifndef CORE_SLOTS_H
#define CORE_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "journal.h"

/* Return the EEPROM address of a slot, of its tail or of its pieces byte. */
uint16_t slots_full(uint8_t slot);
uint16_t slots_tail(uint8_t slot);
uint16_t slots_short(uint8_t slot);
uint16_t slots_pieces(uint8_t slot);

/* Return true for a slot that is worn out and never used again. */
bool slots_worn_full(uint8_t slot);
bool slots_worn_short(uint8_t slot);

/* Fills now->after[]: which slot follows which, without those that are worn or not free yet. */
void slots_order(struct journal *now);

/* Reads two bytes, the low one first. */
uint16_t slots_word(const uint8_t *at);

/*
 * Returns the first byte of the newest short record: which full record it relies on, and its number
 * on that.
 */
uint8_t slots_tag(const struct journal *now);

/* Begins the segment at this index of the buffer: 0 for the record, else its tail. */
void slots_segment(struct journal *now, uint8_t at);

/* Adds the segment's next byte to its CRC; after the last byte, appends the CRC to the buffer. */
void slots_crc(struct journal *now, uint8_t byte);

/* Returns true when the EEPROM holds these bytes. Main loop. */
bool slots_hold(uint16_t place, const uint8_t *what, uint8_t count);

/*
 * Loads a segment of now->slot into the buffer, at this index. Returns true when its CRC is right.
 * Main loop.
 */
bool slots_load(struct journal *now, uint8_t at);

/* Make the full record in the buffer, or its tail, the base of the next short records. */
void slots_adopt(struct journal *now);
void slots_adopt_tail(struct journal *now);

#endif
