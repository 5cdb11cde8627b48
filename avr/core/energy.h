/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Exact energy of samples and pulses in integers, and the power of a second. */
#ifndef CORE_ENERGY_H
#define CORE_ENERGY_H

#include <stdint.h>

/* A sensor's energy below one Wh. */
struct remainder {
	uint32_t nano; /* of clamps: nWh, below 1e9 */
	uint16_t pico; /* of clamps: pWh, below 1000 */
	uint16_t part; /* of pulses: part / step.per Wh, below step.per */
};

/* For a clamp, nWh for each sample and ADC step; for a pulse input, Wh a pulse. */
struct constant {
	uint16_t whole;
	uint16_t fraction; /* in 1/1000, below 1000 */
};

/* The energy of one pulse: whole + part / per Wh, with part below per. */
struct step {
	uint16_t whole;
	uint16_t part;
	uint16_t per; /* 1 … 65535 */
};

/*
 * Pieces are the whole pulses in a part of a Wh. A record has four bits for them, so at most 16
 * pulses may make one Wh.
 */
#define ENERGY_PIECES_MAX 15

/*
 * The largest sum for one energy_add_samples(): 50000 × 65535 + 1e9 fits 32 bits. A clamp's samples
 * of 60 ms add up to 40920 at most.
 */
#define ENERGY_SUM_MAX 50000u

#define ENERGY_COUNT_MAX 1024u /* most samples of one second */

/*
 * Adds sum × (constant + fraction / 1000) nWh to rest and returns the whole Wh, which it takes out.
 */
uint8_t energy_add_samples(struct remainder *rest, uint16_t sum, uint16_t constant,
			   uint16_t fraction);

/* Adds pulses and returns the whole Wh. Exact: the remainder stays in rest->part. */
uint32_t energy_add_pulses(struct remainder *rest, uint8_t pulses, const struct step *step);

/* Returns how many whole pulses a part of a Wh holds, at most ENERGY_PIECES_MAX. */
uint8_t energy_pieces(uint16_t part, const struct step *step);

/*
 * Returns the part of a Wh that holds so many pieces, for a counter that pulses alone have moved wh
 * Wh ahead of one whose part was from. Returns 0 if no such part exists.
 */
uint16_t energy_part_ahead(uint16_t wh, uint16_t from, uint8_t pieces, const struct step *step);

/*
 * Returns the mean power of count samples (1 … ENERGY_COUNT_MAX) with this sum. The unit is
 * 1/POWER_WATT W, so that three inputs add up in 32 bits.
 */
uint32_t energy_power(uint32_t sum, uint16_t count, const struct constant *constant);

#endif
