/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Exact integer energy of samples and pulses, and the power of a second. */
#ifndef CORE_ENERGY_H
#define CORE_ENERGY_H

#include <stdint.h>

/* Energy below one Wh that a sensor holds: of clamps nano < 1e9 nWh and pico < 1000 pWh, of pulses part < step.per. */
struct remainder {
	uint32_t nano;
	uint16_t pico;
	uint16_t part;
};

/* nWh a sample and ADC step, or Wh a pulse. */
struct constant {
	uint16_t whole;
	uint16_t fraction; /* 1/1000, below 1000 */
};

/* What one pulse adds: whole + part / per Wh, part below per. */
struct step {
	uint16_t whole;
	uint16_t part;
	uint16_t per; /* 1 … 65535 */
};

#define ENERGY_PIECES_MAX \
	15 /* pulses below one Wh have four bits of a record; so per is at most 16 pulses */

/* Samples' sum that one energy_add_samples() may take: 50000 × 65535 + 1e9 fits 32 bits; a clamp has 40920 in 60 ms. */
#define ENERGY_SUM_MAX 50000u

#define ENERGY_COUNT_MAX 1024u /* samples of one second at most */

/* Adds sum × (constant + fraction / 1000) nWh; returns the whole Wh that came out of it. */
uint8_t energy_add_samples(struct remainder *rest, uint16_t sum, uint16_t constant,
			   uint16_t fraction);

/* Adds so many pulses; returns the whole Wh that came out of them. Exact: what is left stays in rest->part. */
uint32_t energy_add_pulses(struct remainder *rest, uint8_t pulses, const struct step *step);

/* How many whole pulses the part of a Wh holds, at most ENERGY_PIECES_MAX. */
uint8_t energy_pieces(uint16_t part, const struct step *step);

/*
 * The part of a Wh that goes with a counter which is that many Wh ahead (below 65536) of one that went with the part from,
 * nothing but pulses having come since, and that holds so many pieces; 0 where that is impossible.
 */
uint16_t energy_part_ahead(uint16_t wh, uint16_t from, uint8_t pieces, const struct step *step);

/* Mean power, in parts of 1/POWER_WATT W so that three inputs add up in 32 bits, of count samples (1 … ENERGY_COUNT_MAX) that have that sum. */
uint32_t energy_power(uint32_t sum, uint16_t count, const struct constant *constant);

#endif
