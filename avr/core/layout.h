/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The layout of the 512 bytes of EEPROM. Address 0 stays unused (docs/design/firmware.md). */
#ifndef CORE_LAYOUT_H
#define CORE_LAYOUT_H

#include "settings.h"
#include "shape.h"

#define EEPROM_SIZE 512
#ifdef BOARD_SPI
#define HISTORIC_END 65 /* end of the longest historic layout; all begin at address 0 */
#else
#define HISTORIC_END 148 /* 4 × 37 bytes */
#endif

#define SHORT_SIZE (2 * SENSORS + 2) /* tag, low halves of the counters, CRC-8 */
#define FULL_SIZE (4 * SENSORS + 4)  /* sequence, counters, CRC-16 */
/*
 * Parts of a Wh and CRC-8. Tails lie apart from the full records, because older firmware has none.
 */
#define TAIL_SIZE (2 * PULSES + 1)

#define SHORT_SLOTS 6
#define SHORT_AT 1
#define FULL_AT (SHORT_AT + SHORT_SLOTS * SHORT_SIZE)

#define SETTINGS_SIZE sizeof(struct settings)
#define SETTINGS_AT (EEPROM_SIZE - 2 * SETTINGS_SIZE)

#define FULL_SLOTS 8
#define JOURNAL_AHEAD 2 /* slots kept erased: for a full record, and for a save that displaces it */

/* The slots of layout 1. A record in those that are gone counts until there is a newer one. */
#ifdef BOARD_SPI
#define FULL_SLOTS_1 11
#else
#define FULL_SLOTS_1 15
#endif

#define TAIL_AT (FULL_AT + FULL_SLOTS * FULL_SIZE)
#define PIECES_AT (TAIL_AT + FULL_SLOTS * TAIL_SIZE) /* a byte for each short slot */
#define MORE_SIZE sizeof(struct more)
#define MORE_AT (PIECES_AT + SHORT_SLOTS)
#define TAILS_SIZE (MORE_AT - TAIL_AT)

/*
 * The first slot that does not overlap a historic image. Until the image has been taken over,
 * records use the slots from here on.
 */
#ifdef BOARD_SPI
#define FULL_FIRST 0
#else
#define FULL_FIRST 5
#endif

_Static_assert(SHORT_AT > 0, "address 0 is where a failing supply writes");
_Static_assert(MORE_AT + 2 * MORE_SIZE <= SETTINGS_AT, "areas overlap");
_Static_assert(FULL_AT + FULL_SLOTS_1 * FULL_SIZE <= SETTINGS_AT,
	       "layout 1 had its settings elsewhere");
_Static_assert(FULL_AT + FULL_FIRST * FULL_SIZE >= HISTORIC_END,
	       "the first records would hit a historic image");
_Static_assert(FULL_SLOTS - FULL_FIRST > JOURNAL_AHEAD, "the newest record would be erased");

#endif
