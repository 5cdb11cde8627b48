/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Makes the EEPROM contents of older firmware, with random values. */
#ifndef HOST_OLD_EEPROM_H
#define HOST_OLD_EEPROM_H

#include <stdint.h>

#include "../core/settings.h"
#include "bench.h"

#ifdef BOARD_SPI
#define HISTORIC_KINDS 4
#else
#define HISTORIC_KINDS 1
#endif

/* An EEPROM, and the counters and settings that it holds. */
struct old_eeprom {
	uint8_t cells[BENCH_CELLS];
	uint32_t counter[SENSORS];
	struct settings settings;
};

/* Makes a historic image of this kind, 0 … HISTORIC_KINDS - 1. */
void old_eeprom_historic(struct old_eeprom *old, int kind);

/* Makes the EEPROM of firmware 2.0 after so many full records, with short ones on the last. */
void old_eeprom_layout_1(struct old_eeprom *old, int records, int shorts);

#endif
