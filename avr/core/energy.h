/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Exact integer energy of samples and pulses, and the power of a second. */
#ifndef CORE_ENERGY_H
#define CORE_ENERGY_H

#include <stdint.h>

/* Energy below one Wh that a sensor holds: nano < 1e9 nWh, pico < 1000 pWh. */
struct remainder {
	uint32_t nano;
	uint16_t pico;
};

/* nWh a sample and ADC step, or Wh a pulse. */
struct constant {
	uint16_t whole;
	uint16_t fraction; /* 1/1000, below 1000 */
};

/* Samples' sum that one energy_add_samples() may take: 50000 × 65535 + 1e9 fits 32 bits; a clamp has 40920 in 60 ms. */
#define ENERGY_SUM_MAX 50000u

#define ENERGY_COUNT_MAX 1024u /* samples of one second at most */

/* Adds sum × (constant + fraction / 1000) nWh; returns the whole Wh that came out of it. */
uint8_t energy_add_samples(struct remainder *rest, uint16_t sum, uint16_t constant, uint16_t fraction);

/* Adds the fraction of one pulse, fraction / 1000 Wh; returns the whole Wh that came out of it. */
uint8_t energy_add_fraction(struct remainder *rest, uint16_t fraction);

/* Mean power, in parts of 1/POWER_WATT W so that three inputs add up in 32 bits, of count samples (1 … ENERGY_COUNT_MAX) that have that sum. */
uint32_t energy_power(uint32_t sum, uint16_t count, const struct constant *constant);

#endif
