/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Energy and power in 32-bit pieces: a 64-bit division would cost the board more than all else. */
#include "energy.h"

#include "shape.h"

#define WH_NANO ((uint32_t)1000000000)

SHARED uint8_t energy_add_samples(struct remainder *rest, uint16_t sum, uint16_t constant, uint16_t fraction)
{
	uint32_t nano = rest->nano + (uint32_t)sum * constant;
	uint8_t wh = 0;

	if (fraction) {
		uint32_t pico = (uint32_t)sum * fraction + rest->pico;

		nano += pico / 1000;
		rest->pico = (uint16_t)(pico % 1000);
	}
	while (nano >= WH_NANO) {
		nano -= WH_NANO;
		wh++;
	}
	rest->nano = nano;
	return wh;
}

/* 20000 × 50 nWh are 1/1000 Wh. */
uint8_t energy_add_fraction(struct remainder *rest, uint16_t fraction)
{
	return energy_add_samples(rest, 20000, (uint16_t)(50 * fraction), 0);
}

/*
 * POWER_SCALE is such that a watt is a whole number of parts and the mean code, ten bits, times it fits 16 bits. The
 * constant is rounded here: below 200 ppm for any clamp of 25 A and more.
 */
uint32_t energy_power(uint32_t sum, uint16_t count, const struct constant *constant)
{
	uint16_t whole = (uint16_t)(sum / count);
	uint16_t rest = (uint16_t)(sum % count);
	uint16_t rounded = constant->whole;
	uint32_t parts;

	if (constant->fraction >= 500 && rounded < 0xffff)
		rounded++;
	parts = (uint32_t)(uint16_t)(whole * POWER_SCALE) * rounded;
	parts += (uint32_t)(uint16_t)(rest * POWER_SCALE) * rounded / count;
	return parts / 4;
}
