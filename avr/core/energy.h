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

/* A power that adds up over inputs: whole W, and parts below WATT_PARTS for each input. */
struct power {
	uint32_t watt;
	uint32_t part;
};

/* Samples' sum that one energy_add_samples() may take: 40000 × 65535 + 1e9 fits 32 bits. */
#define ENERGY_SUM_MAX 40000u

/* Samples of one input that energy_add_power() may take: the sum then fits 20 bits. */
#define ENERGY_COUNT_MAX 1024u

/* Adds sum × (constant + fraction / 1000) nWh; returns the whole Wh that came out of it. */
uint8_t energy_add_samples(struct remainder *rest, uint16_t sum, uint16_t constant, uint16_t fraction);

/* Adds one pulse of (constant + fraction / 1000) Wh; returns the whole Wh that came out of it. */
uint32_t energy_add_pulse(struct remainder *rest, uint16_t constant, uint16_t fraction);

/* Adds the mean power of one input, of which count samples (1 … ENERGY_COUNT_MAX) have that sum. */
void energy_add_power(struct power *power, uint32_t sum, uint16_t count, uint16_t constant, uint16_t fraction);

/* The power in W, rounded. */
uint32_t energy_watt(const struct power *power);

#endif
