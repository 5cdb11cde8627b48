/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Energy and power in 32-bit pieces: a 64-bit division would cost the board more than all else. */
#include "energy.h"

#include "shape.h"

#define WH_NANO 1000000000ul

SHARED uint8_t energy_add_samples(struct remainder *rest, uint16_t sum, uint16_t constant, uint16_t fraction)
{
	uint32_t nano = rest->nano + (uint32_t)sum * constant;
	uint32_t pico = (uint32_t)sum * fraction + rest->pico;
	uint8_t wh = 0;

	nano += pico / 1000;
	rest->pico = (uint16_t)(pico % 1000);
	while (nano >= WH_NANO) {
		nano -= WH_NANO;
		wh++;
	}
	rest->nano = nano;
	return wh;
}

/* 20000 × 50 nWh are 1/1000 Wh. */
uint32_t energy_add_pulse(struct remainder *rest, uint16_t constant, uint16_t fraction)
{
	uint32_t wh = constant;

	if (fraction)
		wh += energy_add_samples(rest, 20000, (uint16_t)(50 * fraction), 0);
	return wh;
}

/* The mean code has 12 binary places; its upper 16 bits times the constant fit 32 bits, the lower 6 add what they add. */
void energy_add_power(struct power *power, uint32_t sum, uint16_t count, uint16_t constant, uint16_t fraction)
{
	uint32_t mean = (sum << 12) / count;
	uint16_t high = (uint16_t)(mean >> 6);
	uint8_t low = (uint8_t)mean & 0x3f;
	uint32_t parts = (uint32_t)high * constant + ((uint32_t)low * constant) / 64 + (uint32_t)high * fraction / 1000;

	power->watt += parts / WATT_PARTS;
	power->part += parts % WATT_PARTS;
}

uint32_t energy_watt(const struct power *power)
{
	return power->watt + (power->part + WATT_PARTS / 2) / WATT_PARTS;
}
