/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where everything lies in the 512 bytes of EEPROM; address 0 stays unused (docs/firmware.md). */
#ifndef CORE_LAYOUT_H
#define CORE_LAYOUT_H

#include "settings.h"
#include "shape.h"

#define EEPROM_SIZE 512
#define HISTORIC_END 148 /* the longest historic layout: 4 × 37 bytes from address 0 */

#define SHORT_SIZE (2 * SENSORS + 2) /* tag, low halves of the counters, CRC-8 */
#define FULL_SIZE (4 * SENSORS + 4)  /* sequence, counters, CRC-16 */

#define SHORT_SLOTS 6
#define SHORT_AT 1
#define FULL_AT (SHORT_AT + SHORT_SLOTS * SHORT_SIZE)

#define SETTINGS_SIZE sizeof(struct settings)
#define SETTINGS_AT (EEPROM_SIZE - 2 * SETTINGS_SIZE)

#ifdef BOARD_SPI
#define FULL_SLOTS 11
#else
#define FULL_SLOTS 15
#endif

/* The first record goes here, so that a historic image is whole until everything of it has been taken over. */
#define FULL_FIRST 6

_Static_assert(SHORT_AT > 0, "address 0 is where a failing supply writes");
_Static_assert(FULL_AT + FULL_SLOTS * FULL_SIZE <= SETTINGS_AT, "areas overlap");
_Static_assert(FULL_AT + FULL_FIRST * FULL_SIZE >= HISTORIC_END, "the first records would hit a historic image");

#endif
