/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Energy and power in 32-bit pieces: a 64-bit division would cost the board more than all else. */
#include "energy.h"

#include "shape.h"

#define WH_NANO 1000000000ul

uint8_t energy_add_samples(struct remainder *rest, uint16_t sum, uint16_t constant, uint16_t fraction)
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

uint32_t energy_add_pulse(struct remainder *rest, uint16_t constant, uint16_t fraction)
{
	rest->nano += fraction * 1000000ul;
	if (rest->nano < WH_NANO)
		return constant;
	rest->nano -= WH_NANO;
	return (uint32_t)constant + 1;
}

uint32_t energy_mean(uint32_t sum, uint16_t count)
{
	return ((sum << 12) + count / 2) / count;
}

/* Upper 32 bits of the rounded 64-bit product. */
static uint32_t product_high(uint32_t a, uint32_t b)
{
	uint16_t a0 = (uint16_t)a, a1 = (uint16_t)(a >> 16);
	uint16_t b0 = (uint16_t)b, b1 = (uint16_t)(b >> 16);
	uint32_t middle = (uint32_t)a0 * b1 + (((uint32_t)a0 * b0) >> 16); /* below 2^32 */
	uint32_t other = (uint32_t)a1 * b0;
	uint32_t low = (middle & 0xffff) + (other & 0xffff) + 0x8000;

	return (uint32_t)a1 * b1 + (middle >> 16) + (other >> 16) + (low >> 16);
}

uint32_t energy_watt(uint32_t mean, uint16_t constant, uint16_t fraction)
{
	uint32_t milli = constant * 1000ul + fraction;
	uint32_t factor = product_high(milli << 6, WATT_FACTOR << 10); /* milli × WATT_FACTOR / 2^16 */

	return product_high(mean, factor);
}
