/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Defaults and validity of the settings. */
#include "settings.h"

#include <stddef.h>

#include "crc.h"
#include "flash.h"

struct settings settings;
struct more more;

#ifdef BOARD_SPI
#define CLAMP 5163u /* 0.449 × 230 V × 50 A = 5163.5 */
#define HALF 500u

static const struct settings DEFAULTS FLASH = {
	.constant = { { CLAMP, HALF },
		      { CLAMP, HALF },
		      { CLAMP, HALF },
		      { 1, 0 },
		      { 1, 0 },
		      { 1, 0 } },
	.map = { 0, 1, 2, 3, 4, 5 },
	.enabled = { 1, 1, 1, 1, 1, 0 }, /* all but the UART's */
	.hardware = { 0, 2, 1 },
	.layout = SETTINGS_LAYOUT,
};
#else
#ifndef CLAMP_CONSTANT
/*
 * 0.449 × 230 V × 50 A × 0.0024 / 0.00225 = 5507.733: the exact 0.479 of docs/design/protocols.md
 * §2
 */
#define CLAMP_CONSTANT 5507u
#define CLAMP_FRACTION 733u
#endif

const struct constant settings_clamp = { CLAMP_CONSTANT, CLAMP_FRACTION };
const struct constant settings_pulse = { 1, 0 };

static const struct settings DEFAULTS FLASH = {
	.id = { { [15] = 1 }, { [15] = 2 }, { [15] = 3 }, { [15] = 4 } },
	.layout = SETTINGS_LAYOUT,
};
#endif

#ifndef PULSE_HOLD_US
#define PULSE_HOLD_US 0ul /* settings_hold() derives it from the constant */
#elif PULSE_HOLD_US < 200 || PULSE_HOLD_US > 100000
#error "PULSE_HOLD_US is outside 200 … 100000"
#endif

static const struct more MORE_DEFAULTS FLASH = {
	.hold = { PULSE_HOLD_US / 10, PULSE_HOLD_US / 10 },
	.form = FORM,
	.image = FORM,
	.layout = MORE_LAYOUT,
};

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

void more_default(void)
{
	flash_copy(&more, &MORE_DEFAULTS, sizeof(more));
}

uint16_t more_crc(void)
{
	return crc16_block(CRC16_SEED, &more, offsetof(struct more, crc));
}

bool more_valid(void)
{
	return more.layout == MORE_LAYOUT && more.crc == more_crc();
}

SHARED void settings_step(uint8_t sensor, struct step *step)
{
	const struct constant *constant = settings_constant(sensor);

	step->whole = constant->whole;
	step->part = constant->fraction;
	step->per = 1000;
	if (sensor >= FIRST_EXACT) {
		const struct exact *exact = &more.exact[sensor - FIRST_EXACT];

		if (exact->pulses) {
			step->whole = exact->unit / exact->pulses;
			step->part = exact->unit % exact->pulses;
			step->per = exact->pulses;
		}
	}
}

/*
 * The default is 0.4 of the shortest period, which is that of 72 kW. A pulse of 1 Wh comes each
 * 50 ms then, so it and larger ones get 20 ms; smaller pulses get less.
 */
SHARED uint16_t settings_hold(uint8_t input)
{
	uint8_t sensor = settings_sensor((uint8_t)(FIRST_PULSE_PORT + input));
	struct step step;
	uint16_t hold;

	if (more.hold[input])
		return more.hold[input];
	if (sensor >= SENSORS)
		return HOLD_USUAL;
	settings_step(sensor, &step);
	if (step.whole || !step.part)
		return HOLD_USUAL;
	hold = (uint16_t)((uint32_t)HOLD_USUAL * step.part / step.per);
	return hold < HOLD_MIN ? HOLD_MIN : hold;
}
