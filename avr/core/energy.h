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

/* Samples' sum that one energy_add_samples() may take: 40000 × 65535 + 1e9 fits 32 bits. */
#define ENERGY_SUM_MAX 40000u

/* Adds sum × (constant + fraction / 1000) nWh; returns the whole Wh that came out of it. */
uint8_t energy_add_samples(struct remainder *rest, uint16_t sum, uint16_t constant, uint16_t fraction);

/* Adds one pulse of (constant + fraction / 1000) Wh; returns the whole Wh that came out of it. */
uint32_t energy_add_pulse(struct remainder *rest, uint16_t constant, uint16_t fraction);

/* Mean ADC code of a second in 1/4096; count is not 0 and the sum at most 1023 × 1024. */
uint32_t energy_mean(uint32_t sum, uint16_t count);

/* Power in W, rounded, of a mean ADC code (sum of several inputs allowed, below 2^24). */
uint32_t energy_watt(uint32_t mean, uint16_t constant, uint16_t fraction);

#endif
