/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pseudo-random numbers that are the same in each run with the same seed. */
#ifndef SIM_RANDOM_H
#define SIM_RANDOM_H

#include <stdint.h>

/* Marsaglia's xorshift32. Returns the new state, which is never 0 unless it began with 0. */
static inline uint32_t xorshift32(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

#endif
