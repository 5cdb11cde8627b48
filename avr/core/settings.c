/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Defaults and validity of the settings. */
#include "settings.h"

#include <stddef.h>
#include <string.h>

#include "crc.h"

struct settings settings;

#ifdef BOARD_SPI
#define DEFAULT_CONSTANT 5163u /* 0.449 × 230 V × 50 A = 5163.5 */
#define DEFAULT_FRACTION 500u
#define DEFAULT_ENABLED 0x1f /* all but the UART's sensor */

void settings_default(void)
{
	memset(&settings, 0, sizeof(settings));
	settings.hw_major = 2;
	settings.hw_minor = 1;
	settings.enabled = DEFAULT_ENABLED;
	for (uint8_t i = 0; i < SENSORS; i++) {
		settings.map[i] = i;
		settings.constant[i] = i < ANALOGS ? DEFAULT_CONSTANT : 1;
		settings.fraction[i] = i < ANALOGS ? DEFAULT_FRACTION : 0;
	}
	settings.layout = SETTINGS_LAYOUT;
}

static bool in_range(const struct settings *block)
{
	for (uint8_t i = 0; i < SENSORS; i++) {
		if (block->fraction[i] >= 1000)
			return false;
		if (block->map[i] >= SENSORS && block->map[i] != UNMAPPED)
			return false;
	}
	return block->enabled < (1u << SENSORS);
}
#else
void settings_default(void)
{
	memset(&settings, 0, sizeof(settings));
	for (uint8_t i = 0; i < SENSORS; i++)
		settings.id[i][15] = (uint8_t)(i + 1);
	settings.layout = SETTINGS_LAYOUT;
}

static bool in_range(const struct settings *block)
{
	(void)block;
	return true;
}
#endif

uint16_t settings_crc(const struct settings *block)
{
	return crc16_block(CRC16_SEED, block, offsetof(struct settings, crc));
}

bool settings_valid(const struct settings *block)
{
	return block->layout == SETTINGS_LAYOUT && block->crc == settings_crc(block) && in_range(block);
}
