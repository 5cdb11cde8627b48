/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Defaults and validity of the settings. */
#include "settings.h"

#include <stddef.h>

#include "crc.h"
#include "flash.h"

struct settings settings;

#ifdef BOARD_SPI
#define CLAMP 5163u /* 0.449 × 230 V × 50 A = 5163.5 */
#define HALF 500u

static const struct settings DEFAULTS FLASH = {
	.constant = { { CLAMP, HALF }, { CLAMP, HALF }, { CLAMP, HALF }, { 1, 0 }, { 1, 0 }, { 1, 0 } },
	.map = { 0, 1, 2, 3, 4, 5 },
	.enabled = { 1, 1, 1, 1, 1, 0 }, /* not the UART's */
	.hardware = { 0, 2, 1 },
	.layout = SETTINGS_LAYOUT,
};
#else
#ifndef CLAMP_CONSTANT
#define CLAMP_CONSTANT \
	5507u /* 0.449 × 230 V × 50 A × 0.0024 / 0.00225 = 5507.733: the 0.479 of docs/protocols.md §2, exact */
#define CLAMP_FRACTION 733u
#endif

const struct constant settings_clamp = { CLAMP_CONSTANT, CLAMP_FRACTION };
const struct constant settings_pulse = { 1, 0 };

static const struct settings DEFAULTS FLASH = {
	.id = { { [15] = 1 }, { [15] = 2 }, { [15] = 3 }, { [15] = 4 } },
	.layout = SETTINGS_LAYOUT,
};
#endif

void settings_default(void)
{
	flash_copy(&settings, &DEFAULTS, sizeof(settings));
}

SHARED uint16_t settings_crc(const struct settings *block)
{
	return crc16_block(CRC16_SEED, block, offsetof(struct settings, crc));
}

bool settings_valid(const struct settings *block)
{
	return block->layout == SETTINGS_LAYOUT && block->crc == settings_crc(block);
}
