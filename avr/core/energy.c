/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Computes energy and power in 32 bits; a 64-bit division would be too large for the flash. */
#include "energy.h"

#include "shape.h"

#define WH_NANO ((uint32_t)1000000000)

SHARED uint8_t energy_add_samples(struct remainder *rest, uint16_t sum, uint16_t constant,
				  uint16_t fraction)
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

uint32_t energy_add_pulses(struct remainder *rest, uint8_t pulses, const struct step *step)
{
	uint32_t part = rest->part + (uint32_t)step->part * pulses;

	rest->part = (uint16_t)(part % step->per);
	return part / step->per + (uint32_t)step->whole * pulses;
}

uint8_t energy_pieces(uint16_t part, const struct step *step)
{
	uint16_t pieces;

	if (step->whole || !step->part)
		return 0;
	pieces = (uint16_t)(part / step->part);
	if (pieces > ENERGY_PIECES_MAX)
		return ENERGY_PIECES_MAX;
	return (uint8_t)pieces;
}

/*
 * Counted in parts, the energy of all pulses since is a multiple of one pulse's; so each number of
 * pieces has exactly one part.
 */
uint16_t energy_part_ahead(uint16_t wh, uint16_t from, uint8_t pieces, const struct step *step)
{
	uint32_t pulse = (uint32_t)step->whole * step->per + step->part;
	uint32_t above, part;

	if (!pulse)
		return 0;
	above = (uint32_t)wh * step->per % pulse;
	part = from % pulse;
	part = part >= above ? part - above : part + pulse - above;
	part += pieces * pulse;
	return part < step->per ? (uint16_t)part : 0;
}

/*
 * POWER_SCALE makes a watt a whole number of parts, and its product with the mean code of ten bits
 * fits 16 bits. Rounding the constant costs less than 200 ppm for clamps of 25 A and more.
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
